//! Patterns of identifiers, from the characters at each place of texts of one length, or from runs of like characters in
//! texts of several lengths.

/// The longest text of which places are kept.
const LONGEST: usize = 48;

/// The largest number of runs.
const MOST_RUNS: usize = 8;

const DIGIT: u8 = 1;
const LOWER_HEX: u8 = 2;
const LOWER: u8 = 4;
const UPPER_HEX: u8 = 8;
const UPPER: u8 = 16;
const OTHER: u8 = 32;

fn class(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'a'..=b'f' => LOWER_HEX,
        b'g'..=b'z' => LOWER,
        b'A'..=b'F' => UPPER_HEX,
        b'G'..=b'Z' => UPPER,
        _ => OTHER,
    }
}

// The classes of all letters of a case that one of them belongs to.
fn widened(class: u8) -> u8 {
    let mut wide = class & (DIGIT | OTHER);
    if class & (LOWER_HEX | LOWER) != 0 {
        wide |= LOWER_HEX | LOWER;
    }
    if class & (UPPER_HEX | UPPER) != 0 {
        wide |= UPPER_HEX | UPPER;
    }
    wide
}

/// The characters at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    byte: u8,
    // Whether every text has this byte here.
    constant: bool,
    classes: u8,
}

/// Characters that follow each other and are of one kind: digits, lower or upper case letters, or one other character.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    classes: u8,
    // The text that all have here.
    constant: Option<Box<str>>,
    lengths: (usize, usize),
}

/// What the texts have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms {
    is_started: bool,
    places: Option<Vec<Place>>,
    runs: Option<Vec<Run>>,
}

impl Forms {
    pub(super) fn add(&mut self, text: &str) {
        if !self.is_started {
            self.is_started = true;
            let fits = text.is_ascii() && !text.is_empty() && text.len() <= LONGEST;
            let place = |byte: u8| Place { byte, constant: true, classes: class(byte) };
            self.places = fits.then(|| text.bytes().map(place).collect());
            let runs: Vec<Run> = runs(text).take(MOST_RUNS + 1).map(|(classes, run)| Run::new(classes, run)).collect();
            self.runs = (fits && runs.len() <= MOST_RUNS).then_some(runs);
            return;
        }
        if self.places.as_ref().is_some_and(|places| places.len() != text.len()) {
            self.places = None;
        }
        if let Some(places) = &mut self.places {
            let mut fits = true;
            for (place, byte) in places.iter_mut().zip(text.bytes()) {
                if place.byte != byte || !place.constant {
                    place.constant &= place.byte == byte;
                    place.classes |= class(byte);
                    fits &= place.constant || place.classes & OTHER == 0;
                }
            }
            if !fits || !text.is_ascii() {
                self.places = None;
            }
        }
        if let Some(own) = &mut self.runs {
            let mut found = if text.len() <= LONGEST { runs(text) } else { runs("") };
            let fits =
                own.iter_mut().all(|run| found.next().is_some_and(|(classes, text)| run.add(classes, text))) && found.next().is_none();
            if !fits {
                self.runs = None;
            }
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        if !other.is_started {
            return;
        }
        if !self.is_started {
            *self = other.clone();
            return;
        }
        self.places = match (self.places.take(), &other.places) {
            (Some(mut own), Some(others)) if own.len() == others.len() => {
                for (place, other) in own.iter_mut().zip(others) {
                    place.constant &= other.constant && place.byte == other.byte;
                    place.classes |= other.classes;
                }
                own.iter().all(|place| place.constant || place.classes & OTHER == 0).then_some(own)
            }
            _ => None,
        };
        self.runs = match (self.runs.take(), &other.runs) {
            (Some(mut own), Some(others)) if own.len() == others.len() => {
                own.iter_mut().zip(others).all(|(run, other)| run.join(other)).then_some(own)
            }
            _ => None,
        };
    }

    /// The pattern of texts of one length.
    pub(super) fn of_places(&self) -> Option<String> {
        let mut places = self.places.clone()?;
        if places.iter().all(|place| place.constant) {
            return None;
        }
        // A digit that happens to be the same everywhere is one of its number.
        let generalise = |places: &mut [Place], at: usize, beside: usize| {
            let (place, other) = (places[at], places[beside]);
            if place.constant && !other.constant && place.classes & OTHER == 0 && widened(place.classes) & widened(other.classes) != 0 {
                places[at].constant = false;
            }
        };
        for at in 1..places.len() {
            generalise(&mut places, at, at - 1);
        }
        for at in (1..places.len()).rev() {
            generalise(&mut places, at - 1, at);
        }
        let varying = || places.iter().filter(|place| !place.constant);
        let all = varying().fold(0, |classes, place| classes | place.classes);
        let is_hex = all & (LOWER | UPPER) == 0 && all & DIGIT != 0 && varying().count() >= 8;
        let has_digits = all & DIGIT != 0;
        // Words of one length are no identifiers, unless they are short codes.
        if !has_digits && places.len() > 4 {
            return None;
        }
        let mut pieces: Vec<(String, usize)> = Vec::new();
        for place in &places {
            let piece = match (place.constant, is_hex) {
                (true, _) => escaped(place.byte),
                (false, true) => set(if place.classes & DIGIT != 0 && place.classes != DIGIT { place.classes } else { all }),
                (false, false) => set(widened(place.classes)),
            };
            match pieces.last_mut() {
                Some((last, count)) if *last == piece => *count += 1,
                _ => pieces.push((piece, 1)),
            }
        }
        let mut pattern = String::from("^");
        for (piece, count) in pieces {
            match count {
                1 => pattern.push_str(&piece),
                2 if piece.len() < 3 => pattern.push_str(&piece.repeat(2)),
                _ => pattern.push_str(&format!("{piece}{{{count}}}")),
            }
        }
        pattern.push('$');
        Some(pattern)
    }

    /// The pattern of texts of several lengths, with a number in them.
    pub(super) fn of_runs(&self) -> Option<String> {
        let runs = self.runs.as_ref()?;
        let is_number = |run: &&Run| run.classes == DIGIT && run.constant.is_none();
        if !runs.iter().any(|run| is_number(&run)) {
            return None;
        }
        let mut pattern = String::from("^");
        for run in runs {
            if let Some(text) = run.constant.as_deref().filter(|_| run.classes != DIGIT) {
                pattern.extend(text.bytes().map(escaped));
                continue;
            }
            pattern.push_str(&set(run.classes));
            match run.lengths {
                (1, 1) => {}
                (shortest, longest) if shortest == longest => pattern.push_str(&format!("{{{shortest}}}")),
                _ => pattern.push('+'),
            }
        }
        pattern.push('$');
        Some(pattern)
    }
}

impl Run {
    fn new(classes: u8, text: &str) -> Self {
        Self { classes, constant: Some(text.into()), lengths: (text.len(), text.len()) }
    }

    // Whether the text is a run of the same kind.
    fn add(&mut self, classes: u8, text: &str) -> bool {
        if self.constant.as_deref().is_some_and(|constant| constant != text) {
            self.constant = None;
        }
        self.lengths = (self.lengths.0.min(text.len()), self.lengths.1.max(text.len()));
        self.classes == classes && (classes != OTHER || self.constant.is_some())
    }

    fn join(&mut self, other: &Self) -> bool {
        if self.constant != other.constant {
            self.constant = None;
        }
        self.lengths = (self.lengths.0.min(other.lengths.0), self.lengths.1.max(other.lengths.1));
        self.classes == other.classes && (self.classes != OTHER || self.constant.is_some())
    }
}

fn runs(text: &str) -> impl Iterator<Item = (u8, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let classes = widened(class(first));
        let length = match classes {
            OTHER => rest.chars().next().map_or(1, char::len_utf8),
            _ => rest.bytes().take_while(|byte| widened(class(*byte)) == classes).count(),
        };
        let (run, behind) = rest.split_at(length);
        rest = behind;
        Some((classes, run))
    })
}

fn escaped(byte: u8) -> String {
    let c = char::from(byte);
    if matches!(c, '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|') {
        format!("\\{c}")
    } else {
        c.to_string()
    }
}

fn set(classes: u8) -> String {
    if classes == DIGIT {
        return "\\d".to_owned();
    }
    let parts = [
        (DIGIT, DIGIT, "0-9"),
        (LOWER_HEX | LOWER, LOWER_HEX | LOWER, "a-z"),
        (LOWER_HEX | LOWER, LOWER_HEX, "a-f"),
        (UPPER_HEX | UPPER, UPPER_HEX | UPPER, "A-Z"),
        (UPPER_HEX | UPPER, UPPER_HEX, "A-F"),
    ];
    let shown: String = parts.iter().filter(|(mask, part, _)| classes & mask == *part).map(|(.., text)| *text).collect();
    format!("[{shown}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(texts: &[&str]) -> Forms {
        let mut forms = Forms::default();
        texts.iter().for_each(|text| forms.add(text));
        forms
    }

    #[test]
    fn patterns_of_one_length() {
        for (texts, expected) in [
            (&["S000033", "B001230", "W000437"][..], Some(r"^[A-Z]\d{6}$")),
            (&["GB-CHC-1000", "GB-CHC-2041"], Some(r"^GB-CHC-\d{4}$")),
            (&["01234", "99999"], Some(r"^\d{5}$")),
            (&["12/03/2020", "31/12/1999"], Some(r"^\d\d/\d\d/\d{4}$")),
            (&["a1b2c3d4e5", "99ffee0012"], Some("^[0-9a-f]{10}$")),
            (&["AUT", "DEU"], Some("^[A-Z]{3}$")),
            (&["a.b1", "a.b2"], Some(r"^a\.b\d$")),
            (&["house", "table"], None),
            (&["a-b1", "a b1"], None),
            (&["same1", "same1"], None),
            (&["ü1", "ü2"], None),
        ] {
            assert_eq!(forms(texts).of_places().as_deref(), expected, "{texts:?}");
        }
    }

    #[test]
    fn patterns_of_several_lengths() {
        for (texts, expected) in [
            (&["Q1", "Q42", "Q977"][..], Some(r"^Q\d+$")),
            (&["org-1", "org-12"], Some(r"^org-\d+$")),
            (&["v1.2", "v1.20"], Some(r"^v\d\.\d+$")),
            (&["a1", "b22"], Some(r"^[a-z]\d+$")),
            (&["a1", "b-2"], None),
            (&["house", "a"], None),
        ] {
            assert_eq!(forms(texts).of_runs().as_deref(), expected, "{texts:?}");
        }
    }

    #[test]
    fn joining_is_adding() {
        let (left, right) = (["A01", "A02"], ["C77", "AB1111"]);
        let mut joined = forms(&left);
        joined.join(&forms(&right[..1]));
        assert_eq!(joined.of_places(), forms(&["A01", "A02", "C77"]).of_places());
        assert_eq!(joined.of_runs(), forms(&["A01", "A02", "C77"]).of_runs());
        let mut none = Forms::default();
        none.join(&joined);
        none.join(&Forms::default());
        assert_eq!(none.of_places(), joined.of_places());
        joined.join(&forms(&right));
        assert_eq!((joined.of_places(), joined.of_runs().as_deref()), (None, Some(r"^[A-Z]+\d+$")));
    }
}
