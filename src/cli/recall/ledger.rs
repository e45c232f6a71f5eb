//! Files in which an earlier run found nothing to report, so that of many files only those are read that have changed.
//!
//! In: the command line but for its paths, and what judges the records. Out: an [`Account`] for each file that is as it was.
//! A ledger is one file beside the answers: its first line says what it holds for, each further one is of a file. One that was
//! only touched is known by its content. Of runs at the same time the last one's ledger stays; either is right.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{TICK, hash, put, sealed, unsealed};
use crate::layout::relational::rows::hex;
use crate::pipeline::{Account, Accounted, Known};
use crate::source::stat::Stamp;

/// The beginning of a ledger: its kind and the number of its format. Behind it stands a checksum of all that follows.
const HEAD: &str = "chancery-ledger 3";
/// Larger files that were touched are as quickly checked as compared.
const LARGEST_COMPARED: u64 = 256 * 1024;
/// A longer ledger is not kept.
const LONGEST: usize = 32 << 20;

/// The files without findings.
pub struct Ledger {
    place: PathBuf,
    // What they were judged by.
    judges: String,
    // Nanoseconds since 1970, before anything was looked at.
    started: u64,
    files: Files,
    // The files of this run by name and course.
    looked_at: HashMap<(Arc<str>, usize), (Stamp, String)>,
}

// By name, and by how a file is read and by which schema its records are judged.
type Files = BTreeMap<(String, String), Entry>;

#[derive(Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    // When the run began that read it or found it the same.
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

    /// The sums of the files that were not read.
    pub(super) fn sums<'l>(&'l self, accounts: &'l [Accounted]) -> HashMap<&'l str, &'l String> {
        let sum = |accounted: &'l Accounted| Some((&*accounted.name, self.before(accounted)?.sum.as_ref()?));
        accounts.iter().filter(|accounted| !accounted.was_read).filter_map(sum).collect()
    }

    /// What is known of a file that is now looked at, to be read in that way on that course.
    pub fn known(&mut self, name: &Arc<str>, course: usize, stamp: Stamp, way: String) -> Option<Known> {
        let key = (name.to_string(), way);
        let known = self.files.get(&key).and_then(|entry| entry.known(&key.0, stamp));
        self.looked_at.insert((Arc::clone(name), course), (stamp, key.1));
        known
    }

    // What was kept of a file.
    fn before(&self, accounted: &Accounted) -> Option<&Entry> {
        let (_, way) = self.looked_at.get(&(Arc::clone(&accounted.name), accounted.course))?;
        self.files.get(&(accounted.name.to_string(), way.clone()))
    }

    /// Keeps what a run came to: its accounts, and the sums of the files that were read.
    ///
    /// # Errors
    /// When the ledger cannot be written; nothing depends on it being there.
    pub fn keep(mut self, accounts: Vec<Accounted>, sums: &HashMap<&str, &String>) -> io::Result<()> {
        let mut kept = Vec::with_capacity(accounts.len());
        let mut changed = false;
        for accounted in accounts {
            let Some((stamp, way)) = self.looked_at.get(&(Arc::clone(&accounted.name), accounted.course)) else { continue };
            let before = self.before(&accounted).filter(|_| !accounted.was_read);
            let settled = before.filter(|entry| entry.is_settled(*stamp));
            changed |= settled.is_none();
            let sum = before.map_or_else(|| sums.get(&*accounted.name).map(ToString::to_string), |entry| entry.sum.clone());
            let seen = settled.map_or(self.started, |entry| entry.seen);
            let entry = Entry { stamp: *stamp, seen, sum, account: accounted.account };
            kept.push(((accounted.name.to_string(), way.clone()), entry));
        }
        let looked_at = std::mem::take(&mut self.looked_at);
        let before = self.files.len();
        for ((name, _), (_, way)) in looked_at {
            self.files.remove(&(name.to_string(), way));
        }
        // Of files that this run was not about, those that are there stay.
        if changed || before != self.files.len() + kept.len() {
            self.files.retain(|(name, _), _| Path::new(name).exists());
            self.files.extend(kept);
            return self.write();
        }
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let mut text = Vec::with_capacity(256 * self.files.len());
        writeln!(text, "{}", self.judges)?;
        for line in &self.files {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        if text.len() > LONGEST { Ok(()) } else { put(&self.place, &sealed(HEAD, &text)) }
    }
}

impl Entry {
    fn is_settled(&self, stamp: Stamp) -> bool {
        stamp == self.stamp && stamp.modified.max(stamp.changed) + TICK <= self.seen
    }

    fn known(&self, name: &str, stamp: Stamp) -> Option<Known> {
        let account = self.account.clone();
        if self.is_settled(stamp) {
            return Some(Known { account, confirm: None });
        }
        let sum = self.sum.clone().filter(|_| stamp.length == self.stamp.length && stamp.length <= LARGEST_COMPARED)?;
        let path = PathBuf::from(name);
        Some(Known { account, confirm: Some(Box::new(move || hash(&path) == Some(sum))) })
    }
}

fn of_all(judges: &[String]) -> String {
    hex(&Sha256::digest(judges.join(" ")))
}

// The files of a ledger for these judges; `None` for any other text and for a damaged one.
fn read(bytes: &[u8], judges: &str) -> Option<Files> {
    let (head, lines) = std::str::from_utf8(unsealed(HEAD, bytes)?).ok()?.split_once('\n')?;
    if head != judges {
        return None;
    }
    lines.lines().map(|line| serde_json::from_str(line).ok()).collect()
}
