//! Quick fixes: the edits of findings, one by one, or all safe ones at once.

use std::collections::{BTreeMap, HashMap};

use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, TextEdit, Uri, WorkspaceEdit};

use super::diagnostics;
use super::document::Document;
use super::name_of;
use chancery_core::diagnostic::{Diagnostic, Fix, Safety, one_line};
use chancery_core::growth::step;

/// The kind of the action that applies all safe edits.
pub fn fix_all() -> CodeActionKind {
    CodeActionKind::new("source.fixAll.chancery")
}

/// The actions for the findings in a range.
pub fn actions(document: &Document, findings: &[Diagnostic], params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let uri = &params.text_document.uri;
    let wanted = |kind: &CodeActionKind| {
        params.context.only.as_ref().is_none_or(|only| {
            only.iter().any(|only| kind.as_str() == only.as_str() || kind.as_str().starts_with(&format!("{}.", only.as_str())))
        })
    };
    let mut actions = Vec::new();
    if wanted(&CodeActionKind::QUICKFIX) {
        for finding in findings {
            let range = diagnostics::range(&finding.place, document);
            if range.start > params.range.end || params.range.start > range.end {
                continue;
            }
            let Some(fix) = &finding.fix else { continue };
            actions.push(CodeAction {
                title: title(finding, fix),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![diagnostics::one(finding, document, uri, &name_of(uri))]),
                edit: Some(workspace(uri, edits(finding, fix, document).map(|(_, _, edit)| edit).collect())),
                is_preferred: Some(fix.safety == Safety::Safe),
                ..CodeAction::default()
            });
        }
    }
    if wanted(&fix_all()) {
        let all = safe(document, findings);
        if !all.is_empty() {
            actions.push(CodeAction {
                title: "Apply all safe edits".to_owned(),
                kind: Some(fix_all()),
                edit: Some(workspace(uri, all)),
                ..CodeAction::default()
            });
        }
    }
    actions.into_iter().map(CodeActionOrCommand::CodeAction).collect()
}

fn title(finding: &Diagnostic, fix: &Fix) -> String {
    let text = fix.edits.first().map(|edit| one_line(&edit.text).into_owned()).unwrap_or_default();
    if text.is_empty() { format!("Take out ({})", finding.rule.code) } else { format!("Write {text} ({})", finding.rule.code) }
}

// All safe edits; of two that overlap, the first.
fn safe(document: &Document, findings: &[Diagnostic]) -> Vec<TextEdit> {
    let fixes =
        findings.iter().filter_map(|finding| finding.fix.as_ref().filter(|fix| fix.safety == Safety::Safe).map(|fix| (finding, fix)));
    // End by start.
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    let touches = |taken: &BTreeMap<usize, usize>, start: usize, end: usize| {
        step();
        taken.range(..=end).next_back().is_some_and(|(_, taken)| *taken >= start)
    };
    let mut all = Vec::new();
    for (finding, fix) in fixes {
        let edits: Vec<_> = edits(finding, fix, document).collect();
        if !edits.iter().any(|(start, end, _)| touches(&taken, *start, *end)) {
            for (start, end, _) in &edits {
                taken.entry(*start).and_modify(|known| *known = (*known).max(*end)).or_insert(*end);
            }
            all.extend(edits.into_iter().map(|(_, _, edit)| edit));
        }
    }
    all
}

fn edits<'d>(finding: &'d Diagnostic, fix: &'d Fix, document: &'d Document) -> impl Iterator<Item = (usize, usize, TextEdit)> + 'd {
    fix.edits.iter().map(|edit| {
        let location = finding.place.source.locate_edit(edit.span);
        let (start, end) = (location.start.byte as usize, location.end.byte as usize);
        (start, end, TextEdit { range: document.range(start, end), new_text: edit.text.clone() })
    })
}

fn workspace(uri: &Uri, edits: Vec<TextEdit>) -> WorkspaceEdit {
    WorkspaceEdit { changes: Some(HashMap::from([(uri.clone(), edits)])), ..WorkspaceEdit::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::lsp::document::Encoding;
    use chancery_core::diagnostic::{Edit, Scalar, rules};
    use chancery_core::growth::assert_linear;
    use chancery_core::source::{Source, Span};

    // Findings whose fixes replace these bytes, and the document that they are about, which is one line.
    fn given(length: usize, fixes: &[Vec<(u32, u32)>]) -> (Document, Vec<Diagnostic>) {
        let text = "x".repeat(length);
        let source = Arc::new(Source::whole("a.json", text.as_str()));
        let finding = |edits: &Vec<(u32, u32)>| {
            let edit = |(start, end): &(u32, u32)| Edit {
                text: "y".to_owned(),
                ..Edit::scalar(Span::new(*start, *end), Scalar::Text("y".to_owned()))
            };
            Diagnostic::new(&rules::TEXT_FORM, &source, Span::at(0), "x").with_edit(Safety::Safe, edits.iter().map(edit).collect())
        };
        (Document::new(text, 1, Encoding::Utf16), fixes.iter().map(finding).collect())
    }

    #[test]
    fn of_edits_that_touch_the_first_is_made() {
        let (document, findings) =
            given(100, &[vec![(5, 8), (20, 30)], vec![(8, 9)], vec![(31, 32)], vec![(1, 2), (25, 26)], vec![(0, 4)]]);
        let made: Vec<(u32, u32)> =
            safe(&document, &findings).iter().map(|edit| (edit.range.start.character, edit.range.end.character)).collect();
        assert_eq!(made, [(5, 8), (20, 30), (31, 32), (0, 4)]);
    }

    #[test]
    fn work_grows_with_the_number_of_edits() {
        assert_linear(2_000, |size| {
            let fixes: Vec<Vec<(u32, u32)>> = (0..size as u32).map(|number| vec![(4 * number, 4 * number + 2)]).collect();
            let (document, findings) = given(4 * size, &fixes);
            assert_eq!(safe(&document, &findings).len(), size);
        });
    }
}
