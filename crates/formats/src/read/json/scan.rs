//! Finds the boundaries between the items of an array by quotes and brackets alone.

use chancery_core::tree::plain_length;

/// Number of bytes scanned at a time.
const BLOCK: usize = 64;

/// Where the scan stands; the text may come in parts.
#[derive(Default)]
pub(super) struct Scan {
    depth: u32,
    in_string: bool,
}

/// What the scan looks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// Offset after the comma.
    Comma(usize),
    /// Offset after the closing bracket of the array.
    End(usize),
}

impl Scan {
    /// The next boundary at or after `at`, which is advanced past the scanned bytes.
    pub(super) fn step(&mut self, bytes: &[u8], at: &mut usize) -> Option<Border> {
        // Between items and at the ends of the text, and where there are escapes, it goes string by string.
        let mut blocks_from = 0;
        while *at < bytes.len() {
            if self.depth > 0 && *at >= blocks_from {
                if self.blocks(bytes, at) {
                    continue;
                }
                blocks_from = *at + BLOCK;
            }
            if self.in_string {
                // Most strings are short, for which a search that has to be set up costs more.
                *at += plain_length(&bytes[*at..]);
                match bytes.get(*at) {
                    // The escaped byte may not have been read yet.
                    Some(b'\\') if *at + 1 >= bytes.len() => return None,
                    Some(b'\\') => *at += 2,
                    Some(byte) => {
                        self.in_string = *byte != b'"';
                        *at += 1;
                    }
                    None => return None,
                }
                continue;
            }
            let byte = bytes[*at];
            *at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' if self.depth == 0 => return Some(Border::End(*at)),
                b']' | b'}' => self.depth -= 1,
                b',' if self.depth == 0 => return Some(Border::Comma(*at)),
                _ => {}
            }
        }
        None
    }

    // Goes through blocks inside an item, a bit for each byte, as far as they have no backslash or to the end
    // of the item (G. Langdale and D. Lemire, Parsing Gigabytes of JSON per Second, 2019); returns whether there was one.
    fn blocks(&mut self, bytes: &[u8], at: &mut usize) -> bool {
        let start = *at;
        let mut inside = if self.in_string { u64::MAX } else { 0 };
        while let Some(block) = bytes.get(*at..).and_then(<[u8]>::first_chunk::<BLOCK>)
            && let Some(Marks { quotes, opening, closing }) = Marks::of(block)
        {
            // Each bit becomes the parity of the quotes up to it: whether its byte is in a string.
            let in_strings = [1, 2, 4, 8, 16, 32].into_iter().fold(quotes, |parity, by| parity ^ parity << by) ^ inside;
            let mut brackets = (opening | closing) & !in_strings;
            while brackets != 0 {
                let first = brackets & brackets.wrapping_neg();
                brackets ^= first;
                if opening & first != 0 {
                    self.depth += 1;
                } else {
                    self.depth -= 1;
                    if self.depth == 0 {
                        *at += first.trailing_zeros() as usize + 1;
                        self.in_string = false;
                        return true;
                    }
                }
            }
            // All ones where the last byte is in a string.
            inside = 0_u64.wrapping_sub(in_strings >> 63);
            *at += BLOCK;
        }
        self.in_string = inside != 0;
        *at > start
    }
}

// Which bytes of a block are what, a bit for each.
struct Marks {
    quotes: u64,
    opening: u64,
    closing: u64,
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

impl Marks {
    // `None` for a block with a backslash.
    fn of(block: &[u8; BLOCK]) -> Option<Self> {
        let mut marks = Self { quotes: 0, opening: 0, closing: 0 };
        let mut backslashes = 0;
        let (words, _) = block.as_chunks::<8>();
        for (number, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            // Brackets and braces differ in one bit.
            let braces = word | (LOW * 0x20);
            marks.quotes |= bits(equal(word, b'"')) << (number * 8);
            marks.opening |= bits(equal(braces, b'{')) << (number * 8);
            marks.closing |= bits(equal(braces, b'}')) << (number * 8);
            backslashes |= equal(word, b'\\');
        }
        (backslashes == 0).then_some(marks)
    }
}

// The highest bit of each byte of a word that is this one.
fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (LOW * u64::from(byte));
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

// The highest bits of a word's bytes side by side.
fn bits(word: u64) -> u64 {
    (word >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Every byte by itself.
    fn plainly(text: &[u8]) -> Vec<Border> {
        let (mut depth, mut in_string, mut escaped) = (0, false, false);
        let mut found = Vec::new();
        for (at, byte) in text.iter().enumerate() {
            if in_string {
                in_string = escaped || *byte != b'"';
                escaped = !escaped && *byte == b'\\';
                continue;
            }
            match byte {
                b'"' => in_string = true,
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth == 0 => {
                    found.push(Border::End(at + 1));
                    return found;
                }
                b']' | b'}' => depth -= 1,
                b',' if depth == 0 => found.push(Border::Comma(at + 1)),
                _ => {}
            }
        }
        found
    }

    proptest! {
        #![proptest_config(chancery_core::property::cases(3000))]

        #[test]
        fn borders_are_those_that_single_bytes_have(
            parts in prop::collection::vec(
                prop_oneof![
                    4 => "[a-z:,{}\\[\\]]{0,40}",
                    4 => "\"[a-z:,{}\\[\\]é\u{1f600} ]{0,90}\"",
                    1 => "\"[a-z]{0,9}(\\\\[\"\\\\n]){1,3}[a-z,}]{0,9}\"",
                    1 => "[\"\\\\]",
                ],
                0..40,
            ),
            cut in 0_usize..400,
        ) {
            let text = parts.concat();
            let text = text.as_bytes();
            let mut scan = Scan::default();
            let (mut found, mut at) = (Vec::new(), 0);
            // The text comes in two parts.
            for end in [cut.min(text.len()), text.len()] {
                while found.last().is_none_or(|last| matches!(last, Border::Comma(_)))
                    && let Some(border) = scan.step(&text[..end], &mut at)
                {
                    found.push(border);
                }
            }
            prop_assert_eq!(found, plainly(text));
        }
    }
}
