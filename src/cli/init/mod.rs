//! `chancery init`: a folder ready for work. Nothing that is there is overwritten.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::args::InitArgs;
use super::{Trouble, Verdict, print};

const FILES: &[(&str, &str)] = &[
    ("chancery.toml", include_str!("chancery.toml")),
    ("input/example.yaml", include_str!("example.yaml")),
    (".github/workflows/chancery.yml", include_str!("workflow.yml")),
];

/// Runs the command.
pub fn run(args: &InitArgs) -> Result<Verdict, Trouble> {
    let mut text = String::new();
    for (name, content) in FILES {
        let path = args.folder.join(name);
        let trouble = |error| Trouble::File { path: path.clone(), error };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(trouble)?;
        }
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(content.as_bytes()).map_err(trouble)?;
                text.push_str(&format!("made  {}\n", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => text.push_str(&format!("kept  {}\n", path.display())),
            Err(error) => return Err(trouble(error)),
        }
    }
    text.push_str("\nNext: chancery check, then chancery run.\n");
    print(&text)
}
