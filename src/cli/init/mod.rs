//! `chancery init`: sets up a directory. Existing files are not overwritten.

mod from_data;

use std::io::{self, Write};
use std::path::Path;

use super::args::InitArgs;
use super::{CliError, ExitStatus, print};
use chancery_files::output::AtomicFile;

const FILES: &[(&str, &str)] = &[
    ("chancery.toml", include_str!("chancery.toml")),
    ("input/example.yaml", include_str!("example.yaml")),
    (".github/workflows/chancery.yml", include_str!("workflow.yml")),
];

/// Runs the command.
pub fn run(args: &InitArgs) -> Result<ExitStatus, CliError> {
    if let Some(data) = from_data::find(&args.folder)? {
        return from_data::run(&args.folder, data);
    }
    let mut text = String::new();
    for (name, content) in FILES {
        text.push_str(&made(&args.folder.join(name), content)?);
    }
    text.push_str("\nNext: chancery check, then chancery run.\n");
    print(&text)
}

// Writes a file unless there is one, and says which of the two it was.
fn made(path: &Path, content: &str) -> Result<String, CliError> {
    let word = match write(path, content) {
        Ok(()) => "made",
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => "kept",
        Err(error) => return Err(error.into()),
    };
    Ok(format!("{word}  {}\n", path.display()))
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut file = AtomicFile::create(path)?;
    file.write_all(content.as_bytes())?;
    file.commit_new()
}
