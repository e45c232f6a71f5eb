//! Whether a load would do nothing but say again what the last one said.
//!
//! In: the command line and the answer that the last load left in the database. Out, where nothing has changed: that answer,
//! without a record being read. Everything counts that the answer depends on: the flags, config and schemas, the bytes of each
//! input, and which records with which hashes the table holds. Whatever cannot be known is a load like any other.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::args::LoadArgs;
use super::recall::Copy;
use super::session::Session;
use crate::diagnostic::Diagnostic;
use crate::layout::relational::rows::hex;
use crate::load::database::clerk::Clerk;
use crate::load::database::{Answer, Database, Said, Sealed};
use crate::load::{Sink, Totals};

/// What a load is asked.
pub struct Question {
    asked: String,
    inputs: Vec<(String, PathBuf)>,
}

impl Question {
    /// The question of this command line; `None` where its answer depends on more than files.
    pub fn new(args: &LoadArgs, session: &Session) -> Option<Self> {
        let told_elsewhere = args.findings || args.rejects.is_some() || args.dry_run || args.common.verbose;
        if told_elsewhere || args.no_cache {
            return None;
        }
        let ground = session.ground(args.input.form.as_deref())?;
        let mut judges = Vec::new();
        for judge in &ground.judges {
            judges.push((judge, sum(judge).ok()?));
        }
        let program = std::fs::metadata(std::env::current_exe().ok()?).ok()?.len();
        let variables = ["NO_COLOR", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"].map(std::env::var_os);
        // The address may hold a password, and does not change what is said.
        let args = LoadArgs { into: String::new(), ..args.clone() };
        let key =
            ((env!("CARGO_PKG_VERSION"), program), std::env::current_dir().ok()?, (judges, args), (variables, io::stderr().is_terminal()));
        Some(Self { asked: hex(&Sha256::digest(format!("{key:?}"))), inputs: ground.inputs })
    }

    /// The answer that the last load of a collection left, where it still holds.
    ///
    /// # Errors
    /// When the database fails.
    pub fn answer(&self, database: &mut dyn Database, collection: &str, table: &str) -> io::Result<Option<Answer>> {
        let Some(answer) = database.answer(collection)?.filter(|answer| answer.asked == self.asked) else { return Ok(None) };
        let holds = self.are_the_same(&answer.inputs) && database.content(table)? == answer.content;
        Ok(Some(answer).filter(|_| holds))
    }

    // Inputs may have been opened in another order.
    fn are_the_same(&self, before: &[Sealed]) -> bool {
        let mut before: Vec<(&str, &str)> = before.iter().map(|seal| (&*seal.name, seal.sha256.as_deref().unwrap_or_default())).collect();
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

/// A load whose answer is left in the database.
pub struct Remembered {
    clerk: Clerk,
    question: Question,
    said: Copy,
    totals: Totals,
}

impl Remembered {
    /// The load that `clerk` does, of which `said` is a copy of what is reported.
    pub fn new(clerk: Clerk, question: Question, said: Copy) -> Self {
        Self { clerk, question, said, totals: Totals::default() }
    }
}

impl Sink for Remembered {
    fn record(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.clerk.record(encoded)
    }

    fn settle(&mut self, totals: Totals) -> io::Result<Vec<Diagnostic>> {
        self.totals = totals;
        self.clerk.settle(totals)
    }

    fn commit(self: Box<Self>) -> io::Result<()> {
        let Self { mut clerk, question, said, totals } = *self;
        let Totals { incomplete, failed, .. } = totals;
        if let Some(text) = said.text().filter(|text| !incomplete && !text.contains('\0')) {
            clerk.remember(Said { asked: question.asked, failed, text });
        }
        Box::new(clerk).commit()
    }
}
