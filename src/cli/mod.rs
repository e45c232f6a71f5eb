//! The program: the command line over the library. One file per command.
//!
//! [`main`] turns arguments into an exit status: 0 clean, 1 findings, 2 the work could not be done, 101 a bug in chancery; 130, 143
//! or 129 where SIGINT, SIGTERM or SIGHUP has ended the run.

// Says a line on standard error, as `eprintln` does, but does not panic where that cannot be written.
macro_rules! errln {
    ($($line:tt)*) => { $crate::cli::print_error_line(&format!($($line)*)) };
}

mod args;
mod bug;
mod caching;
mod check;
#[cfg(feature = "parquet")]
mod load_columnar;
mod convert;
mod diff;
mod dsn;
mod export;
mod explain;
mod fix;
mod gather;
mod infer;
mod widen;
mod init;
mod interrupt;
mod load;
mod lsp;
mod overrides;
pub mod pretty;
mod progress;
#[cfg(test)]
mod reference;
mod reporting;
mod run;
mod runner;
mod schema;
mod stdout;
mod store;
mod summary;
mod error;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use chancery_files::output::atomic::about;
use error::CliError;
use stdout::stdout;

/// The stack of the thread that works.
const STACK: usize = 64 << 20;

/// The outcome of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExitStatus {
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
            errln!("error: the system gives no thread: {error}");
            2
        }
    })
}

// The exit status for how the work came out. What went wrong is said.
fn status(done: std::thread::Result<Result<ExitStatus, CliError>>) -> u8 {
    match done {
        Ok(Ok(ExitStatus::Clean)) => 0,
        Ok(Ok(ExitStatus::Findings)) => 1,
        Ok(Ok(ExitStatus::Unable)) => 2,
        Ok(Ok(ExitStatus::Interrupted)) => interrupt::status(),
        Ok(Err(error)) if error.is_closed_pipe() => 0,
        Ok(Err(error)) => {
            error.show();
            2
        }
        Err(panic) => {
            bug::show(&*panic);
            bug::STATUS
        }
    }
}

// What the arguments ask of the command line itself, such as help; or the errors with them.
fn answer(asked: &clap::Error) -> Result<ExitStatus, CliError> {
    if asked.use_stderr() {
        // Nothing is left to be done where standard error cannot be written.
        let _ = asked.print();
        return Ok(ExitStatus::Unable);
    }
    asked.print().and_then(|()| io::stdout().flush()).map_err(|error| about("standard output".as_ref(), error))?;
    Ok(ExitStatus::Clean)
}

/// Says a line on standard error, where that can be written.
fn print_error_line(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Whether somebody still reads what was written; a closed pipe is no error.
fn is_read(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

// Without a command, the first argument is a path. One that does not exist and is nearly the name of a command was meant as that.
fn misspelt_command(paths: &[String]) -> Result<(), CliError> {
    let Some(first) = paths.first().filter(|first| !std::path::Path::new(first).exists()) else { return Ok(()) };
    let program = Cli::command();
    let names: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
    let near = |name: &&str| strsim::damerau_levenshtein(first, name) <= 1 + usize::from(name.len() > 6);
    match names.into_iter().find(near) {
        Some(name) => Err(CliError::usage(format!("no command and no file is called {first}; did you mean `chancery {name}`?"))),
        None => Ok(()),
    }
}

fn dispatch(cli: Cli) -> Result<ExitStatus, CliError> {
    match cli.command {
        None => {
            misspelt_command(&cli.run.input.paths)?;
            run::run(cli.run)
        }
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

// Prints a text to standard output; the pipe may be closed.
fn print(text: &str) -> Result<ExitStatus, CliError> {
    let mut out = stdout();
    is_read(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(ExitStatus::Clean)
}

fn formats() -> String {
    let mut text = String::from("format    read  write  extensions\n");
    for format in chancery_formats::read::Format::ALL {
        let writes = if chancery_formats::write::Format::by_name(format.name()).is_some() { "yes" } else { "no" };
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
            (Ok(Ok(ExitStatus::Clean)), 0),
            (Ok(Ok(ExitStatus::Findings)), 1),
            (Ok(Ok(ExitStatus::Unable)), 2),
            (Ok(Ok(ExitStatus::Interrupted)), 130),
            (Ok(Err(about("a".as_ref(), closed).into())), 0),
            (Ok(Err(CliError::usage("x"))), 2),
            (std::thread::spawn(|| panic!("x")).join(), 101),
        ] {
            assert_eq!(status(done), expected);
        }
    }
}
