//! Files without findings in a previous run, so that only changed files are read again.
//!
//! Input: the command line except its paths, and the configuration files. Output: a [`FileSummary`] for each unchanged
//! file. A file cache is one file next to the cached results: its first line states what it is valid for, each further
//! line describes a file. A file of which only the times changed is recognised by its content. Of concurrent runs, the
//! last one's file cache remains; each is valid.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{TICK, entry};
use crate::pipeline::{CachedFile, FileSummary, SummarisedFile};
use chancery_files::checksum;
use chancery_files::stat::FileStamp;

/// The kind of a file cache and the number of its format.
const KIND: &str = "chancery-file-cache 4";
/// Larger files with changed times are checked as quickly as they are compared.
const LARGEST_COMPARED: u64 = 256 * 1024;
/// A longer file cache is not stored.
const LONGEST: usize = 32 << 20;

/// The files without findings.
pub struct FileCache {
    place: PathBuf,
    // The configuration that they were checked with.
    config_files: String,
    // Nanoseconds since 1970, before any file was looked up.
    started: u64,
    files: Files,
    // The files of this run by name and pipeline.
    visited: HashMap<(Arc<str>, usize), (FileStamp, String)>,
}

// By name, and by how a file is read and which schema its records are checked against.
type Files = BTreeMap<(String, String), Entry>;

#[derive(Serialize, Deserialize)]
struct Entry {
    stamp: FileStamp,
    // When the run began that read it or found it unchanged.
    recorded_at: u64,
    sum: Option<String>,
    summary: FileSummary,
}

impl FileCache {
    /// The file cache at `place` for this configuration, given by its files and their checksums.
    pub(super) fn open(place: PathBuf, config_files: &[(PathBuf, String)], started: u64) -> Self {
        let config_files = of_all(config_files);
        let files = entry::read(&place, KIND).and_then(|content| read(&content, &config_files)).unwrap_or_default();
        Self { place, config_files, started, files, visited: HashMap::new() }
    }

    /// Whether the configuration is unchanged.
    pub(super) fn is_for(&self, config_files: &[(PathBuf, String)]) -> bool {
        self.config_files == of_all(config_files)
    }

    /// The checksums of the files that were not read.
    pub(super) fn sums<'l>(&'l self, summaries: &'l [SummarisedFile]) -> HashMap<&'l str, &'l String> {
        let sum = |accounted: &'l SummarisedFile| Some((&*accounted.name, self.before(accounted)?.sum.as_ref()?));
        summaries.iter().filter(|accounted| !accounted.was_read).filter_map(sum).collect()
    }

    /// The cached file, to be read in that way with that pipeline.
    pub fn lookup(&mut self, name: &Arc<str>, pipeline: usize, stamp: FileStamp, path: String) -> Option<CachedFile> {
        let key = (name.to_string(), path);
        let known = self.files.get(&key).and_then(|entry| entry.cached_file(&key.0, stamp));
        self.visited.insert((Arc::clone(name), pipeline), (stamp, key.1));
        known
    }

    // The stored entry of a file.
    fn before(&self, accounted: &SummarisedFile) -> Option<&Entry> {
        let (_, path) = self.visited.get(&(Arc::clone(&accounted.name), accounted.pipeline))?;
        self.files.get(&(accounted.name.to_string(), path.clone()))
    }

    /// Stores the result of a run: its summaries, and the checksums of the files that were read.
    ///
    /// # Errors
    /// When the file cache cannot be written; it is optional.
    pub fn store(mut self, summaries: Vec<SummarisedFile>, sums: &HashMap<&str, &String>) -> io::Result<()> {
        let mut kept = Vec::with_capacity(summaries.len());
        let mut changed = false;
        for accounted in summaries {
            let Some((stamp, path)) = self.visited.get(&(Arc::clone(&accounted.name), accounted.pipeline)) else { continue };
            let before = self.before(&accounted).filter(|_| !accounted.was_read);
            let settled = before.filter(|entry| entry.is_stable(*stamp));
            changed |= settled.is_none();
            let sum = before.map_or_else(|| sums.get(&*accounted.name).map(ToString::to_string), |entry| entry.sum.clone());
            let seen = settled.map_or(self.started, |entry| entry.recorded_at);
            let entry = Entry { stamp: *stamp, recorded_at: seen, sum, summary: accounted.summary };
            kept.push(((accounted.name.to_string(), path.clone()), entry));
        }
        let looked_at = std::mem::take(&mut self.visited);
        let before = self.files.len();
        for ((name, _), (_, path)) in looked_at {
            self.files.remove(&(name.to_string(), path));
        }
        // Existing files that this run did not include stay.
        if changed || before != self.files.len() + kept.len() {
            self.files.retain(|(name, _), _| Path::new(name).exists());
            self.files.extend(kept);
            return self.write();
        }
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let mut text = Vec::with_capacity(256 * self.files.len());
        writeln!(text, "{}", self.config_files)?;
        for line in &self.files {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        if text.len() > LONGEST { Ok(()) } else { entry::write(&self.place, KIND, &text) }
    }
}

impl Entry {
    fn is_stable(&self, stamp: FileStamp) -> bool {
        stamp == self.stamp && stamp.modified.max(stamp.changed) + TICK <= self.recorded_at
    }

    fn cached_file(&self, name: &str, stamp: FileStamp) -> Option<CachedFile> {
        let summary = self.summary.clone();
        if self.is_stable(stamp) {
            return Some(CachedFile { summary, confirm: None });
        }
        let sum = self.sum.clone().filter(|_| stamp.length == self.stamp.length && stamp.length <= LARGEST_COMPARED)?;
        let path = PathBuf::from(name);
        Some(CachedFile { summary, confirm: Some(Box::new(move || checksum::of_file(&path).is_ok_and(|now| now == sum))) })
    }
}

fn of_all(config_files: &[(PathBuf, String)]) -> String {
    let sums: Vec<&str> = config_files.iter().map(|(_, sum)| &**sum).collect();
    checksum::of(sums.join(" ").as_bytes())
}

// The files of a file cache for this configuration; `None` for another one.
fn read(content: &[u8], config_files: &str) -> Option<Files> {
    let (head, lines) = std::str::from_utf8(content).ok()?.split_once('\n')?;
    if head != config_files {
        return None;
    }
    lines.lines().map(|line| serde_json::from_str(line).ok()).collect()
}
