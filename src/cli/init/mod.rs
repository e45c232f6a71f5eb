//! `chancery init`: sets up a directory. Existing files are not overwritten.

use std::io::{self, Write};
use std::path::Path;

use super::args::InitArgs;
use super::{CliError, ExitStatus, print};
use crate::output::AtomicFile;

const FILES: &[(&str, &str)] = &[
    ("chancery.toml", include_str!("chancery.toml")),
    ("input/example.yaml", include_str!("example.yaml")),
    (".github/workflows/chancery.yml", include_str!("workflow.yml")),
];

/// Runs the command.
pub fn run(args: &InitArgs) -> Result<ExitStatus, CliError> {
    let mut text = String::new();
    for (name, content) in FILES {
        let path = args.folder.join(name);
        let word = match write(&path, content) {
            Ok(()) => "made",
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => "kept",
            Err(error) => return Err(error.into()),
        };
        text.push_str(&format!("{word}  {}\n", path.display()));
    }
    text.push_str("\nNext: chancery check, then chancery run.\n");
    print(&text)
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut file = AtomicFile::create(path)?;
    file.write_all(content.as_bytes())?;
    file.commit_new()
}
