//! The command line: commands and flags, with the help that users see.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Validates and converts data records against a JSON Schema.
#[derive(Debug, Parser)]
#[command(name = "chancery", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Exit status: 0 clean, 1 findings at or above --fail-on, 2 the program could not do its work,\n\
                  101 a bug in chancery, 129, 130 or 143 ended by SIGHUP, SIGINT or SIGTERM.\n\
                  The default command is `run`: it reads the sources named in the config, else input/, and writes output/.")]
pub struct Cli {
    /// The command [default: run]
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// The command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read, normalise and check records, and write every output named in the config
    Run(RunArgs),
    /// Check records and report findings; write nothing
    Check(CheckArgs),
    /// Check records and write them in another format
    Convert(ConvertArgs),
    /// Apply the edits that findings suggest: show them as a diff, or write them in place
    Fix(FixArgs),
    /// Show changes between two versions of a data set, by record and location, across formats
    #[command(mut_arg("paths", |paths| paths.value_names(["OLD", "NEW"]).required(true).help(DIFF_PATHS)))]
    #[command(override_usage = "chancery diff [OPTIONS] <OLD> <NEW>")]
    Diff(Box<DiffArgs>),
    /// Check records and load them into a database, Parquet files or an Arrow stream
    Load(LoadArgs),
    /// Write loaded records from a database, Parquet files or an Arrow stream, in any format
    Export(ExportArgs),
    /// Show the page of a rule, or which part of a file became which member
    Explain(ExplainArgs),
    /// Show, check, compare and document schemas
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Create a commented chancery.toml, a sample input and a CI workflow
    Init(InitArgs),
    /// Run the language server on standard input and output
    Lsp(LspArgs),
    /// List the input and output formats
    Formats,
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `run`
#[derive(Clone, Debug, Default, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Output directory
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
    /// Disable the cache in .chancery-cache
    #[arg(long, help_heading = "Config")]
    pub no_cache: bool,
}

/// `convert`
#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Output format: json, ndjson, csv, tsv, xml or yaml [default: by the output's extension]
    #[arg(long, value_name = "FORMAT")]
    pub to: Option<String>,
    /// Output file, directory (one output per input), or - for standard output
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub output: Option<PathBuf>,
    /// Write each JSON record on one line
    #[arg(long)]
    pub compact: bool,
    /// CSV layout: one wide table, or a package of tables [default: package in a directory, else wide]
    #[arg(long = "csv", value_name = "LAYOUT")]
    pub csv_layout: Option<CsvLayout>,
    /// Escape cells that a spreadsheet would interpret as formulas; undone on reading
    #[arg(long)]
    pub spreadsheet_safe: bool,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

const DIFF_PATHS: &str = "The two versions to compare: a file, directory, glob, - for standard input, or REV:PATH for files at a git revision \
(main:data.csv, HEAD~2:data/)";

/// `diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit status: 0 no difference, 1 differences or unreadable records, 2 the run failed.\n\
                  As a git diff driver: `*.csv diff=chancery` in .gitattributes, and\n\
                  git config diff.chancery.command \"chancery diff --git-driver\"")]
pub struct DiffArgs {
    /// Output format: text, markdown, json or ndjson
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: String,
    /// Output file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print only the summary
    #[arg(long)]
    pub stat: bool,
    /// Ignore values at this pointer, such as /updated or /contacts/*/verified; ** matches any number of steps (repeatable)
    #[arg(long, value_name = "POINTER")]
    pub ignore_path: Vec<String>,
    /// Redact values of members that the schema marks with x-sensitive
    #[arg(long)]
    pub mask: bool,
    /// Accept the arguments of a git external diff program; exit with 0 unless the run fails
    #[arg(long)]
    pub git_driver: bool,
    /// Number of worker threads [default: number of CPU cores]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,
    /// When to use colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
    /// Show the location of every change, and list the inputs
    #[arg(short, long)]
    pub verbose: bool,
    /// Hide the progress bar
    #[arg(long)]
    pub no_progress: bool,
    #[command(flatten)]
    pub input: InputArgs,
    /// Input format of OLD [default: --from]
    #[arg(long, value_name = "FORMAT", help_heading = "Input")]
    pub from_old: Option<String>,
    /// Location of the records in OLD [default: --records]
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    pub records_old: Option<String>,
    /// Schema: a file, `profile` for the bundled one, or `none`
    #[arg(long, value_name = "FILE|profile|none", help_heading = "Schema")]
    pub schema: Option<String>,
    /// A directory of more schemas, found by their $id or path, to which references may lead (repeatable)
    #[arg(long, value_name = "DIR", help_heading = "Schema")]
    pub schema_dir: Vec<PathBuf>,
    /// JSON pointer to a record's key [default: the schema's x-key]
    #[arg(long, value_name = "POINTER", help_heading = "Schema")]
    pub key: Option<String>,
    /// Compare records as written, without normalisation
    #[arg(long, help_heading = "Schema")]
    pub no_normalise: bool,
    /// Fill in the schema's defaults before comparing
    #[arg(long, help_heading = "Schema")]
    pub defaults: bool,
    /// The config file [default: chancery.toml, found in this directory or above]
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    pub config: Option<PathBuf>,
    /// Ignore config files
    #[arg(long, conflicts_with = "config", help_heading = "Config")]
    pub no_config: bool,
}

/// `load`
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    #[command(flatten)]
    pub input: InputArgs,
    /// Data store: `sqlite:FILE`, `postgres://USER@HOST/DATABASE`, `parquet:DIR`, `arrow:FILE` or `arrow:-` for a pipe
    #[arg(long, value_name = "DATABASE")]
    pub into: String,
    /// How to handle existing and missing records [default: upsert; Parquet and Arrow: replace]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<LoadMode>,
    /// Layout of Parquet files [default: nested]
    #[arg(long, value_name = "LAYOUT")]
    pub layout: Option<Layout>,
    /// List the changes by kind and key without applying them
    #[arg(long)]
    pub dry_run: bool,
    /// How to migrate tables when the schema has changed [default: auto]
    #[arg(long, value_name = "HOW")]
    pub migrate: Option<Migrate>,
    /// Collection name, used for the tables [default: the schema's x-record-name or title]
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// Also store each record as JSON in the column `_json`
    #[arg(long)]
    pub keep_json: bool,
    /// Store findings in the table `_chancery_findings`
    #[arg(long)]
    pub findings: bool,
    /// Write rejected records to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
    /// Load even if inputs and tables are unchanged since the last load
    #[arg(long, help_heading = "Config")]
    pub no_cache: bool,
}

/// How to handle existing and missing records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LoadMode {
    /// Add new records and update changed ones
    Upsert,
    /// Like upsert, and remove records that are not in the inputs
    Replace,
    /// Add records; existing records are errors
    Append,
}

/// Layout of columnar files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// One file, with objects as structs and lists as lists
    Nested,
    /// One file for the records and one for each list of objects
    Flat,
}

/// How to migrate tables when the schema has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Migrate {
    /// Add tables and columns and widen types; reject changes that would lose values
    Auto,
    /// Print the SQL statements without running them
    Print,
}

/// `export`
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// Data store: `sqlite:FILE`, `postgres://USER@HOST/DATABASE`, `parquet:DIR`, `arrow:FILE` or `arrow:-` for a pipe
    #[arg(value_name = "DATABASE")]
    pub dsn: String,
    /// Collection to export, if there are several
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// Output format: json, ndjson, csv, tsv, xml or yaml [default: by the output's extension]
    #[arg(long, value_name = "FORMAT")]
    pub to: Option<String>,
    /// Output file, directory, or - for standard output
    #[arg(short, long, value_name = "FILE|DIR|-")]
    pub output: Option<PathBuf>,
    /// Write each JSON record on one line
    #[arg(long)]
    pub compact: bool,
    /// CSV layout: one wide table, or a package of tables [default: package in a directory, else wide]
    #[arg(long = "csv", value_name = "LAYOUT")]
    pub csv_layout: Option<CsvLayout>,
    /// Escape cells that a spreadsheet would interpret as formulas; undone on reading
    #[arg(long)]
    pub spreadsheet_safe: bool,
    #[command(flatten)]
    pub invalid: InvalidArgs,
    #[command(flatten)]
    pub common: CommonArgs,
}

/// CSV layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CsvLayout {
    /// One table with a column for each pointer
    Wide,
    /// One table for the records and one for each list of objects
    Package,
}

/// Input options.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Input")]
pub struct InputArgs {
    /// Files, directories, globs, or - for standard input [default: the sources in the config, else input/]
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    /// Whether REV:PATH is accepted as a path
    #[arg(skip)]
    pub revisions: bool,
    /// The format to read: json, ndjson, csv, tsv, xml, yaml, toml or handbook [default: by extension, then by the first bytes; .txt and .html are handbook if they have labels of a form]
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// Location of the records: a JSON pointer (/organizations), an XML path (registry/organisation), or "" for the whole document. In a path, * is any member, item or element; {name} is the same, and adds its name or index to the record as the member `name`; ~* and ~{ are these characters themselves
    #[arg(long, value_name = "PATH")]
    pub records: Option<String>,
    /// Encoding of inputs that are neither UTF-8 nor UTF-16 with a byte order mark, such as windows-1252
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// CSV delimiter: one character, or `tab` [default: auto-detected]
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// Treat the first CSV row as data; columns are named column1, column2
    #[arg(long)]
    pub no_header: bool,
    /// Skip CSV lines starting with PREFIX
    #[arg(long, value_name = "PREFIX")]
    pub comment: Option<String>,
    /// CSV cells with one of these texts are null
    #[arg(long, value_name = "WORD,...", value_delimiter = ',')]
    pub null_words: Vec<String>,
    /// Separator of list items in CSV cells
    #[arg(long, value_name = "TEXT")]
    pub list_separator: Option<String>,
    /// How to type CSV cells
    #[arg(long, value_name = "HOW")]
    pub cells: Option<Cells>,
    /// Form of handbook pages: a name or a file [default: the best match]
    #[arg(long, value_name = "NAME|FILE")]
    pub form: Option<String>,
    /// How to handle files that no source in the config claims [default: check]
    #[arg(long, value_name = "HOW")]
    pub unclaimed: Option<Unclaimed>,
    /// Maximum record size in bytes, or with K, M, G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_record_bytes: Option<usize>,
    /// Maximum nesting depth
    #[arg(long, value_name = "N")]
    pub max_depth: Option<usize>,
}

/// How to handle files that no source in the config claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Unclaimed {
    /// Check the syntax only; syntax errors are warnings
    #[default]
    Check,
    /// Skip them
    Skip,
    /// Report each as an error
    Error,
}

/// How to type cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cells {
    /// By the schema; if it allows several types, by quoting and content
    Typed,
    /// Read every cell as a string
    Text,
}

/// How to handle invalid records.
#[derive(Clone, Debug, Default, Args)]
pub struct InvalidArgs {
    /// How to handle invalid records [default: skip for run, else stop]
    #[arg(long, value_name = "WHAT")]
    pub on_invalid: Option<OnInvalid>,
}

/// How to handle invalid records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnInvalid {
    /// Write nothing
    Stop,
    /// Skip them
    Skip,
    /// Write them anyway
    Keep,
}

/// Flags of every command that reads records.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Check")]
pub struct CommonArgs {
    /// Schema: a file, `profile` for the bundled one, or `none`
    #[arg(long, value_name = "FILE|profile|none")]
    pub schema: Option<String>,
    /// A directory of more schemas, found by their $id or path, to which references may lead (repeatable)
    #[arg(long, value_name = "DIR")]
    pub schema_dir: Vec<PathBuf>,
    /// JSON pointer to a record's key [default: the schema's x-key]
    #[arg(long, value_name = "POINTER")]
    pub key: Option<String>,
    /// Check records as written, without normalisation
    #[arg(long)]
    pub no_normalise: bool,
    /// Do not check `format`
    #[arg(long)]
    pub no_format: bool,
    /// Fill in the schema's defaults
    #[arg(long)]
    pub defaults: bool,
    /// Treat dangling references as errors
    #[arg(long)]
    pub complete: bool,
    /// Treat normalisations as errors
    #[arg(long)]
    pub strict: bool,
    /// Number of worker threads [default: number of CPU cores]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<usize>,

    /// Report format: pretty, plain, json, ndjson, sarif, github, gitlab, junit, rdjsonl, markdown or html, to standard output or a
    /// file (repeatable) [default: pretty on a terminal, else plain]
    #[arg(long, value_name = "FORMAT[=FILE]", help_heading = "Report")]
    pub report: Vec<String>,
    /// Minimum severity that fails the run
    #[arg(long, value_name = "SEVERITY", help_heading = "Report")]
    pub fail_on: Option<FailOn>,
    /// Report only these rules: codes, code prefixes, or names
    #[arg(long, value_name = "CODE,...", value_delimiter = ',', help_heading = "Report")]
    pub select: Vec<String>,
    /// Do not report these rules
    #[arg(long, value_name = "CODE,...", value_delimiter = ',', help_heading = "Report")]
    pub ignore: Vec<String>,
    /// File of known findings, which are suppressed
    #[arg(long, value_name = "FILE", help_heading = "Incremental")]
    pub baseline: Option<PathBuf>,
    /// Update the baseline: remove stale entries; with =all, or if the file does not exist, also add all findings
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "shrink", help_heading = "Incremental")]
    pub write_baseline: Option<WriteBaseline>,
    /// Report only records changed since the merge base with REV
    #[arg(long, value_name = "REV", help_heading = "Incremental")]
    pub changed_since: Option<String>,
    /// Show at most N findings; all are counted
    #[arg(long, value_name = "N", help_heading = "Report")]
    pub max_diagnostics: Option<u64>,
    /// Redact values of members that the schema marks with x-sensitive
    #[arg(long, help_heading = "Report")]
    pub mask: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", help_heading = "Report")]
    pub color: Option<Color>,
    /// Show only errors and warnings, without a summary
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
    /// List the inputs, schemas and config
    #[arg(short, long, help_heading = "Report")]
    pub verbose: bool,
    /// Hide the progress bar
    #[arg(long, help_heading = "Report")]
    pub no_progress: bool,

    /// The config file [default: chancery.toml, found in this directory or above]
    #[arg(long, value_name = "FILE", help_heading = "Config")]
    pub config: Option<PathBuf>,
    /// Ignore config files
    #[arg(long, conflicts_with = "config", help_heading = "Config")]
    pub no_config: bool,
    /// Whether records are only read and normalised, without the reports named in the config
    #[arg(skip)]
    pub unchecked: bool,
}

/// How to update the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WriteBaseline {
    /// Remove stale entries
    Shrink,
    /// Also add new findings
    All,
}

/// Minimum severity that fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Fail on errors
    Error,
    /// Fail on warnings and errors
    Warning,
    /// Fail on any finding
    Note,
    /// Never fail because of findings
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
#[command(after_help = "Prints a unified diff for `git apply` or `patch -p1`; all other bytes are unchanged.\n\
                  With --write, standard input is written to standard output.\n\
                  --select and --ignore choose which findings are fixed.\n\n\
                  Exit status: 0 nothing to fix, or all fixes written; 1 the diff is not empty;\n\
                  2 a file could not be read or written. Use `check` to validate the data.")]
pub struct FixArgs {
    /// Fix files in place
    #[arg(short, long)]
    pub write: bool,
    /// Also apply unsafe fixes, such as corrections of names and values that look misspelt
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
    /// Rule code or name (S104, wrong-format), or a file
    #[arg(value_name = "CODE|FILE")]
    pub subject: String,
    /// Format of the file
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// Location of the records
    #[arg(long, value_name = "PATH")]
    pub records: Option<String>,
    /// Encoding of the file
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Form of a handbook page
    #[arg(long, value_name = "NAME|FILE")]
    pub form: Option<String>,
    /// Schema: a file, `profile` for the bundled one, or `none`
    #[arg(long, value_name = "FILE|profile|none")]
    pub schema: Option<String>,
    /// Redact values of members that the schema marks with x-sensitive
    #[arg(long)]
    pub mask: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// `schema`
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Print the schema
    Show(SchemaArgs),
    /// Check the schema for mistakes
    Check(SchemaArgs),
    /// Print the schema's documentation as Markdown
    Docs(SchemaArgs),
    /// Print an XSD for the XML that convert writes
    Xsd(SchemaArgs),
    /// Print the members and types that the schema describes
    Shape(SchemaArgs),
    /// Check whether valid data stays valid after a schema change
    Diff(SchemaDiffArgs),
    /// Print the SQL of the tables that load creates
    Sql(SqlArgs),
}

/// The schema to use.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// Schema: a file, or `profile` for the bundled one
    #[arg(value_name = "SCHEMA", default_value = "profile")]
    pub schema: String,
    /// Directory of additional schemas
    #[arg(long, value_name = "DIR")]
    pub schema_dir: Vec<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// `schema diff`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Exit status: 0 compatible, 1 breaking or unknown, 2 the run failed.")]
pub struct SchemaDiffArgs {
    /// Old schema: a file, `profile` for the bundled one, or REV:PATH for a file at a git revision
    #[arg(value_name = "OLD")]
    pub old: String,
    /// New schema
    #[arg(value_name = "NEW")]
    pub new: String,
    /// Check whether data valid under NEW is valid under OLD
    #[arg(long)]
    pub forward: bool,
    /// Output format: text, markdown or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: String,
    /// Output file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A directory of more schemas, found by their $id or path, to which references may lead (repeatable)
    #[arg(long, value_name = "DIR")]
    pub schema_dir: Vec<PathBuf>,
    /// Do not check `format`
    #[arg(long)]
    pub no_format: bool,
    /// Also show changes to titles, descriptions and other annotations, which do not affect validity
    #[arg(short, long)]
    pub verbose: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// `schema sql`
#[derive(Clone, Debug, Args)]
pub struct SqlArgs {
    #[command(flatten)]
    pub schema: SchemaArgs,
    /// SQL dialect
    #[arg(long, value_name = "DATABASE")]
    pub dialect: Dialect,
    /// JSON pointer to a record's key [default: the schema's x-key]
    #[arg(long, value_name = "POINTER")]
    pub key: Option<String>,
    /// Collection name, used for the tables [default: the schema's x-record-name or title]
    #[arg(long, value_name = "NAME")]
    pub collection: Option<String>,
    /// Include the `_json` column of `load --keep-json`
    #[arg(long)]
    pub keep_json: bool,
}

/// An SQL dialect.
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
    /// Schema of every document [default: from chancery.toml; none for unclaimed files]
    #[arg(long, value_name = "FILE|profile|none")]
    pub schema: Option<String>,
    /// Use standard input and output (always the case)
    #[arg(long, hide = true)]
    pub stdio: bool,
}

/// `init`
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// Directory to set up
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
