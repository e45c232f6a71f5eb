//! Which inputs hold records of one collection: those whose records have similar members.

use std::collections::BTreeSet;

use super::statistics::Statistics;

/// Inputs of one collection, in order, and their records.
#[derive(Debug, Default)]
pub struct Group {
    /// Names of the inputs.
    pub inputs: Vec<String>,
    /// Their records.
    pub statistics: Statistics,
}

/// Joins inputs, which come in order of their names, where records have at least half of their usual members in common.
#[must_use]
pub fn grouped(inputs: impl IntoIterator<Item = (String, Statistics)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (name, statistics) in inputs {
        let own = usual(&statistics);
        let alike = groups.iter_mut().find(|group| {
            let others = usual(&group.statistics);
            let shared = own.intersection(&others).count();
            2 * shared >= own.union(&others).count()
        });
        match alike {
            Some(group) => {
                group.inputs.push(name);
                group.statistics.join(statistics);
            }
            None => groups.push(Group { inputs: vec![name], statistics }),
        }
    }
    groups
}

// Names of members that at least half of the records have.
fn usual(statistics: &Statistics) -> BTreeSet<String> {
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    for members in statistics.root.members.iter().flat_map(|objects| objects.variants.values()) {
        for member in &members.named {
            *counts.entry(&member.name).or_default() += member.count;
        }
    }
    counts.into_iter().filter(|(_, count)| 2 * count >= statistics.records).map(|(name, _)| name.to_owned()).collect()
}
