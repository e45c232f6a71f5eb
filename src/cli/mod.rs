//! The program: the command line over the library. One file a command.
//!
//! [`main`] turns arguments into an exit status: 0 clean, 1 findings, 2 the work could not be done, 101 a bug in chancery; 130, 143
//! or 129 where SIGINT, SIGTERM or SIGHUP has ended the run.

// Says a line on standard error, as `eprintln` does, but does not panic where that cannot be written.
macro_rules! say {
    ($($line:tt)*) => { $crate::cli::tell(&format!($($line)*)) };
}

mod again;
mod args;
mod bug;
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
mod interrupt;
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
mod stdout;
mod summary;
mod trouble;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::load::atomic::about;
use args::{Cli, Command};
use stdout::stdout;
use trouble::Trouble;

/// The stack of the thread that works.
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
    bug::note_panics();
    interrupt::listen();
    // The check recurses as deep as values are nested, so it gets a stack of its own.
    let work = std::thread::Builder::new().stack_size(STACK).spawn(|| match Cli::try_parse() {
        Ok(cli) => dispatch(cli),
        Err(asked) => answer(&asked),
    });
    ExitCode::from(match work {
        Ok(work) => status(work.join()),
        Err(error) => {
            say!("error: the system gives no thread: {error}");
            2
        }
    })
}

// The exit status for how the work came out. What went wrong is said.
fn status(done: std::thread::Result<Result<Verdict, Trouble>>) -> u8 {
    match done {
        Ok(Ok(Verdict::Clean)) => 0,
        Ok(Ok(Verdict::Findings)) => 1,
        Ok(Ok(Verdict::Unable)) => 2,
        Ok(Ok(Verdict::Interrupted)) => interrupt::status(),
        Ok(Err(trouble)) if trouble.is_closed_pipe() => 0,
        Ok(Err(trouble)) => {
            trouble.show();
            2
        }
        Err(panic) => {
            bug::show(&*panic);
            bug::STATUS
        }
    }
}

// What the arguments ask of the command line itself, such as help; or what is wrong with them.
fn answer(asked: &clap::Error) -> Result<Verdict, Trouble> {
    if asked.use_stderr() {
        // Nothing is left to be done where standard error cannot be written.
        let _ = asked.print();
        return Ok(Verdict::Unable);
    }
    asked.print().and_then(|()| io::stdout().flush()).map_err(|error| about("standard output".as_ref(), error))?;
    Ok(Verdict::Clean)
}

/// Says a line on standard error, where that can be written.
fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether somebody still reads what was written; a closed pipe is no error.
fn is_read(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
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
    let mut out = stdout();
    is_read(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_its_status() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        for (done, expected) in [
            (Ok(Ok(Verdict::Clean)), 0),
            (Ok(Ok(Verdict::Findings)), 1),
            (Ok(Ok(Verdict::Unable)), 2),
            (Ok(Ok(Verdict::Interrupted)), 130),
            (Ok(Err(about("a".as_ref(), closed).into())), 0),
            (Ok(Err(Trouble::usage("x"))), 2),
            (std::thread::spawn(|| panic!("x")).join(), 101),
        ] {
            assert_eq!(status(done), expected);
        }
    }
}
