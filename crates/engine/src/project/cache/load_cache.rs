//! Detects a load that would only repeat the result of the previous one.
//!
//! Input: the settings of a run and the cached result in the database. Output, if nothing has changed: that result,
//! without reading a record. The result depends on the settings, config and schemas, the bytes of each input, and the
//! keys and hashes in the table. If anything is unknown, the load runs normally.

use std::io;
use std::path::PathBuf;

use super::captured::CapturedOutput;
use super::run_key::{Dependencies, RunKey};
use crate::project::Project;
use chancery_core::diagnostic::Diagnostic;
use chancery_files::checksum::{self, InputChecksum};
use chancery_files::output::Commit;
use chancery_store::database::writer::WriterThread;
use chancery_store::database::{CachedLoad, CachedReport, Database};
use chancery_store::sink::{Sink, Totals};

/// The fingerprint of a load.
pub struct LoadFingerprint {
    fingerprint: String,
    inputs: Vec<(String, PathBuf)>,
}

impl LoadFingerprint {
    /// The fingerprint of a load of this project; `None` if the result depends on more than files.
    #[must_use]
    pub fn new(key: &RunKey, project: &Project) -> Option<Self> {
        let dependencies = Dependencies::of(project)?;
        let key = (key.text(), dependencies.config_checksums()?);
        Some(Self { fingerprint: checksum::of(format!("{key:?}").as_bytes()), inputs: dependencies.inputs })
    }

    /// The cached result of the last load of a collection, if it is still valid.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lookup(&self, database: &mut dyn Database, collection: &str, table: &str) -> io::Result<Option<CachedLoad>> {
        let Some(cached) = database.cached_load(collection)?.filter(|cached| cached.fingerprint == self.fingerprint) else {
            return Ok(None);
        };
        let holds = self.are_the_same(&cached.inputs) && database.content(table)? == cached.content;
        Ok(Some(cached).filter(|_| holds))
    }

    // Inputs may have been opened in another order.
    fn are_the_same(&self, before: &[InputChecksum]) -> bool {
        let mut before: Vec<(&str, &str)> =
            before.iter().map(|checksum| (&*checksum.name, checksum.sha256.as_deref().unwrap_or_default())).collect();
        let mut now: Vec<&(String, PathBuf)> = self.inputs.iter().collect();
        before.sort_unstable();
        now.sort_unstable();
        let named = before.len() == now.len() && before.iter().zip(&now).all(|((before, _), (now, _))| before == now);
        named && before.iter().zip(&now).all(|((_, before), (_, path))| checksum::of_file(path).is_ok_and(|now| now == *before))
    }
}

/// A load whose result is stored in the database.
pub struct CachingSink {
    writer: WriterThread,
    fingerprint: LoadFingerprint,
    captured: CapturedOutput,
    totals: Totals,
}

impl CachingSink {
    /// The load that `writer` runs, whose report is captured.
    #[must_use]
    pub fn new(writer: WriterThread, fingerprint: LoadFingerprint, captured: CapturedOutput) -> Self {
        Self { writer, fingerprint, captured, totals: Totals::default() }
    }
}

impl Sink for CachingSink {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.writer.record(encoded)
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        self.totals = totals;
        self.writer.settle(totals)
    }
}

impl Commit for CachingSink {
    fn commit(self: Box<Self>) -> io::Result<()> {
        let Self { mut writer, fingerprint, captured, totals } = *self;
        let Totals { incomplete, failed, .. } = totals;
        if let Some(text) = captured.text().filter(|text| !incomplete && !text.contains('\0')) {
            writer.record_report(CachedReport { fingerprint: fingerprint.fingerprint, failed, report: text });
        }
        Box::new(writer).commit()
    }
}
