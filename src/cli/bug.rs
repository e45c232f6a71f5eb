//! The message for a panic, which is a bug in chancery.
//!
//! A panic prints nothing if it happens, because a caller may turn it into an error. A panic that reaches [`super::main`] ends the
//! program with status 101 and one message: what failed, where in the source, and on which input.

use std::any::Any;
use std::panic;
use std::sync::{Mutex, PoisonError};

use super::print_error_line;
use chancery_core::diagnostic::one_line;
use chancery_engine::pipeline::bug::{Bug, message};

/// The exit status.
pub const STATUS: u8 = 101;

/// This many panics are remembered; workers may fail at the same time.
const MOST: usize = 64;

// Panics, with the place in the program.
static PANICS: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Notes panics from now on instead of printing them.
pub fn note_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        if panics.len() == MOST {
            panics.remove(0);
        }
        panics.push((message(panic.payload()).to_owned(), place));
    }));
}

/// Says on standard error that the program has failed.
pub fn show(panic: &(dyn Any + Send)) {
    let (message, input) = match panic.downcast_ref::<Bug>() {
        Some(bug) => (&*bug.message, Some(&*bug.input)),
        None => (message(panic), None),
    };
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    let place = panics.iter().rfind(|(noted, _)| noted == message).map(|(_, place)| place.as_str());
    print_error_line(&text(message, place, input));
}

fn text(message: &str, place: Option<&str>, input: Option<&str>) -> String {
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    let input = input.map_or_else(String::new, |input| format!(" while working on {}", one_line(input)));
    format!("error: this is a bug in chancery: {}{place}{input}\nPlease report this message and, if you can, the input.", one_line(message))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_message_names_cause_place_and_input() {
        let shown = text("index\nout of bounds", Some("src/a.rs:1:2"), Some("data/a.json"));
        let first = shown.lines().next().expect("a line");
        assert_eq!(first.matches("bug in chancery").count(), 1);
        assert!(["out of bounds", "(src/a.rs:1:2)", "data/a.json"].iter().all(|part| first.contains(part)), "{first}");
        assert_eq!(shown.lines().count(), 2);
        assert!(!text("x", None, None).contains("working on"));
    }
}
