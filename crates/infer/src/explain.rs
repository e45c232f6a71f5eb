//! Shows what a schema claims, with the evidence.

use std::fmt::Write as _;

use super::describe::{Claim, Inferred};
use super::document::Json;
use chancery_core::diagnostic::{one_line, quote};

/// How claims are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines of text.
    Text,
    /// Tables of Markdown.
    Markdown,
    /// One object for each schema in a list.
    Json,
}

/// The claims of schemas. With `masks`, values at sensitive locations are not shown.
#[must_use]
pub fn render(format: Format, inferred: &[Inferred], masks: bool) -> String {
    let mut out = String::new();
    match format {
        Format::Text => inferred.iter().for_each(|inferred| text(inferred, masks, &mut out)),
        Format::Markdown => inferred.iter().for_each(|inferred| markdown(inferred, masks, &mut out)),
        Format::Json => out = Json::List(inferred.iter().map(|inferred| json(inferred, masks)).collect()).pretty(),
    }
    out
}

// What is shown for a value that is not.
const HIDDEN: &str = "***";

fn is_hidden(claim: &Claim, inferred: &Inferred, masks: bool) -> bool {
    masks && inferred.sensitive.contains(&claim.path)
}

fn distinct(claim: &Claim) -> Option<String> {
    claim.distinct.map(|(number, exact)| format!("{}{number} distinct", if exact { "" } else { "about " }))
}

fn value(claim: &Claim, inferred: &Inferred, masks: bool) -> String {
    let shows_values = matches!(claim.keyword, "enum" | "minimum" | "maximum" | "pattern");
    if shows_values && is_hidden(claim, inferred, masks) { HIDDEN.to_owned() } else { one_line(&claim.value).into_owned() }
}

// Examples and their places.
fn examples(claim: &Claim, inferred: &Inferred, masks: bool) -> Vec<(String, String)> {
    let hidden = is_hidden(claim, inferred, masks);
    let shown = |text: &str| if hidden { HIDDEN.to_owned() } else { quote(text, true) };
    let place = |at: &super::Example| format!("{}:{}:{}", one_line(&at.file), at.line, at.column);
    claim.examples.iter().map(|example| (shown(&example.text), place(example))).collect()
}

fn path(claim: &Claim) -> String {
    if claim.path.is_empty() { "(record)".to_owned() } else { one_line(&claim.path).into_owned() }
}

fn text(inferred: &Inferred, masks: bool, out: &mut String) {
    let records = if inferred.records == 1 { "1 record".to_owned() } else { format!("{} records", inferred.records) };
    let _ = writeln!(out, "{}: {records}", inferred.name);
    let mut last = None;
    for claim in &inferred.claims {
        if last != Some(&claim.path) {
            let _ = writeln!(out, "\n{}", path(claim));
            last = Some(&claim.path);
        }
        let note = if claim.written { "" } else { " (not in the schema)" };
        let mut evidence = vec![claim.reason.clone()];
        evidence.extend(distinct(claim));
        let _ = writeln!(out, "  {} {}{note}: {}", claim.keyword, value(claim, inferred, masks), evidence.join("; "));
        if claim.keyword == "type" {
            for (text, place) in examples(claim, inferred, masks) {
                let text = if claim.distinct.is_some() { format!(": {text}") } else { String::new() };
                let _ = writeln!(out, "      {place}{text}");
            }
        }
    }
    out.push('\n');
}

fn markdown(inferred: &Inferred, masks: bool, out: &mut String) {
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let code = |text: &str| format!("`{}`", cell(&text.replace('`', "'")));
    let _ = writeln!(out, "## {}\n\n{} records\n", cell(&one_line(&inferred.name)), inferred.records);
    out.push_str("| location | claim | evidence | values | distinct | examples |\n| --- | --- | --- | ---: | ---: | --- |\n");
    for claim in &inferred.claims {
        let examples: Vec<String> =
            examples(claim, inferred, masks).iter().map(|(text, place)| format!("{} ({})", code(text), cell(place))).collect();
        let note = if claim.written { "" } else { " (not in the schema)" };
        let number = claim.distinct.map_or_else(String::new, |(number, exact)| format!("{}{number}", if exact { "" } else { "≈ " }));
        let _ = writeln!(
            out,
            "| {} | {} {}{note} | {} | {} | {number} | {} |",
            code(&path(claim)),
            claim.keyword,
            code(&value(claim, inferred, masks)),
            cell(&one_line(&claim.reason)),
            claim.values,
            examples.join(", ")
        );
    }
    out.push('\n');
}

fn json(inferred: &Inferred, masks: bool) -> Json {
    let object = |members: Vec<(&str, Json)>| Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    let claim = |claim: &Claim| {
        let hidden = is_hidden(claim, inferred, masks);
        let example = |example: &super::Example| {
            object(vec![
                ("value", Json::text(if hidden { HIDDEN } else { &example.text })),
                ("file", Json::text(&*example.file)),
                ("line", Json::count(example.line)),
                ("column", Json::count(example.column)),
            ])
        };
        object(vec![
            ("path", Json::text(&claim.path)),
            ("keyword", Json::text(claim.keyword)),
            ("value", Json::text(if hidden { value(claim, inferred, masks) } else { claim.value.clone() })),
            ("reason", Json::text(&claim.reason)),
            ("values", Json::count(claim.values)),
            ("distinct", claim.distinct.map_or(Json::Null, |(number, _)| Json::count(number))),
            ("distinct_is_exact", Json::Bool(claim.distinct.is_none_or(|(_, exact)| exact))),
            ("written", Json::Bool(claim.written)),
            ("examples", Json::List(claim.examples.iter().map(example).collect())),
        ])
    };
    object(vec![
        ("collection", Json::text(&inferred.name)),
        ("records", Json::count(inferred.records)),
        ("claims", Json::List(inferred.claims.iter().map(claim).collect())),
    ])
}
