//! Flags as settings that take precedence over the config.

use super::CliError;
use super::args::{Cells, CommonArgs, FailOn, InputArgs, OnInvalid, Unclaimed, WriteBaseline};
use chancery_check as check;
use chancery_core::diagnostic::Severity;
use chancery_engine::pipeline::baseline::Update;
use chancery_engine::project::settings::{self, DialectOverrides, InputOverrides};
use chancery_engine::project::{Overrides, ResolvedSettings};
use chancery_formats::read::{Format, csv};

/// The settings that these flags make.
pub fn overrides(common: &CommonArgs, input: &InputArgs) -> Result<Overrides, CliError> {
    Ok(Overrides {
        config: common.config.clone(),
        no_config: common.no_config,
        input: inputs(input)?,
        schema: common.schema.clone(),
        schema_dir: common.schema_dir.clone(),
        key: common.key.clone(),
        no_normalise: common.no_normalise,
        no_format: common.no_format,
        defaults: common.defaults,
        complete: common.complete,
        strict: common.strict,
        jobs: common.jobs,
        fail_on: common.fail_on.map(|severity| match severity {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Note => Some(Severity::Note),
            FailOn::Never => None,
        }),
        select: common.select.clone(),
        ignore: common.ignore.clone(),
        baseline: common.baseline.clone(),
        write_baseline: common.write_baseline.map(|how| match how {
            WriteBaseline::Shrink => Update::Shrink,
            WriteBaseline::All => Update::Accept,
        }),
        changed_since: common.changed_since.clone(),
        mask: common.mask,
        unchecked: common.unchecked,
    })
}

fn inputs(input: &InputArgs) -> Result<InputOverrides, CliError> {
    let one = |what: &str, text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(CliError::usage(format!("{what} is one ASCII character, found {text:?}"))),
    };
    Ok(InputOverrides {
        paths: input.paths.clone(),
        revisions: input.revisions,
        from: input.from.as_deref().map(format).transpose()?,
        records: input.records.clone(),
        encoding: input.encoding.clone(),
        csv: DialectOverrides {
            delimiter: match input.delimiter.as_deref() {
                Some("tab" | "\\t") => Some(b'\t'),
                Some(text) => Some(one("a delimiter", text)?),
                None => None,
            },
            no_header: input.no_header,
            comment: input.comment.as_deref().map(|text| one("a comment's beginning", text)).transpose()?,
            null_words: input.null_words.clone(),
            list_separator: input.list_separator.clone(),
            cells: input.cells.map(|cells| match cells {
                Cells::Text => csv::Cells::Text,
                Cells::Typed => csv::Cells::default(),
            }),
        },
        form: input.form.clone(),
        unclaimed: match input.unclaimed.unwrap_or_default() {
            Unclaimed::Check => settings::Unclaimed::Check,
            Unclaimed::Skip => settings::Unclaimed::Skip,
            Unclaimed::Error => settings::Unclaimed::Error,
        },
        max_record_bytes: input.max_record_bytes,
        max_depth: input.max_depth,
    })
}

fn format(name: &str) -> Result<Format, CliError> {
    Format::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        CliError::usage(format!("{name} cannot be read; formats are {}", names.join(", ")))
    })
}

/// How to handle invalid records: the flag, the config, or `default`.
pub fn on_invalid(flag: Option<OnInvalid>, settings: &ResolvedSettings, default: check::OnInvalid) -> check::OnInvalid {
    match flag {
        Some(OnInvalid::Stop) => check::OnInvalid::Stop,
        Some(OnInvalid::Skip) => check::OnInvalid::Skip,
        Some(OnInvalid::Keep) => check::OnInvalid::Keep,
        None => settings.on_invalid.unwrap_or(default),
    }
}
