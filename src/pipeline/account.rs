//! What an input without findings comes to, by which it can be counted again without being read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::check::across::{Mention, Register};
use crate::diagnostic::RecordRef;

/// Keys and references of an input that take more bytes are not kept.
const HEAVIEST: usize = 1 << 20;
/// Nor are those of inputs that together take more.
pub(super) const HEAVIEST_OF_ALL: usize = 8 << 20;

/// An input whose records are all valid and of which there is nothing to report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Number of its records.
    pub records: u64,
    /// Its length in bytes, unpacked and decoded.
    pub bytes: u64,
    /// Its keys and references.
    pub register: Register,
}

/// The account of an input of a run.
#[derive(Debug)]
pub struct Accounted {
    /// Its name.
    pub name: Arc<str>,
    /// The number of its course.
    pub course: usize,
    /// What it came to.
    pub account: Account,
    /// Whether it was read, and not known before.
    pub was_read: bool,
}

/// An input of which there is an account.
pub struct Known {
    /// The account.
    pub account: Account,
    /// Says whether it still holds, where that is not certain; a worker asks.
    pub confirm: Option<Box<dyn FnOnce() -> bool + Send>>,
}

impl Known {
    /// The account, if it holds.
    pub(super) fn settle(self) -> Option<Account> {
        let Self { account, confirm } = self;
        confirm.is_none_or(|holds| holds()).then_some(account)
    }
}

impl Account {
    /// Adds a valid record. What it mentions is kept on disk, so there is no account of one in which something is to be
    /// hidden, nor of more than has room.
    #[must_use]
    pub(super) fn with(mut self, mentions: &[Mention], record: &RecordRef) -> Option<Self> {
        if mentions.iter().any(Mention::is_hidden) {
            return None;
        }
        self.records += 1;
        self.register.enter(mentions, record);
        (self.register.weight() <= HEAVIEST).then_some(self)
    }
}
