//! Spans that are not on character boundaries: no reader creates one, and no report fails on one.

use std::sync::Arc;

use chancery::diagnostic::{Diagnostic, Edit, Place, Safety, rules};
use chancery::report::{Format, Options};
use chancery::source::{Position, Source, Span};
use proptest::prelude::*;

use crate::harness::{folder, run, run_with};
use crate::reports::draw;

const SCHEMA: &str = r#"{"type": "object", "properties": {"name": {"type": "string"}, "tags": {"type": "array", "minItems": 5, "items": {"type": "string"}},
    "at": {"type": "object", "required": ["b"], "properties": {"c": {"type": "string"}, "b": {"type": "string"}}}}, "required": ["name", "id"]}"#;

#[test]
fn a_row_that_begins_with_any_letter_can_be_shown_in_every_format() {
    for text in [
        "name\nÉcole\n",
        "name\n日本\n",
        "name\n\u{1f600}\n\"\u{1f600}\"\n",
        "at/c,name\né,x\n",
        "tags,name\nä;ö,x\n",
        "tags/0,name\nß,x\n",
        "name,tags\né\n",
        "name\néx\"y\n",
        "name\n\"é",
        "é,name\n1,ü\n",
    ] {
        let home = folder(&[("s.json", SCHEMA), ("m.csv", text)]);
        for format in Format::ALL {
            for separator in [&[][..], &["--no-normalise"]] {
                let flags = ["check", "--no-config", "--schema", "s.json", "--report", format.name(), "m.csv"];
                let ran = run(home.path(), &[&flags[..], separator].concat());
                assert_eq!(ran.status, 1, "{text:?} {format:?}: {}", ran.err);
                assert!(!ran.err.contains("panicked"), "{text:?} {format:?}: {}", ran.err);
            }
        }
    }
}

#[test]
fn a_missing_member_is_labelled_at_the_whole_first_character() {
    for (text, end) in [("name\nÉcole\n", 7), ("name\n日本\n", 8), ("name\nEcole\n", 6)] {
        let home = folder(&[("s.json", SCHEMA)]);
        let flags = ["check", "--no-config", "--schema", "s.json", "--from", "csv", "--report", "json", "-"];
        let ran = run_with(home.path(), &flags, text.as_bytes());
        let report: serde_json::Value = serde_json::from_str(&ran.out).expect("a report is JSON");
        let found = &report["diagnostics"][0];
        let at = ["code", "byte_start", "byte_end", "column", "end_column"].map(|name| found[name].clone());
        assert_eq!(serde_json::Value::from(at.to_vec()), serde_json::json!(["S101", 5, end, 1, 2]), "{text}");
    }
}

#[test]
fn a_long_start_tag_is_cut_at_a_character() {
    // The length of an opening has 16 bits; the border falls into a letter of two bytes for one of the two.
    for pad in ["", "x"] {
        let text = format!("<r><record a{pad}=\"{}\"><name>x</name></record></r>", "é".repeat(40_000));
        let home = folder(&[("s.json", SCHEMA), ("m.xml", &text)]);
        for format in Format::ALL {
            let flags = ["check", "--no-config", "--schema", "s.json", "--report", format.name(), "m.xml"];
            let ran = run(home.path(), &flags);
            assert!(ran.status == 1 && !ran.err.contains("panicked"), "{format:?}: {} {}", ran.status, ran.err);
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cé日\u{1f600}\u{85}\u{202e}\t\r\n\"<&`|]{0,40}", "\\PC{0,30}"]
}

// Any two numbers, near the text more often than not.
fn span() -> impl Strategy<Value = Span> {
    let number = || prop_oneof![8 => 0_u32..140, 1 => any::<u32>(), 1 => Just(u32::MAX)];
    (number(), number()).prop_map(|(start, end)| Span::new(start, end))
}

proptest! {
    #![proptest_config(crate::property::cases(96))]

    #[test]
    fn any_span_over_any_text_is_harmless(texts in (text(), text()), spans in prop::collection::vec(span(), 5), gap in 0_u32..9) {
        let mut source = Source::window("w.csv", texts.0, Position { byte: 900, line: 101, column: 1 + gap });
        source.append("other.csv", &texts.1, Position { byte: 7, line: 3, column: 1 });
        let all = source.text().to_owned();
        for span in &spans {
            let fitted = source.clamp_span(*span);
            prop_assert!(fitted.start <= fitted.end && all.get(fitted.range()).is_some());
            prop_assert_eq!(source.slice(*span), source.slice(fitted));
            prop_assert_eq!(source.clamp_span(fitted), fitted);
            // What is covered stays covered.
            if span.start <= span.end {
                prop_assert!(fitted.start <= span.start && fitted.end >= span.end.min(source.len()));
            }
            let location = source.locate(*span);
            prop_assert!(location.start.byte <= location.end.byte);
            let _ = source.locate_edit(*span);
            let _ = source.byte_columns(*span);
            let _ = source.snippet(*span);
            let _ = source.snippet_around(*span, 2, gap as usize);
            let _ = source.anchor(*span);
            prop_assert_eq!(source.position(span.start), source.position(source.clamp_span(Span::at(span.start)).start));
        }
        let redacted = source.redacted(&spans);
        prop_assert_eq!(redacted.len(), source.len());
        let source = Arc::new(source);
        let mut diagnostic = Diagnostic::new(&rules::WRONG_TYPE, &source, spans[0], "m")
            .label("l")
            .at("/a")
            .related("r", Place::new(&source, spans[1]))
            .with_edit(Safety::Unsafe, vec![Edit::layout(spans[2], "x"), Edit::layout(spans[3], "y")]);
        for format in Format::ALL {
            draw(*format, &Options::default(), std::slice::from_ref(&diagnostic));
        }
        for format in chancery::read::Format::ALL {
            diagnostic.fix = None;
            diagnostic = diagnostic.fix(Safety::Safe, spans[4], "new");
            chancery::write::text_edits::resolve(&mut diagnostic, Some(*format));
            draw(Format::Html, &Options::default(), std::slice::from_ref(&diagnostic));
        }
    }
}
