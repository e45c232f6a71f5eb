//! A panic of a worker, with the input that it was about.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a panic goes on as from where the input is known.
#[derive(Debug)]
pub struct Bug {
    /// What was said.
    pub message: String,
    /// The name of the input that was worked on.
    pub input: String,
}

/// Runs `work`, which is about `input`; a panic goes on with its name.
pub fn naming<R>(input: &str, work: impl FnOnce() -> R) -> R {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        if panic.is::<Bug>() {
            resume_unwind(panic);
        }
        resume_unwind(Box::new(Bug { message: message(&*panic).to_owned(), input: input.to_owned() }))
    })
}

/// What a panic says.
pub fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>(), panic.downcast_ref::<Bug>()) {
        (Some(text), ..) => text,
        (_, Some(text), _) => text,
        (.., Some(bug)) => &bug.message,
        _ => "it failed without a message",
    }
}
