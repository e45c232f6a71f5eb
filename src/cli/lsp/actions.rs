//! Quick fixes: the edits that findings carry, one by one, or all that are safe at once.

use std::collections::HashMap;

use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, TextEdit, Uri, WorkspaceEdit};

use super::diagnostics;
use super::document::Document;
use super::name_of;
use crate::diagnostic::{Diagnostic, Fix, Safety, one_line};

/// The kind of the action that applies every safe edit.
pub fn fix_all() -> CodeActionKind {
    CodeActionKind::new("source.fixAll.chancery")
}

/// What can be done about the findings in a range.
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
                title: "Apply every safe edit".to_owned(),
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

// Every safe edit; of two that touch each other, the first.
fn safe(document: &Document, findings: &[Diagnostic]) -> Vec<TextEdit> {
    let fixes =
        findings.iter().filter_map(|finding| finding.fix.as_ref().filter(|fix| fix.safety == Safety::Safe).map(|fix| (finding, fix)));
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut all = Vec::new();
    for (finding, fix) in fixes {
        let edits: Vec<_> = edits(finding, fix, document).collect();
        let free = edits.iter().all(|(start, end, _)| taken.iter().all(|(from, to)| end < from || to < start));
        if free {
            taken.extend(edits.iter().map(|(start, end, _)| (*start, *end)));
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
