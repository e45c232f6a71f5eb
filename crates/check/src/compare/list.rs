//! Matches the items of two lists, so that inserting an item is one difference and not one per item.
//!
//! Input: a number for each item, equal for equal items. Output: the partner of each new item. The time is bounded for
//! any input: the longest common subsequence is exact for lists with a few hundred differing items; for longer ones,
//! equal items are matched in order.

use std::collections::{HashMap, VecDeque};

/// Lists are compared exactly while the product of their lengths, without common ends, is within this limit.
const EXACT: usize = 1 << 18;

/// Between two matched items, the rest on both sides is matched by similarity up to this many combinations.
const ALIKE: usize = 1 << 10;

/// The partner of a new item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its index.
    pub old: usize,
    /// Whether it has another position among the matched ones.
    pub moved: bool,
}

/// A step through both lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An item of both.
    Both {
        /// Its number in the old list.
        old: usize,
        /// Its number in the new list.
        new: usize,
        /// Whether it moved.
        moved: bool,
    },
    /// An old item that is gone.
    Removed(usize),
    /// A new item.
    Added(usize),
}

/// Partners by keys, which are unique in their list.
pub fn by_key(old: &[u128], new: &[u128]) -> Vec<Option<Partner>> {
    let known: HashMap<u128, usize> = old.iter().enumerate().map(|(at, key)| (*key, at)).collect();
    let pairs: Vec<(usize, usize)> = new.iter().enumerate().filter_map(|(at, key)| Some((*known.get(key)?, at))).collect();
    let mut partners = vec![None; new.len()];
    for (old, at) in &pairs {
        partners[*at] = Some(Partner { old: *old, moved: true });
    }
    for (old, at) in rising(&pairs) {
        partners[at] = Some(Partner { old, moved: false });
    }
    partners
}

/// Partners by content: those in the same order, those that moved, and similar ones among the rest, if `likeness` is
/// above 0.
pub fn by_equality(old: &[u128], new: &[u128], mut likeness: impl FnMut(usize, usize) -> u32) -> Vec<Option<Partner>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let (old_middle, new_middle) = (&old[head..old_end], &new[head..new_end]);
    let middle = if old_middle.len().saturating_mul(new_middle.len()) <= EXACT {
        longest(old_middle, new_middle)
    } else {
        rising(&occurrences(old_middle, new_middle))
    };
    let stayed: Vec<(usize, usize)> = (0..head)
        .map(|at| (at, at))
        .chain(middle.into_iter().map(|(a, b)| (a + head, b + head)))
        .chain((0..tail).map(|at| (old_end + at, new_end + at)))
        .collect();
    let mut partners = vec![None; new.len()];
    let mut taken = vec![false; old.len()];
    for (from, to) in &stayed {
        taken[*from] = true;
        partners[*to] = Some(Partner { old: *from, moved: false });
    }
    let free: Vec<usize> = (0..old.len()).filter(|at| !taken[*at]).collect();
    let looking: Vec<usize> = (0..new.len()).filter(|at| partners[*at].is_none()).collect();
    let moved = occurrences(&pick(old, &free), &pick(new, &looking));
    for (from, to) in moved {
        taken[free[from]] = true;
        partners[looking[to]] = Some(Partner { old: free[from], moved: true });
    }
    let (mut old_at, mut new_at) = (0, 0);
    for (old_to, new_to) in stayed.into_iter().chain([(old.len(), new.len())]) {
        let gone: Vec<usize> = (old_at..old_to).filter(|at| !taken[*at]).collect();
        let come: Vec<usize> = (new_at..new_to).filter(|at| partners[*at].is_none()).collect();
        for (from, to) in alike(&gone, &come, &mut likeness) {
            partners[to] = Some(Partner { old: from, moved: false });
        }
        (old_at, new_at) = (old_to + 1, new_to + 1);
    }
    partners
}

/// The steps through both lists: in the order of the new one, with removed items at their old position.
pub fn steps(old: usize, partners: &[Option<Partner>]) -> Vec<Step> {
    let mut taken = vec![false; old];
    partners.iter().flatten().for_each(|partner| taken[partner.old] = true);
    // For each new item, how far the old list goes before the next matched item.
    let mut ends = vec![old; partners.len()];
    let mut end = old;
    for (at, partner) in partners.iter().enumerate().rev() {
        if let Some(Partner { old, moved: false }) = partner {
            end = *old;
        }
        ends[at] = end;
    }
    let mut steps = Vec::with_capacity(partners.len());
    let mut next = 0;
    for (new, partner) in partners.iter().enumerate() {
        steps.extend((next..ends[new]).filter(|at| !taken[*at]).map(Step::Removed));
        next = next.max(ends[new]);
        steps.push(match *partner {
            Some(Partner { old, moved }) => Step::Both { old, new, moved },
            None => Step::Added(new),
        });
    }
    steps.extend((next..old).filter(|at| !taken[*at]).map(Step::Removed));
    steps
}

fn pick(items: &[u128], at: &[usize]) -> Vec<u128> {
    at.iter().map(|at| items[*at]).collect()
}

// The longest common subsequence, by dynamic programming.
fn longest(old: &[u128], new: &[u128]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    // Length of the longest one after each pair of positions.
    let mut length = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            length[a * width + b] = if old[a] == new[b] {
                length[(a + 1) * width + b + 1] + 1
            } else {
                length[(a + 1) * width + b].max(length[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut pairs = Vec::new();
    while a < old.len() && b < new.len() {
        if old[a] == new[b] {
            pairs.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if length[(a + 1) * width + b] >= length[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

// Equal items, the first with the first, the second with the second, in the order of the new list.
fn occurrences(old: &[u128], new: &[u128]) -> Vec<(usize, usize)> {
    let mut known: HashMap<u128, VecDeque<usize>> = HashMap::new();
    for (at, item) in old.iter().enumerate() {
        known.entry(*item).or_default().push_back(at);
    }
    new.iter().enumerate().filter_map(|(at, item)| Some((known.get_mut(item)?.pop_front()?, at))).collect()
}

// Of pairs in the order of the new list, the largest subset in the order of the old one too.
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair that ends a run of that length with the smallest old position; and the predecessor of each pair.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].0 < pair.0);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut run: Vec<(usize, usize)> = std::iter::successors(ends.last().copied(), |at| before[*at]).map(|at| pairs[at]).collect();
    run.reverse();
    run
}

// Pairs of different items, in order, with the highest total similarity.
fn alike(old: &[usize], new: &[usize], likeness: &mut impl FnMut(usize, usize) -> u32) -> Vec<(usize, usize)> {
    if old.len().saturating_mul(new.len()) > ALIKE {
        return old.iter().copied().zip(new.iter().copied()).filter(|(a, b)| likeness(*a, *b) > 0).collect();
    }
    let width = new.len() + 1;
    let like: Vec<u32> = old.iter().flat_map(|a| new.iter().map(move |b| (*a, *b))).map(|(a, b)| likeness(a, b)).collect();
    let like = |a: usize, b: usize| like[a * new.len() + b];
    let mut best = vec![0_u32; (old.len() + 1) * width];
    let both = |best: &[u32], a: usize, b: usize| best[(a + 1) * width + b + 1] + like(a, b);
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            let apart = best[(a + 1) * width + b].max(best[a * width + b + 1]);
            best[a * width + b] = apart.max(both(&best, a, b));
        }
    }
    let (mut a, mut b) = (0, 0);
    let mut pairs = Vec::new();
    while a < old.len() && b < new.len() {
        if like(a, b) > 0 && both(&best, a, b) == best[a * width + b] {
            pairs.push((old[a], new[b]));
            (a, b) = (a + 1, b + 1);
        } else if best[(a + 1) * width + b] == best[a * width + b] {
            a += 1;
        } else {
            b += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    // Items are letters; those that differ only in case are similar. `=` stayed, `>` moved, `~` similar.
    fn check(old: &str, new: &str, expected: &str) {
        let number = |text: &str| text.bytes().map(u128::from).collect::<Vec<_>>();
        let alike = |a: usize, b: usize| u32::from(old.as_bytes()[a].eq_ignore_ascii_case(&new.as_bytes()[b]));
        let partners = by_equality(&number(old), &number(new), alike);
        let letter = |text: &str, at: usize| char::from(text.as_bytes()[at]);
        let shown: String = steps(old.len(), &partners)
            .into_iter()
            .map(|step| match step {
                Step::Both { old: a, new: b, moved } => {
                    let sign = if letter(old, a) != letter(new, b) {
                        '~'
                    } else if moved {
                        '>'
                    } else {
                        '='
                    };
                    format!("{sign}{}", letter(new, b))
                }
                Step::Removed(at) => format!("-{}", letter(old, at)),
                Step::Added(at) => format!("+{}", letter(new, at)),
            })
            .collect();
        assert_eq!(shown, expected, "{old} {new}");
    }

    #[test]
    fn one_item_more_is_one_step() {
        check("", "a", "+a");
        check("abc", "xabc", "+x=a=b=c");
        check("abc", "ab", "=a=b-c");
        check("aaa", "aaaa", "=a=a=a+a");
        check("abc", "abc", "=a=b=c");
        check("ababab", "bababa", "=b=a=b=a=b>a");
    }

    #[test]
    fn items_move_and_change() {
        check("abcd", "dabc", ">d=a=b=c");
        check("abc", "aBc", "=a~B=c");
        check("abc", "axBc", "=a+x~B=c");
        check("abc", "axc", "=a-b+x=c");
        check("abc", "cba", "=c>b>a");
    }

    #[test]
    fn long_lists_are_bounded_and_complete() {
        let old: Vec<u128> = (0..5000).collect();
        let new: Vec<u128> = (0..5000).map(|at| (at * 7919) % 5000).collect();
        let partners = by_equality(&old, &new, |_, _| 0);
        assert!(partners.iter().all(Option::is_some));
        assert_eq!(steps(5000, &partners).len(), 5000);
        assert_eq!(by_key(&old, &new).iter().flatten().count(), 5000);
    }
}
