//! Files in which an earlier run found nothing to report, so that of many files only those are read that have changed.
//!
//! In: the command line but for its paths, and what judges the records. Out: an [`Account`] for each file that is as it was.
//! A ledger is one file beside the answers: its first line says what it holds for, each further one is a file. One that was
//! only touched is known by its content. Of runs at the same time the last one's ledger stays; either is right.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{TICK, hash, put};
use crate::layout::relational::rows::hex;
use crate::pipeline::{Account, Known};
use crate::source::stat::Stamp;

/// The first word of a ledger.
const HEAD: &str = "chancery-ledger-1";
/// Larger files that were touched are as quickly checked as compared.
const LARGEST_COMPARED: u64 = 256 * 1024;
/// A longer ledger is not kept.
const LONGEST: usize = 64 << 20;

/// The files without findings.
pub struct Ledger {
    place: PathBuf,
    // What they were judged by.
    judges: String,
    // Nanoseconds since 1970, before anything was looked at.
    started: u64,
    files: HashMap<String, Line>,
    // The files of this run.
    looked_at: HashMap<Arc<str>, (Stamp, String)>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    name: String,
    // How it is read, and by which schema it is judged.
    way: String,
    stamp: Stamp,
    // When the run began that read it.
    seen: u64,
    sum: Option<String>,
    account: Account,
}

impl Ledger {
    /// What is kept at `place` for these judges, given by their sums.
    pub(super) fn open(place: PathBuf, judges: &[String], started: u64) -> Self {
        let judges = of_all(judges);
        let files = std::fs::read(&place).ok().and_then(|bytes| read(&bytes, &judges)).unwrap_or_default();
        Self { place, judges, started, files, looked_at: HashMap::new() }
    }

    /// Whether the judges are still these.
    pub(super) fn is_for(&self, judges: &[String]) -> bool {
        self.judges == of_all(judges)
    }

    /// The sum of a file that was known.
    pub(super) fn sum(&self, name: &str) -> Option<&String> {
        self.files.get(name)?.sum.as_ref()
    }

    /// What is known of a file that is now looked at.
    pub fn known(&mut self, name: &Arc<str>, stamp: Stamp, way: String) -> Option<Known> {
        let known = self.files.get_mut(&**name).filter(|line| line.way == way).and_then(|line| line.known(stamp));
        self.looked_at.insert(Arc::clone(name), (stamp, way));
        known
    }

    /// Keeps what a run came to: its accounts, and the sums of the files that were read.
    pub fn keep(mut self, accounts: Vec<(Arc<str>, Account)>, sums: &HashMap<&str, &String>) {
        let mut before: HashMap<Arc<str>, Line> = HashMap::with_capacity(self.looked_at.len());
        for name in self.looked_at.keys() {
            before.extend(self.files.remove(&**name).map(|line| (Arc::clone(name), line)));
        }
        let mut changed = false;
        for (name, account) in accounts {
            let Some((stamp, way)) = self.looked_at.remove(&name) else { continue };
            let old = before.remove(&name);
            let line = match (sums.get(&*name), old) {
                (None, Some(line)) if line.is_settled(stamp) => Line { account, ..line },
                (sum, old) => {
                    changed = true;
                    let sum = sum.map(ToString::to_string).or_else(|| old.and_then(|line| line.sum));
                    Line { name: name.to_string(), way, stamp, seen: self.started, sum, account }
                }
            };
            self.files.insert(line.name.clone(), line);
        }
        if changed || !before.is_empty() {
            // Nothing depends on the ledger being there.
            let _ = self.write();
        }
    }

    fn write(&self) -> io::Result<()> {
        let mut text = Vec::with_capacity(256 * self.files.len());
        writeln!(text, "{HEAD} {}", self.judges)?;
        for line in self.files.values() {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        if text.len() > LONGEST { Ok(()) } else { put(&self.place, &text) }
    }
}

impl Line {
    fn is_settled(&self, stamp: Stamp) -> bool {
        stamp == self.stamp && stamp.modified.max(stamp.changed) + TICK <= self.seen
    }

    // The account comes back when the run is done.
    fn known(&mut self, stamp: Stamp) -> Option<Known> {
        let confirm: Option<Box<dyn FnOnce() -> bool + Send>> = if self.is_settled(stamp) {
            None
        } else {
            let sum = self.sum.clone().filter(|_| stamp.length == self.stamp.length && stamp.length <= LARGEST_COMPARED)?;
            let path = PathBuf::from(&self.name);
            Some(Box::new(move || hash(&path) == Some(sum)))
        };
        Some(Known { account: std::mem::take(&mut self.account), confirm })
    }
}

fn of_all(judges: &[String]) -> String {
    hex(&Sha256::digest(judges.join(" ")))
}

// The lines of a ledger for these judges; `None` for any other file.
fn read(bytes: &[u8], judges: &str) -> Option<HashMap<String, Line>> {
    let (head, lines) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
    if head.split_once(' ')? != (HEAD, judges) {
        return None;
    }
    let line = |line| serde_json::from_str::<Line>(line).ok().map(|line| (line.name.clone(), line));
    lines.lines().map(line).collect()
}
