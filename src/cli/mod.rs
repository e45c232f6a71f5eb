//! The program: the command line over the library. One file a command.
//!
//! [`main`] turns arguments into an exit status: 0 clean, 1 findings, 2 the work could not be done.

mod again;
mod args;
mod check;
#[cfg(feature = "parquet")]
mod columns;
mod config;
mod convert;
mod diff;
mod dsn;
mod export;
mod explain;
mod fix;
mod init;
mod load;
mod lsp;
mod one_text;
mod progress;
mod recall;
mod revision;
mod run;
mod schema;
mod schemas;
mod seal;
mod session;
mod since;
mod summary;
mod trouble;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use trouble::Trouble;

/// The check recurses as deep as values are nested, so it gets a stack of its own.
const STACK: usize = 64 << 20;

/// How a command that did its work came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    Findings,
    Unable,
    Interrupted,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let work = std::thread::Builder::new().stack_size(STACK).spawn(move || {
        let verdict = dispatch(cli);
        match verdict {
            Ok(verdict) => verdict,
            Err(trouble) if trouble.is_closed_pipe() => Verdict::Clean,
            Err(trouble) => {
                trouble.show();
                Verdict::Unable
            }
        }
    });
    match work.map(std::thread::JoinHandle::join) {
        Ok(Ok(Verdict::Clean)) => ExitCode::SUCCESS,
        Ok(Ok(Verdict::Findings)) => ExitCode::from(1),
        Ok(Ok(Verdict::Interrupted)) => ExitCode::from(130),
        Ok(Ok(Verdict::Unable) | Err(_)) | Err(_) => ExitCode::from(2),
    }
}

fn dispatch(cli: Cli) -> Result<Verdict, Trouble> {
    match cli.command {
        None => run::run(cli.run),
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Convert(args)) => convert::run(args),
        Some(Command::Fix(args)) => fix::run(args),
        Some(Command::Diff(args)) => diff::run(args),
        Some(Command::Load(args)) => load::run(args),
        Some(Command::Export(args)) => export::run(args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Schema(command)) => schema::run(&command),
        Some(Command::Init(args)) => init::run(&args),
        Some(Command::Lsp(args)) => lsp::run(args),
        Some(Command::Formats) => print(&formats()),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "chancery", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print(&String::from_utf8_lossy(&page))
        }
    }
}

// Prints a text to standard output, where a pipe may have been closed.
fn print(text: &str) -> Result<Verdict, Trouble> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(Verdict::Clean)
}

fn formats() -> String {
    let mut text = String::from("format    read  write  extensions\n");
    for format in crate::read::Format::ALL {
        let writes = if crate::write::Format::by_name(format.name()).is_some() { "yes" } else { "no" };
        let extensions: Vec<String> = format.extensions().iter().map(|extension| format!(".{extension}")).collect();
        text.push_str(&format!("{:<9} yes   {writes:<5}  {}\n", format.name(), extensions.join(" ")));
    }
    text.push_str(
        "\nEach may be compressed by gzip (.gz) or zstd (.zst). Encodings: UTF-8, UTF-16 with a byte order mark, others by --encoding.\n",
    );
    text
}
