//! The catalogue: one static a rule. A code is never used for a second meaning.
//!
//! The letter tells who speaks: I input, R read, N normalise, S schema, X across records, C config, command line and
//! schema files, W write and load, B baseline and suppressions. Each rule has a page in `docs/rules` with its bad and
//! good example, both of which are run by the tests.

use super::Severity;

/// A rule: what a diagnostic says, apart from where.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Letter and number, such as `S104`.
    pub code: &'static str,
    /// Name in kebab case, such as `wrong-format`.
    pub name: &'static str,
    /// Severity unless config says otherwise.
    pub severity: Severity,
    /// One line for lists.
    pub summary: &'static str,
    /// The whole page in Markdown.
    pub page: &'static str,
}

macro_rules! rules {
    ($($ident:ident $code:literal $name:literal $severity:ident $summary:literal)*) => {
        $(
            #[doc = $summary]
            pub static $ident: Rule = Rule {
                code: $code,
                name: $name,
                severity: Severity::$severity,
                summary: $summary,
                page: include_str!(concat!("../../docs/rules/", $code, ".md")),
            };
        )*
        /// Every rule, in order of code.
        pub static ALL: &[&Rule] = &[$(&$ident),*];
    };
}

rules! {
    BAD_BYTES "I101" "bad-bytes" Error "bytes that are not text in the file's encoding"
    UNREADABLE "I102" "unreadable" Error "an input could not be read to its end"
    MIXED_LINE_ENDS "I104" "mixed-line-ends" Advice "some lines end in CRLF and some in LF"
    SYNTAX "R101" "syntax" Error "text that the format's grammar does not allow"
    DUPLICATE_MEMBER "R102" "duplicate-member" Error "an object has two members of the same name"
    TOO_DEEP "R103" "too-deep" Error "values are nested deeper than the limit"
    TOO_LARGE "R104" "too-large" Error "a record is larger than the limit"
    LONE_SURROGATE "R105" "lone-surrogate" Error "an escape names half of a character"
    NO_RECORDS "R106" "no-records" Error "the place where the records should be does not exist or holds none"
    OUTSIDE_RECORDS "R107" "outside-records" Advice "parts of the file lie outside the records and were left out"
    INVALID_SCHEMA "C110" "invalid-schema" Error "the schema breaks the rules of its own draft"
    UNRESOLVED_REFERENCE "C111" "unresolved-reference" Error "a reference in the schema leads nowhere"
    UNSUPPORTED_DRAFT "C112" "unsupported-draft" Error "the schema is written for a draft that is not supported"
}

/// The rule of that code or name.
#[must_use]
pub fn find(code_or_name: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.code.eq_ignore_ascii_case(code_or_name) || rule.name == code_or_name).copied()
}
