//! Suppressed findings: by a comment next to the data, or by the config.
//!
//! A suppression changes what is reported and never which records are valid. An unused suppression is itself reported.

use std::collections::HashMap;
use std::sync::Arc;

use super::policy::{self, Policy};
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Place, quote, rules};
use crate::read::directive::Directive;
use crate::source::{Source, Span};

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
    whole: Vec<Comment>,
    // In order of `from`, with the maximum end so far, so that a backward search knows when to stop.
    parts: Vec<Comment>,
    reach: Vec<u64>,
}

impl CommentScopes {
    fn add(&mut self, comment: Comment) {
        if comment.to == u64::MAX {
            return self.whole.push(comment);
        }
        let at = self.parts.partition_point(|other| other.from <= comment.from);
        self.parts.insert(at, comment);
        self.reach.truncate(at);
        for part in &self.parts[at..] {
            self.reach.push(self.reach.last().map_or(part.to, |reach| part.to.max(*reach)));
        }
    }

    // Those that cover a byte, the innermost first.
    fn covering(&mut self, byte: u64) -> impl Iterator<Item = &mut Comment> {
        let end = self.parts.partition_point(|part| part.from <= byte);
        let reach = &self.reach;
        let start = (0..end).rev().take_while(|at| reach[*at] > byte).last().unwrap_or(end);
        let parts = self.parts[start..end].iter_mut().rev().filter(move |part| byte < part.to);
        parts.chain(&mut self.whole)
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
        for comment in self.files[*number].covering(location.start.byte) {
            if let Some(code) = comment.codes.iter_mut().find(|code| super::scope::is_of(diagnostic.rule, &code.text)) {
                code.used = true;
                return false;
            }
        }
        true
    }

    /// Unused suppressions, with whether each is in a file in scope. For rules that `policy` disables, use is unknown.
    #[must_use]
    pub fn unused(self, policy: &Policy) -> Vec<(Diagnostic, bool)> {
        let mut diagnostics = Vec::new();
        for comment in self.files.into_iter().flat_map(|file| file.whole.into_iter().chain(file.parts)) {
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
    use crate::read::directive::{self, Comments};

    #[test]
    fn many_comments_in_one_line_hold_a_part_of_it_each() {
        let held = |count: usize| {
            let text = "<!-- chancery: ignore S104 --><a/>".repeat(count);
            let source = Arc::new(Source::whole("a.xml", text.as_str()));
            let directives = directive::find(&text, Comments::Markup);
            assert_eq!(directives.len(), count);
            let mut suppressions = Suppressions::default();
            assert!(suppressions.take(&source, &source, &directives, true).is_empty());
            let comments = suppressions.files.iter().flat_map(|file| file.whole.iter().chain(&file.parts));
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
