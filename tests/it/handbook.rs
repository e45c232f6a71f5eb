//! Pages of printed directories: what is read, where it stands, and that nothing is lost.

use std::sync::Arc;

use chancery::diagnostic::Diagnostic;
use chancery::read::{Format, Options};

use crate::support::{self, Gathered};

fn read(text: &str) -> Gathered {
    support::read(Format::Handbook, text.as_bytes(), &Options::default())
}

fn json(gathered: &Gathered, index: usize) -> serde_json::Value {
    let record = gathered.records[index].as_ref().expect("the page is a record");
    serde_json::from_str(record).expect("records are JSON")
}

fn codes(notes: &[Diagnostic]) -> Vec<&str> {
    notes.iter().map(|note| note.rule.code).collect()
}

#[test]
fn dbg() {
    let file = std::env::var("PAGE").unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let got = read(&text);
    for index in 0..got.records.len() {
        println!("{}", serde_json::to_string_pretty(&json(&got, index)).unwrap());
    }
    for note in &got.notes {
        println!("{} {:?} {} @{:?} {}", note.rule.code, note.place.locate().start.line, note.message, note.pointer, note.place.source.slice(note.place.span));
    }
    let _ = codes(&got.notes);
    let _ = Arc::new(1);
}
