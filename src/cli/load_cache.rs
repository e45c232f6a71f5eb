//! Detects a load that would only repeat the result of the previous one.
//!
//! Input: the command line and the cached result in the database. Output, if nothing has changed: that result, without
//! reading a record. The result depends on the flags, config and schemas, the bytes of each input, and the keys and
//! hashes in the table. If anything is unknown, the load runs normally.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::args::LoadArgs;
use super::cache::CapturedOutput;
use super::session::Session;
use crate::diagnostic::Diagnostic;
use crate::layout::relational::shred::hex;
use crate::load::database::writer::WriterThread;
use crate::load::database::{CachedLoad, CachedReport, Database, InputChecksum};
use crate::load::{Sink, Totals};
use crate::output::Commit;

/// The fingerprint of a load.
pub struct LoadFingerprint {
    fingerprint: String,
    inputs: Vec<(String, PathBuf)>,
}

impl LoadFingerprint {
    /// The fingerprint of this command line; `None` if the result depends on more than files.
    pub fn new(args: &LoadArgs, session: &Session) -> Option<Self> {
        let has_other_reports = args.findings || args.rejects.is_some() || args.dry_run || args.common.verbose;
        if has_other_reports || args.no_cache {
            return None;
        }
        let dependencies = session.cache_inputs(args.input.form.as_deref())?;
        let mut config_files = Vec::new();
        for judge in &dependencies.dependencies {
            config_files.push((judge, sum(judge).ok()?));
        }
        let program = std::fs::metadata(std::env::current_exe().ok()?).ok()?.len();
        let variables = ["NO_COLOR", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"].map(std::env::var_os);
        // The address may contain a password, and does not affect the report.
        let args = LoadArgs { into: String::new(), ..args.clone() };
        let key = (
            (env!("CARGO_PKG_VERSION"), program),
            std::env::current_dir().ok()?,
            (config_files, args),
            (variables, io::stderr().is_terminal()),
        );
        Some(Self { fingerprint: hex(&Sha256::digest(format!("{key:?}"))), inputs: dependencies.inputs })
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
        named && before.iter().zip(&now).all(|((_, before), (_, path))| sum(path).is_ok_and(|now| now == *before))
    }
}

fn sum(path: &Path) -> io::Result<String> {
    let mut sum = Sha256::new();
    io::copy(&mut File::open(path)?, &mut sum)?;
    Ok(hex(&sum.finalize()))
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
