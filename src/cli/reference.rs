//! The command-line reference `docs/cli.md`, generated from the flag definitions.
//!
//! Input: the definition of the command line. Output: one section per command, with its synopsis, arguments and flags, as Markdown.

use std::fmt::Write as _;

use clap::{Arg, Command};

/// Placed at the start of the page.
const INTRODUCTION: &str = "# Command-line reference\n\n\
    This page is generated from the flag definitions. `chancery COMMAND --help` prints the same text.\n";

/// The reference for `program` and all of its commands.
pub fn markdown(mut program: Command) -> String {
    program.build();
    let mut out = String::from(INTRODUCTION);
    section(&program, program.get_name(), &mut out);
    out
}

fn section(command: &Command, name: &str, out: &mut String) {
    let about = command.get_long_about().or_else(|| command.get_about());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(out, "\n## {name}\n");
    if let Some(about) = about {
        let _ = write!(out, "\n{}\n", sentence(&about.to_string()));
    }
    let _ = write!(out, "\n```text\n{}\n```\n", usage.lines().map(str::trim).collect::<Vec<_>>().join("\n"));

    let arguments: Vec<&Arg> = command.get_arguments().filter(|argument| !argument.is_hide_set()).collect();
    let mut headings: Vec<&str> = Vec::new();
    for argument in &arguments {
        let heading = heading(argument);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for title in headings {
        let _ = write!(out, "\n**{title}**\n\n");
        for argument in arguments.iter().filter(|argument| heading(argument) == title) {
            item(argument, out);
        }
    }
    let commands = || command.get_subcommands().filter(|command| !command.is_hide_set());
    if commands().next().is_some() {
        let _ = write!(out, "\n**Commands**\n\n");
        for command in commands() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let full = format!("{name} {}", command.get_name());
            let _ = writeln!(out, "- [`{full}`](#{}): {}", full.replace(' ', "-"), sentence(&about));
        }
    }
    if let Some(after) = command.get_after_help() {
        let _ = write!(out, "\n```text\n{after}\n```\n");
    }
    for command in commands() {
        section(command, &format!("{name} {}", command.get_name()), out);
    }
}

fn heading(argument: &Arg) -> &str {
    argument.get_help_heading().unwrap_or(if argument.is_positional() { "Arguments" } else { "Options" })
}

fn item(argument: &Arg, out: &mut String) {
    let _ = write!(out, "- `{}`", signature(argument));
    let help = argument.get_long_help().or_else(|| argument.get_help());
    if let Some(help) = help {
        let _ = write!(out, ": {}", sentence(&help.to_string()));
    }
    let values: Vec<String> =
        argument.get_possible_values().iter().filter(|value| !value.is_hide_set()).map(|value| format!("`{}`", value.get_name())).collect();
    if argument.get_action().takes_values() && !values.is_empty() {
        let _ = write!(out, " Values: {}.", values.join(", "));
    }
    let defaults: Vec<String> = argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        let _ = write!(out, " Default: {}.", defaults.join(", "));
    }
    out.push('\n');
}

/// How the argument is written: `-o, --output <DIR>` or `[PATH]...`.
fn signature(argument: &Arg) -> String {
    if argument.is_positional() {
        return argument.to_string();
    }
    let long = argument.to_string();
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(_)) => format!("-{short}, {long}"),
        _ => long,
    }
}

/// The text as one paragraph that ends with a full stop, with `<` kept from Markdown.
fn sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('<', "\\<").replace('|', "\\|");
    if text.ends_with(['.', '!', '?', ':']) { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use crate::cli::args::Cli;

    /// `CHANCERY_UPDATE_DOCS=1 cargo test reference` writes the page.
    #[test]
    fn the_page_in_docs_is_current() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
        let page = super::markdown(Cli::command());
        if std::env::var_os("CHANCERY_UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).expect("docs/ can be written to");
        }
        let kept = std::fs::read_to_string(&path).expect("docs/cli.md exists").replace("\r\n", "\n");
        assert!(kept == page, "docs/cli.md differs from the flag definitions: run CHANCERY_UPDATE_DOCS=1 cargo test reference");
    }
}
