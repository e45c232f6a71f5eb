//! Missions of the United Nations: names, acronyms, host countries, years.
//!
//! `missions.tsv` has the facts and names the page each row is from. The list links and checks what a record states; it adds nothing.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::Country;

/// A mission.
#[derive(Debug, PartialEq, Eq)]
pub struct Mission {
    /// Its acronym.
    pub acronym: &'static str,
    /// Other acronyms, such as the French one.
    pub other_acronyms: Vec<&'static str>,
    /// Its name in English.
    pub name: &'static str,
    /// The countries in which it is or was.
    pub hosts: Vec<Country>,
    /// The year it began.
    pub start: i32,
    /// The year it ended; `None` while it goes on.
    pub end: Option<i32>,
    /// The number of the Security Council resolution that established it, where that is one.
    pub resolution: Option<u32>,
    /// The page that the facts are from.
    pub source: &'static str,
}

impl Mission {
    /// The mission of that acronym.
    #[must_use]
    pub fn by_acronym(acronym: &str) -> Option<&'static Self> {
        let list = list();
        list.by_acronym.get(acronym).map(|at| &list.missions[*at])
    }

    /// All missions.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &list().missions
    }

    /// Whether it was in that country.
    #[must_use]
    pub fn is_hosted_by(&self, country: Country) -> bool {
        self.hosts.contains(&country)
    }
}

struct MissionList {
    missions: Vec<Mission>,
    by_acronym: HashMap<&'static str, usize>,
}

fn list() -> &'static MissionList {
    static LIST: OnceLock<MissionList> = OnceLock::new();
    LIST.get_or_init(|| {
        let missions: Vec<Mission> = include_str!("missions.tsv").lines().filter_map(row).collect();
        let mut by_acronym = HashMap::new();
        for (at, mission) in missions.iter().enumerate() {
            for acronym in std::iter::once(&mission.acronym).chain(&mission.other_acronyms) {
                by_acronym.entry(*acronym).or_insert(at);
            }
        }
        MissionList { missions, by_acronym }
    })
}

fn row(line: &'static str) -> Option<Mission> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [acronym, others, name, hosts, start, end, resolution, _, source] = parts[..] else { return None };
    Some(Mission {
        acronym,
        other_acronyms: others.split('|').filter(|other| !other.is_empty()).collect(),
        name,
        hosts: hosts.split(' ').filter_map(Country::coded).collect(),
        start: start.parse().ok()?,
        end: end.parse().ok(),
        resolution: resolution.parse().ok(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The last resolution of a year, for the years in which missions were founded: so a number tells its year.
    const LAST_OF_YEAR: &[(i32, u32)] = &[
        (1948, 66),
        (1958, 131),
        (1960, 160),
        (1963, 185),
        (1964, 199),
        (1965, 219),
        (1973, 344),
        (1974, 366),
        (1977, 422),
        (1978, 443),
        (1987, 606),
        (1988, 626),
        (1989, 646),
        (1990, 683),
        (1991, 725),
        (1992, 799),
        (1993, 892),
        (1994, 969),
        (1995, 1035),
        (1996, 1092),
        (1997, 1146),
        (1998, 1219),
        (1999, 1284),
        (2000, 1334),
        (2001, 1386),
        (2002, 1451),
        (2003, 1521),
        (2004, 1580),
        (2005, 1651),
        (2006, 1738),
        (2007, 1794),
        (2008, 1859),
        (2009, 1907),
        (2010, 1966),
        (2011, 2032),
        (2012, 2085),
        (2013, 2132),
        (2014, 2195),
        (2015, 2259),
        (2016, 2336),
        (2017, 2396),
        (2018, 2451),
        (2019, 2504),
        (2020, 2560),
    ];

    #[test]
    fn the_parts_of_each_row_agree() {
        let rows = include_str!("missions.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(Mission::all().len(), rows, "each row is read");
        for mission in Mission::all() {
            let name = mission.acronym;
            assert!(!mission.hosts.is_empty() && !mission.source.is_empty(), "{name}");
            assert!(mission.end.is_none_or(|end| end >= mission.start), "{name}: {} to {:?}", mission.start, mission.end);
            if let Some(resolution) = mission.resolution {
                let year = LAST_OF_YEAR.iter().find(|(_, last)| resolution <= *last).map(|(year, _)| *year);
                assert!(year.is_some_and(|year| year == mission.start || year + 1 == mission.start), "{name}: {resolution} is of {year:?}");
            }
        }
    }

    #[test]
    fn acronyms_are_distinct() {
        let mut known = std::collections::HashSet::new();
        for mission in Mission::all() {
            assert!(known.insert(mission.acronym), "{}", mission.acronym);
        }
        assert_eq!(Mission::by_acronym("ONUCI"), Mission::by_acronym("UNOCI"));
        assert!(Mission::by_acronym("XYZ").is_none());
    }
}
