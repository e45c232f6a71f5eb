//! Suppressed findings: by a comment next to the data, or by the config.
//!
//! A suppression changes what is reported and never which records are valid. An unused suppression is itself reported.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::policy::{self, Policy};
use super::scope::Scope;
use chancery_core::diagnostic::{Diagnostic, Place, Rule, quote, rules};
use chancery_core::growth::step;
use chancery_core::source::{Source, Span};
use chancery_formats::read::directive::Directive;

/// A suppression in the config.
#[derive(Clone, Debug)]
pub struct Suppress {
    /// The findings.
    pub scope: Scope,
    /// Its location in the config.
    pub place: Place,
}

/// All suppressions, and which of them were used.
#[derive(Debug, Default)]
pub struct Suppressions {
    by_config: Vec<(Suppress, bool)>,
    // Whether all sources of the config are read, so that an unused suppression is really unused.
    whole: bool,
    // In order of the inputs, with their locations.
    files: Vec<CommentScopes>,
    numbers: HashMap<Arc<str>, usize>,
}

// The comments of a file.
#[derive(Debug, Default)]
struct CommentScopes {
    comments: Vec<Comment>,
    // Where each code, code prefix or name is suppressed, so that a finding is not compared with the comments about others.
    by_code: HashMap<String, CodeScopes>,
}

impl CommentScopes {
    fn add(&mut self, comment: Comment) {
        let number = self.comments.len();
        for (position, code) in comment.codes.iter().enumerate() {
            let part = Part { from: comment.from, to: comment.to, number, position, enclosing: None };
            match self.by_code.get_mut(&code.text) {
                Some(scopes) => scopes.add(part),
                None => self.by_code.entry(code.text.clone()).or_default().add(part),
            }
        }
        self.comments.push(comment);
    }

    // What suppresses a rule at a byte: the innermost comment, or else the first one about the whole file.
    fn covering(&mut self, rule: &Rule, byte: u64) -> Option<&mut Code> {
        let prefixes = (1..=rule.code.len()).filter_map(|length| rule.code.get(..length));
        let of_rule = prefixes.chain([rule.name]).filter_map(|code| self.by_code.get(code));
        let (mut inner, mut whole): (Option<&Part>, Option<&Part>) = (None, None);
        for scopes in of_rule {
            inner = inner.into_iter().chain(scopes.covering(byte)).max_by_key(|part| (part.from, part.number, Reverse(part.position)));
            whole = whole.into_iter().chain(&scopes.whole).min_by_key(|part| (part.number, part.position));
        }
        let Part { number, position, .. } = *inner.or(whole)?;
        self.comments.get_mut(number)?.codes.get_mut(position)
    }
}

// The comments of a file with one code.
#[derive(Debug, Default)]
struct CodeScopes {
    // The first one about the whole file.
    whole: Option<Part>,
    // The others, in order of `from`.
    parts: Vec<Part>,
}

// What one code in a comment is about.
#[derive(Clone, Copy, Debug)]
struct Part {
    from: u64,
    to: u64,
    // The comment, and the code in it.
    number: usize,
    position: usize,
    // The nearest one before it that ends behind it. Those between end before this one does.
    enclosing: Option<usize>,
}

impl CodeScopes {
    fn add(&mut self, part: Part) {
        if part.to == u64::MAX {
            self.whole.get_or_insert(part);
            return;
        }
        // At the end, as comments come in order.
        let at = self.parts.partition_point(|other| other.from <= part.from);
        self.parts.insert(at, part);
        for at in at..self.parts.len() {
            let mut before = at.checked_sub(1);
            while let Some(other) = before.filter(|other| self.parts[*other].to <= self.parts[at].to) {
                step();
                before = self.parts[other].enclosing;
            }
            self.parts[at].enclosing = before;
        }
    }

    // The innermost one that covers a byte, found in as many steps as comments are nested there.
    fn covering(&self, byte: u64) -> Option<&Part> {
        let mut next = self.parts.partition_point(|part| part.from <= byte).checked_sub(1);
        while let Some(at) = next {
            step();
            let part = &self.parts[at];
            if byte < part.to {
                return Some(part);
            }
            next = part.enclosing;
        }
        None
    }
}

#[derive(Debug)]
struct Comment {
    // Bytes of the file.
    from: u64,
    to: u64,
    codes: Vec<Code>,
    in_scope: bool,
}

#[derive(Debug)]
struct Code {
    text: String,
    place: Place,
    used: bool,
}

impl Suppressions {
    /// Those of the config. `whole`: all its sources are read.
    #[must_use]
    pub fn new(by_config: Vec<Suppress>, whole: bool) -> Self {
        Self { by_config: by_config.into_iter().map(|suppress| (suppress, false)).collect(), whole, ..Self::default() }
    }

    /// Takes the comments of a window; returns the errors with them. `shown` is the text of the window as findings may show it,
    /// `fresh` says whether the file is one to report on.
    pub fn take(&mut self, source: &Arc<Source>, shown: &Arc<Source>, directives: &[Directive], fresh: bool) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for directive in directives.iter().filter(|directive| directive.is_comment()) {
            let place = source.locate(directive.span);
            if directive.codes.is_empty() {
                let message = "expected rule codes or names after ignore";
                diagnostics.push(
                    Diagnostic::new(&rules::BAD_SUPPRESSION, shown, directive.span, message).help("for example: chancery: ignore S104"),
                );
            }
            let mut codes = Vec::new();
            for span in &directive.codes {
                let text = source.slice(*span);
                if policy::is_known(text) {
                    codes.push(Code { text: text.to_owned(), place: detached(shown, *span), used: false });
                } else {
                    let message = format!("expected a rule code or name, found {}", quote(text, true));
                    diagnostics.push(Diagnostic::new(&rules::BAD_SUPPRESSION, shown, *span, message).help("see docs/rules for the list"));
                }
            }
            let (from, to) = match directive.covers {
                Some(span) => {
                    let covered = source.locate(span);
                    (covered.start.byte, covered.end.byte)
                }
                None => (0, u64::MAX),
            };
            let number = *self.numbers.entry(place.file).or_insert_with(|| {
                self.files.push(CommentScopes::default());
                self.files.len() - 1
            });
            // An empty span covers its first byte.
            self.files[number].add(Comment { from, to: to.max(from + 1), codes, in_scope: fresh });
        }
        diagnostics
    }

    /// Whether the finding is reported.
    pub fn filter(&mut self, diagnostic: &Diagnostic) -> bool {
        let by_config = self.by_config.iter_mut().find(|(suppress, _)| suppress.scope.matches(diagnostic));
        if let Some((_, used)) = by_config {
            *used = true;
            return false;
        }
        if self.files.is_empty() {
            return true;
        }
        let location = diagnostic.place.locate();
        let Some(number) = self.numbers.get(&location.file) else { return true };
        let code = self.files[*number].covering(diagnostic.rule, location.start.byte);
        code.map(|code| code.used = true).is_none()
    }

    /// Unused suppressions, with whether each is in a file in scope. For rules that `policy` disables, use is unknown.
    #[must_use]
    pub fn unused(self, policy: &Policy) -> Vec<(Diagnostic, bool)> {
        let mut diagnostics = Vec::new();
        for comment in self.files.into_iter().flat_map(|file| file.comments) {
            for code in comment.codes.into_iter().filter(|code| !code.used && policy.is_enabled(&code.text)) {
                let message = format!("{} suppresses nothing here", quote(&code.text, true));
                diagnostics.push((unused(&code.place, message), comment.in_scope));
            }
        }
        for (Suppress { scope, place }, _) in self.by_config.into_iter().filter(|(_, used)| self.whole && !used) {
            if scope.codes.iter().all(|code| policy.is_enabled(code)) {
                diagnostics.push((unused(&place, "this suppresses nothing".to_owned()), true));
            }
        }
        diagnostics
    }
}

fn unused(place: &Place, message: String) -> Diagnostic {
    Diagnostic::new(&rules::UNUSED_SUPPRESSION, &place.source, place.span, message).help("remove it, so that it cannot hide a new finding")
}

// Bytes of the line that are kept on either side of the name of a rule. Many comments may are in one line.
const REACH: usize = 200;

// The same place over a source that holds what is around it in its line, so that the window can go.
fn detached(source: &Source, span: Span) -> Place {
    let snippet = source.snippet_around(span, 0, REACH);
    let start = source.locate(Span::at(snippet.start));
    let line = Source::window(start.file, snippet.text, start.start);
    Place::new(&Arc::new(line), Span::new(span.start - snippet.start, span.end - snippet.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chancery_formats::read::directive::{self, Comments};

    // The comments of this text, and findings of the rule at these bytes: those that are reported.
    fn reported(text: &str, rule: &'static Rule, bytes: &[usize]) -> (Vec<usize>, Suppressions) {
        let source = Arc::new(Source::whole("a.yaml", text));
        let mut suppressions = Suppressions::default();
        assert!(suppressions.take(&source, &source, &directive::find(text, Comments::Hash), true).is_empty());
        let at = |byte: usize| Diagnostic::new(rule, &source, Span::at(byte as u32), String::new());
        let reported = bytes.iter().copied().filter(|byte| suppressions.filter(&at(*byte))).collect();
        (reported, suppressions)
    }

    fn used(suppressions: &Suppressions) -> Vec<&str> {
        let codes = suppressions.files.iter().flat_map(|file| &file.comments).flat_map(|comment| &comment.codes);
        codes.filter(|code| code.used).map(|code| code.place.source.slice(code.place.span)).collect()
    }

    #[test]
    fn the_innermost_comment_counts_and_else_the_first_about_the_file() {
        let text = "# chancery: ignore-file S10, S104\n# chancery: ignore-file S\na: 1 # chancery: ignore S107 wrong-format S1\nb: 1\n";
        let (a, b) = (text.find("a: 1").expect("it is there"), text.find("b: 1").expect("it is there"));
        for (rule, bytes, expected) in [
            (&rules::WRONG_FORMAT, &[a][..], &["wrong-format"][..]),
            (&rules::WRONG_FORMAT, &[b], &["S10"]),
            (&rules::WRONG_FORMAT, &[a, b], &["S10", "wrong-format"]),
            (&rules::MISSING_MEMBER, &[a], &["S1"]),
            (&rules::DUPLICATE_MEMBER, &[], &[]),
        ] {
            let (reported, suppressions) = reported(text, rule, bytes);
            assert_eq!((reported.as_slice(), used(&suppressions).as_slice()), (&[][..], expected), "{} {bytes:?}", rule.code);
        }
        assert_eq!(reported(text, &rules::DUPLICATE_MEMBER, &[a]).0, [a]);
    }

    #[test]
    fn work_grows_with_comments_and_findings() {
        chancery_core::growth::assert_linear(500, |size| {
            // Before one line, behind one that covers the others, and with many codes.
            let text = format!("{}a: 1 # chancery: ignore {}\n", "# chancery: ignore S104, S107\n".repeat(size), "S105 ".repeat(size));
            let at = text.rfind("a: 1").expect("it is there");
            for rule in [&rules::WRONG_FORMAT, &rules::WRONG_TYPE, &rules::DUPLICATE_MEMBER] {
                reported(&text, rule, &vec![at; size]);
            }
            let mut scopes = CodeScopes::default();
            for number in 0..size as u64 {
                scopes.add(Part { from: number, to: number + 1, number: number as usize, position: 0, enclosing: None });
                assert!(scopes.covering(number).is_some() && scopes.covering(number + 1).is_none());
            }
        });
    }

    #[test]
    fn many_comments_in_one_line_hold_a_part_of_it_each() {
        let held = |count: usize| {
            let text = "<!-- chancery: ignore S104 --><a/>".repeat(count);
            let source = Arc::new(Source::whole("a.xml", text.as_str()));
            let directives = directive::find(&text, Comments::Markup);
            assert_eq!(directives.len(), count);
            let mut suppressions = Suppressions::default();
            assert!(suppressions.take(&source, &source, &directives, true).is_empty());
            let comments = suppressions.files.iter().flat_map(|file| &file.comments);
            let codes: Vec<&Code> = comments.flat_map(|comment| &comment.codes).collect();
            assert!(codes.len() == count && codes.iter().all(|code| code.place.source.slice(code.place.span) == "S104"));
            let location = codes[count - 1].place.locate();
            assert_eq!(location.start.byte, (count as u64 - 1) * 34 + 22);
            codes.iter().map(|code| u64::from(code.place.source.len())).sum::<u64>()
        };
        let (once, twice) = (held(400), held(800));
        assert!(twice * 2 <= once * 5, "{once} bytes, then {twice}");
    }
}
