//! Ways to choose among the alternatives that hold for a value.

use super::InstanceGenerator;
use chancery_schema::registry::At;

// Alternatives, by the subschema and the keyword that has them.
type Group = (At, &'static str);

// Sets of subschemas that hold together, one of which has to.
type Options = Vec<Vec<At>>;

// Which alternatives are taken.
#[derive(Clone, Copy)]
enum Pick {
    First,
    Last,
    FirstBut(Group, usize),
}

impl InstanceGenerator<'_> {
    // Ways to choose among the alternatives in a set of subschemas, with all that holds in place then: the first of each, the
    // last of each, and those that differ from the first in one place.
    pub(super) fn combinations(&self, all: &[At]) -> Vec<Vec<At>> {
        const MOST: usize = 12;
        let (elements, groups) = self.chosen(all, Pick::First);
        let mut found = vec![elements];
        if groups.len() > 1 && groups.iter().any(|(_, options)| *options > 1) {
            found.push(self.chosen(all, Pick::Last).0);
        }
        let largest = groups.iter().map(|(_, options)| *options).max().unwrap_or(0);
        for option in 1..largest {
            for (group, _) in groups.iter().filter(|(_, options)| option < *options) {
                if found.len() < MOST && !self.is_exhausted() {
                    found.push(self.chosen(all, Pick::FirstBut(*group, option)).0);
                }
            }
        }
        found
    }

    // All that holds where alternatives are taken so; and the groups of them, with how many they have. An alternative that
    // holds anyway decides its group.
    fn chosen(&self, all: &[At], how: Pick) -> (Vec<At>, Vec<(Group, usize)>) {
        const MOST: usize = 32;
        let mut all = all.to_vec();
        let mut decided: Vec<(Group, usize)> = Vec::new();
        loop {
            let (elements, groups) = self.flat(&all);
            let open = groups.into_iter().find(|(group, _)| decided.iter().all(|(known, _)| known != group));
            let Some((group, options)) = open.filter(|_| decided.len() < MOST) else { return (elements, decided) };
            let holds = |option: &Vec<At>| !option.is_empty() && option.iter().all(|at| elements.contains(at));
            if options.iter().any(holds) {
                decided.push((group, 1));
                continue;
            }
            decided.push((group, options.len()));
            let pick = match how {
                Pick::FirstBut(known, option) if known == group => option,
                Pick::Last => options.len() - 1,
                _ => 0,
            };
            all.extend(options.get(pick).into_iter().flatten());
        }
    }

    // Everything that holds where these hold, and the alternatives among which one has to.
    pub(super) fn flat(&self, all: &[At]) -> (Vec<At>, Vec<(Group, Options)>) {
        let mut elements: Vec<At> = Vec::new();
        let mut groups = Vec::new();
        let mut next: Vec<At> = all.iter().rev().copied().collect();
        while let Some(at) = next.pop() {
            if elements.contains(&at) || elements.len() > 256 {
                continue;
            }
            elements.push(at);
            let here = Some(at);
            next.extend(self.side.listed(here, "allOf").into_iter().rev());
            next.extend(self.side.reference_target(here));
            for keyword in ["anyOf", "oneOf"] {
                let options: Vec<Vec<At>> = self.side.listed(here, keyword).into_iter().map(|option| vec![option]).collect();
                if !options.is_empty() {
                    groups.push(((at, keyword), options));
                }
            }
            if let Some(condition) = self.side.sub(here, "if") {
                let met = std::iter::once(condition).chain(self.side.sub(here, "then")).collect();
                let unmet = self.side.sub(here, "else").into_iter().collect();
                groups.push(((at, "if"), vec![met, unmet]));
            }
        }
        (elements, groups)
    }
}
