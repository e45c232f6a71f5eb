//! Turns a panic in a dependency into an error.
//!
//! Decoders of binary formats may panic on damaged input. [`guarded`] runs such a decoder; a panic in it prints nothing
//! and is returned as an error that names what was decoded.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    // How many guarded calls are in progress on this thread.
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work`, which decodes `what`.
///
/// # Errors
/// When `work` fails or panics.
pub fn guarded<T>(what: &str, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |panic| {
            if GUARDED.get() == 0 {
                previous(panic);
            }
        }));
    });
    GUARDED.set(GUARDED.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(GUARDED.get() - 1);
    done.unwrap_or_else(|panic| Err(io::Error::new(io::ErrorKind::InvalidData, format!("{what} cannot be decoded: {}", message(&*panic)))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "the decoder failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let none: Vec<u8> = Vec::new();
        let error = guarded("a batch", || Ok(none[1])).expect_err("there is no item");
        assert!(error.to_string().starts_with("a batch cannot be decoded: index out of bounds"), "{error}");
        assert_eq!(guarded("a batch", || Ok(1)).expect("no panic"), 1);
        assert_eq!(GUARDED.get(), 0);
    }
}
