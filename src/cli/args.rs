//! The command line: commands and flags, with the help that users see.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Reads, checks and converts records of organisations, and any other records that have a JSON Schema.
#[derive(Debug, Parser)]
#[command(name = "chancery", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 clean, 1 findings at or above --fail-on, 2 the program could not do its work,\n\
                  101 a bug in chancery, 129, 130 or 143 ended by SIGHUP, SIGINT or SIGTERM.\n\
                  Without a command, `run` is meant: it reads the config's sources, else input/, and writes output/.")]
pub struct Cli {
    /// What to do; `run` where nothing is said
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reads, normalises, checks, and writes every output that the config names
    Run(RunArgs),
    /// Reads and checks; writes diagnostics only
    Check(CheckArgs),
    /// Reads, checks, and writes in another format
    Convert(ConvertArgs),
    /// Makes the edits that findings carry: shows them as a diff, or writes them
    Fix(FixArgs),
    /// Shows what changed between two versions of a data set, by record and place, across formats
    #[command(mut_arg("paths", |paths| paths.value_names(["OLD", "NEW"]).required(true).help(DIFF_PATHS)))]
    #[command(override_usage = "chancery diff [OPTIONS] <OLD> <NEW>")]
    Diff(Box<DiffArgs>),
    /// Reads, checks, and puts records into a database, files of Parquet or a stream of Arrow
    Load(LoadArgs),
    /// Writes what a load has put into a database, files of Parquet or a stream of Arrow, in any format
    Export(ExportArgs),
    /// Shows the page of a rule, or which part of a file became which member
    Explain(ExplainArgs),
    /// Shows, checks and documents schemas
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Sets up a folder: a commented chancery.toml, a sample input, a CI workflow
    Init(InitArgs),
    /// Serves an editor: a language server over standard input and output
    Lsp(LspArgs),
    /// Lists the formats that can be read and written
    Formats,
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    Man,
}

/// `run`
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// The folder to write to
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `check`
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub common: CommonArgs,
    /// Check everything anew, and keep no answers in .chancery-cache
    #[arg(long, help_heading = "Config")]
    pub no_cache: bool,
}

/// `convert`
#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// The format to write: json, ndjson, csv, tsv, xml or yaml; else by the output's extension
    #[arg(long, value_name = "FORMAT")]
    pub to: Option<String>,
    /// A file, a folder (an output for each input), or - for standard output
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub output: Option<PathBuf>,
    /// One line a record in JSON
    #[arg(long)]
    pub compact: bool,
    /// How to lay CSV out: one wide table, or a package of tables [default: package in a folder, else wide]
    #[arg(long = "csv", value_name = "LAYOUT")]
    pub csv_layout: Option<CsvLayout>,
    /// Mark cells that a spreadsheet would take for formulas, so that it does not; undone when read back
    #[arg(long)]
    pub spreadsheet_safe: bool,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

const DIFF_PATHS: &str = "What to compare: each a file, folder, glob, - for standard input, or REV:PATH for files as they were at a git revision \
(main:data.csv, HEAD~2:data/)";

/// `diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit status: 0 no difference, 1 differences or unreadable records, 2 the program could not do its work.\n\
                  As a git diff driver: `*.csv diff=chancery` in .gitattributes, and\n\
                  git config diff.chancery.command \"chancery diff --git-driver\"")]
pub struct DiffArgs {
    /// How to tell it: text, markdown, json or ndjson
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: String,
    /// The file to write to
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Tell only the numbers
    #[arg(long)]
    pub stat: bool,
    /// Leave out what stands there, such as /updated or /contacts/*/verified; ** stands for any number of steps (repeatable)
    #[arg(long, value_name = "POINTER")]
    pub ignore_path: Vec<String>,
    /// Hide values of members that the schema marks with x-sensitive
    #[arg(long)]
    pub mask: bool,
    /// Take the arguments that git gives to an external diff program, and always exit with 0 when the work was done
    #[arg(long)]
    pub git_driver: bool,
    /// Number of workers [default: the machine's cores]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
    /// Name the place of every change, and say what is read
    #[arg(short, long)]
    pub verbose: bool,
    /// Show no progress bar
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub input: InputArgs,
    /// The format of OLD, where --from is not also that
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    pub from_old: Option<String>,
    /// Where the records are in OLD, where --records is not also that
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    pub records_old: Option<String>,
    /// The schema: a file, profile for the bundled one, or none
    #[arg(long, value_name = "FILE|profile|none", help_heading = "Schema")]
    pub schema: Option<String>,
    /// A folder of more schemas, found by their $id or path, to which references may lead (repeatable)
    #[arg(long, value_name = "DIR", help_heading = "Schema")]
    pub schema_dir: Vec<PathBuf>,
    /// Where a record's key stands, as a JSON pointer [default: the schema's x-key]
    #[arg(long, value_name = "POINTER", help_heading = "Schema")]
    pub key: Option<String>,
    /// Compare records as they are written
    #[arg(long, help_heading = "Schema")]
    pub no_normalise: bool,
    /// Fill in the schema's defaults before comparing
    #[arg(long, help_heading = "Schema")]
    pub defaults: bool,
    /// The config file [default: chancery.toml, found upwards from here]
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    pub config: Option<PathBuf>,
    /// Read no config file
    #[arg(long, conflicts_with = "config", help_heading = "Config")]
    pub no_config: bool,
}

/// `load`
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// The place: `sqlite:FILE`, `postgres://USER@HOST/DATABASE`, `parquet:DIR`, `arrow:FILE` or `arrow:-` for a pipe
    #[arg(long, value_name = "DATABASE")]
    pub into: String,
    /// What becomes of records that are there already, or no longer there [default: upsert; Parquet and Arrow: replace]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<LoadMode>,
    /// How records lie in files of Parquet [default: nested]
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<Layout>,
    /// List what would change, by what is done and key, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What to do where tables have to change [default: auto]
    #[arg(long, value_name = "HOW")]
    pub migrate: Option<Migrate>,
    /// What the tables are called [default: the schema's x-record-name or title]
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// Keep each record as a whole too, as JSON in the column `_json`
    #[arg(long)]
    pub keep_json: bool,
    /// Put findings into the table `_chancery_findings`
    #[arg(long)]
    pub findings: bool,
    /// Write records that are not loaded to this file, a JSON object to a line
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
    /// Load everything anew, also where inputs and tables are as the last load left them
    #[arg(long, help_heading = "Config")]
    pub no_cache: bool,
}

/// What becomes of records that are there already, or no longer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadMode {
    /// Add new records, update changed ones
    Upsert,
    /// As upsert, and remove records that are not among those loaded
    Replace,
    /// Add records; refuse those that are there already
    Append,
}

/// How records lie in columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// One file, in which objects are structs and lists are lists
    Nested,
    /// A file for the records and one for each list of objects
    Flat,
}

/// What to do where tables have to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Migrate {
    /// Add tables and columns and widen types; refuse what would lose values
    Auto,
    /// Print the statements and do nothing
    Print,
}

/// `export`
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// The place: `sqlite:FILE`, `postgres://USER@HOST/DATABASE`, `parquet:DIR`, `arrow:FILE` or `arrow:-` for a pipe
    #[arg(value_name = "DATABASE")]
    pub dsn: String,
    /// Which records, where there are several collections
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// The format to write: json, ndjson, csv, tsv, xml or yaml; else by the output's extension
    #[arg(long, value_name = "FORMAT")]
    pub to: Option<String>,
    /// A file, a folder, or - for standard output
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub output: Option<PathBuf>,
    /// One line a record in JSON
    #[arg(long)]
    pub compact: bool,
    /// How to lay CSV out: one wide table, or a package of tables [default: package in a folder, else wide]
    #[arg(long = "csv", value_name = "LAYOUT")]
    pub csv_layout: Option<CsvLayout>,
    /// Mark cells that a spreadsheet would take for formulas, so that it does not; undone when read back
    #[arg(long)]
    pub spreadsheet_safe: bool,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// How to lay CSV out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CsvLayout {
    /// One table with a column for each place a value can stand in
    Wide,
    /// A table for the records and one for each list of objects
    Package,
}

/// What to read and how.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Files, folders, globs, or - for standard input [default: the config's sources, else input/]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Whether a path may be one at a git revision
    #[arg(skip)]
    pub revisions: bool,
    /// The format to read: json, ndjson, csv, tsv, xml, yaml, toml or handbook [default: by extension, then by the first bytes; .txt is handbook if it has labels of a form]
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// Where the records are: a JSON pointer (/organizations), an XML path (registry/organisation), or "" for the whole document
    #[arg(long, value_name = "PATH")]
    pub records: Option<String>,
    /// The encoding of inputs that are not UTF-8 or UTF-16 with a byte order mark, such as windows-1252
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// The character between cells of CSV (also: tab) [default: found out]
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// The first row of CSV is data; columns are named column1, column2
    #[arg(long)]
    pub no_header: bool,
    /// Lines of CSV that begin with this are left out
    #[arg(long, value_name = "PREFIX")]
    pub comment: Option<String>,
    /// Cells of CSV with one of these texts are null
    #[arg(long, value_name = "WORD,...", value_delimiter = ',')]
    pub null_words: Vec<String>,
    /// Cells of CSV whose column is a list are split at this
    #[arg(long, value_name = "TEXT")]
    pub list_separator: Option<String>,
    /// How cells of CSV are typed
    #[arg(long, value_name = "HOW")]
    pub cells: Option<Cells>,
    /// The form of handbook pages: a name or a file [default: the one that fits best]
    #[arg(long, value_name = "NAME|FILE")]
    pub form: Option<String>,
    /// What to do with files that no source of the config claims [default: check]
    #[arg(long, value_name = "HOW")]
    pub unclaimed: Option<Unclaimed>,
    /// A larger record is refused (bytes, or with K, M, G)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_record_bytes: Option<usize>,
    /// Values nested more deeply are refused
    #[arg(long, value_name = "N")]
    pub max_depth: Option<usize>,
}

/// What to do with files that no source of the config claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Unclaimed {
    /// Check their syntax only; errors in it are warnings
    #[default]
    Check,
    /// Do not read them
    Skip,
    /// Report each as an error
    Error,
}

/// How cells are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cells {
    /// By the schema, and where it leaves a choice by quotes and look
    Typed,
    /// Every cell is text
    Text,
}

/// What to do with invalid records.
#[derive(Clone, Debug, Default, Args)]
pub struct InvalidArgs {
    /// What to do with records that have an error [default: skip for run, stop else]
    #[arg(long, value_name = "WHAT")]
    pub on_invalid: Option<OnInvalid>,
}

/// What to do with invalid records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnInvalid {
    /// Write nothing at all
    Stop,
    /// Leave them out
    Skip,
    /// Write them all the same
    Keep,
}

/// Flags of every command that reads records.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Check")]
pub struct CommonArgs {
    /// The schema: a file, profile for the bundled one, or none
    #[arg(long, value_name = "FILE|profile|none")]
    pub schema: Option<String>,
    /// A folder of more schemas, found by their $id or path, to which references may lead (repeatable)
    #[arg(long, value_name = "DIR")]
    pub schema_dir: Vec<PathBuf>,
    /// Where a record's key stands, as a JSON pointer [default: the schema's x-key]
    #[arg(long, value_name = "POINTER")]
    pub key: Option<String>,
    /// Check records as they are written
    #[arg(long)]
    pub no_normalise: bool,
    /// Do not assert formats
    #[arg(long)]
    pub no_format: bool,
    /// Fill in the schema's defaults
    #[arg(long)]
    pub defaults: bool,
    /// The inputs are the whole collection: a reference to an absent record is an error
    #[arg(long)]
    pub complete: bool,
    /// Normalisations count as errors
    #[arg(long)]
    pub strict: bool,
    /// Number of workers [default: the machine's cores]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,

    /// A report: pretty, plain, json, ndjson, sarif, github, gitlab, junit, rdjsonl, markdown or html, to standard output or a file
    /// (repeatable) [default: pretty on a terminal, else plain]
    #[arg(long, value_name = "FORMAT[=FILE]", help_heading = "Report")]
    pub report: Vec<String>,
    /// The severity from which on the exit status is 1
    #[arg(long, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Report only these rules: codes, their beginnings, or names
    #[arg(long, value_name = "CODE,...", value_delimiter = ',', help_heading = "Report")]
    pub select: Vec<String>,
    /// Do not report these rules
    #[arg(long, value_name = "CODE,...", value_delimiter = ',', help_heading = "Report")]
    pub ignore: Vec<String>,
    /// A file of known findings, which are not reported
    #[arg(long, value_name = "FILE", help_heading = "Only what is new")]
    pub baseline: Option<PathBuf>,
    /// Write the baseline: take out what is no longer needed, or, with =all and where there is none yet, take in all that is found
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "shrink", help_heading = "Only what is new")]
    pub write_baseline: Option<WriteBaseline>,
    /// Report only on records that changed since this git revision went another way
    #[arg(long, value_name = "REV", help_heading = "Only what is new")]
    pub changed_since: Option<String>,
    /// Show at most so many findings; all are counted
    #[arg(long, value_name = "N", help_heading = "Report")]
    pub max_diagnostics: Option<u64>,
    /// Hide values of members that the schema marks with x-sensitive
    #[arg(long, help_heading = "Report")]
    pub mask: bool,
    /// Colours
    #[arg(long, value_name = "WHEN", help_heading = "Report")]
    pub color: Option<Color>,
    /// Show errors and warnings only, and no summary
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
    /// Say what is read, with which schema and config
    #[arg(short, long, help_heading = "Report")]
    pub verbose: bool,
    /// Show no progress bar
    #[arg(long, help_heading = "Report")]
    pub no_progress: bool,

    /// The config file [default: chancery.toml, found upwards from here]
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    pub config: Option<PathBuf>,
    /// Read no config file
    #[arg(long, conflicts_with = "config", help_heading = "Config")]
    pub no_config: bool,
    /// Whether records are only read and normalised, and reports of the config left out
    #[arg(skip)]
    pub unchecked: bool,
}

/// What becomes of the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WriteBaseline {
    /// Take out what is no longer needed
    Shrink,
    /// Take in new findings too
    All,
}

/// When a run counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// On errors
    Error,
    /// On warnings and errors
    Warning,
    /// On any finding
    Advice,
    /// On no finding
    Never,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `fix`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Prints a unified diff that `git apply` and `patch -p1` take; every byte besides stays as it is.\n\
                  With --write, the text of standard input goes to standard output.\n\
                  --select and --ignore say which findings are mended.\n\n\
                  Exit status: 0 nothing to fix, or all of it written; 1 the diff has something;\n\
                  2 a file could not be read or written. Whether data is valid is for `check` to say.")]
pub struct FixArgs {
    /// Write the files in place
    #[arg(short, long)]
    pub write: bool,
    /// Make edits that are guesses too, such as names and values that may be misspelt
    #[arg(long = "unsafe")]
    pub guesses: bool,
    #[command(flatten)]
    pub input: InputArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The code or name of a rule (S104, wrong-format), or a file
    #[arg(value_name = "CODE|FILE")]
    pub subject: String,
    /// The format of the file
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// Where the records are
    #[arg(long, value_name = "PATH")]
    pub records: Option<String>,
    /// The file's encoding
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// The form of a handbook page
    #[arg(long, value_name = "NAME|FILE")]
    pub form: Option<String>,
    /// The schema: a file, profile for the bundled one, or none
    #[arg(long, value_name = "FILE|profile|none")]
    pub schema: Option<String>,
    /// Hide values of members that the schema marks with x-sensitive
    #[arg(long)]
    pub mask: bool,
    /// Colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// `schema`
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Prints the schema
    Show(SchemaArgs),
    /// Checks that the schema is a good one
    Check(SchemaArgs),
    /// Prints the schema's documentation as Markdown
    Docs(SchemaArgs),
    /// Prints an XSD for the XML that convert writes
    Xsd(SchemaArgs),
    /// Prints what the schema says of members and types
    Shape(SchemaArgs),
    /// Says whether data that was valid before a change of the schema stays valid
    Diff(SchemaDiffArgs),
    /// Prints the tables that load makes, in SQL
    Sql(SqlArgs),
}

/// Which schema.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// The schema: a file, or profile for the bundled one
    #[arg(value_name = "SCHEMA", default_value = "profile")]
    pub schema: String,
    /// A folder of more schemas
    #[arg(long, value_name = "DIR")]
    pub schema_dir: Vec<PathBuf>,
    /// Colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// `schema diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit status: 0 compatible, 1 breaking or unknown, 2 the program could not do its work.")]
pub struct SchemaDiffArgs {
    /// The schema as it was: a file, profile for the bundled one, or REV:PATH for a file as it was at a git revision
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The schema as it is
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Ask whether data that is valid now was valid before
    #[arg(long)]
    pub forward: bool,
    /// How to tell it: text, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: String,
    /// The file to write to
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A folder of more schemas, found by their $id or path, to which references may lead (repeatable)
    #[arg(long, value_name = "DIR")]
    pub schema_dir: Vec<PathBuf>,
    /// Do not assert formats
    #[arg(long)]
    pub no_format: bool,
    /// Tell of titles, descriptions and the like as well, which mean nothing for validity
    #[arg(short, long)]
    pub verbose: bool,
    /// Colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// `schema sql`
#[derive(Clone, Debug, Args)]
pub struct SqlArgs {
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// The database
    #[arg(long, value_name = "DATABASE")]
    pub dialect: Dialect,
    /// Where a record's key stands, as a JSON pointer [default: the schema's x-key]
    #[arg(long, value_name = "POINTER")]
    pub key: Option<String>,
    /// What the tables are called [default: the schema's x-record-name or title]
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// With a column for each record as a whole, as `load --keep-json` makes it
    #[arg(long)]
    pub keep_json: bool,
}

/// A database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// SQLite
    Sqlite,
    /// PostgreSQL
    Postgres,
}

/// `lsp`
#[derive(Clone, Debug, Args)]
pub struct LspArgs {
    /// The schema of every document [default: what chancery.toml says of its sources; none for other files]
    #[arg(long, value_name = "FILE|profile|none")]
    pub schema: Option<String>,
    /// Standard input and output, which is what the server always uses
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// `init`
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// The folder to set up
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

// A number of bytes, with K, M or G for powers of 1,024.
fn size(text: &str) -> Result<usize, String> {
    let upper = text.to_ascii_uppercase();
    let upper = upper.strip_suffix('B').unwrap_or(&upper);
    let units = [('K', 10), ('M', 20), ('G', 30)];
    let (digits, shift) = units.iter().find_map(|(unit, shift)| Some((upper.strip_suffix(*unit)?, *shift))).unwrap_or((upper, 0));
    let number: usize = digits.parse().map_err(|_| "expected a number of bytes, such as 65536, 64K or 1G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        <super::Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn sizes() {
        assert_eq!(super::size("64K"), Ok(65536));
        assert_eq!(super::size("1gb"), Ok(1 << 30));
        assert_eq!(super::size("7"), Ok(7));
        assert!(super::size("x").is_err() && super::size("K").is_err());
    }
}
