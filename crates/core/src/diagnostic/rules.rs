//! The rule catalogue: one static per rule. A code is never used for a second meaning.
//!
//! The letter shows the source: I input, R read, N normalise, S schema, X across records, C config, command line and
//! schema files, W write and load, B baseline and suppressions. Each rule has a page in `docs/rules` with a bad and a
//! good example, which the tests run.

use super::Severity;

/// A rule: everything about a diagnostic except its location.
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
                page: include_str!(concat!("../../../../docs/rules/", $code, ".md")),
            };
        )*
        /// All rules, in order of code.
        pub static ALL: &[&Rule] = &[$(&$ident),*];
    };
}

rules! {
    BAD_BYTES "I101" "bad-bytes" Error "bytes that are invalid in the file's encoding"
    UNREADABLE "I102" "unreadable" Error "an input could not be read completely"
    UNKNOWN_FORMAT "I103" "unknown-format" Error "the format of an input cannot be determined"
    UNSUPPORTED_KIND "I104" "unsupported-kind" Error "a file of a kind that is not read, such as PDF or an image"
    WRONG_DECLARATION "I105" "wrong-declaration" Error "the encoding that an XML declaration names is unknown or contradicts the file"
    SYNTAX "R101" "syntax" Error "text that violates the syntax of the format"
    DUPLICATE_MEMBER "R102" "duplicate-member" Error "duplicate member of an object"
    TOO_DEEP "R103" "too-deep" Error "values are nested deeper than the limit"
    TOO_LARGE "R104" "too-large" Error "a record is larger than the limit"
    LONE_SURROGATE "R105" "lone-surrogate" Error "an escape with an unpaired surrogate"
    NO_RECORDS "R106" "no-records" Error "the location of the records does not exist or holds none"
    OUTSIDE_RECORDS "R107" "outside-records" Note "parts of the file outside the records were skipped"
    DUPLICATE_COLUMN "R110" "duplicate-column" Error "two columns of a table have the same name"
    LONG_ROW "R111" "long-row" Error "a row has more cells than the table has columns"
    SHORT_ROW "R112" "short-row" Warning "a row has fewer cells than the table has columns"
    UNNAMED_COLUMN "R113" "unnamed-column" Note "a column of a table has no name"
    CONFLICTING_COLUMNS "R114" "conflicting-columns" Error "two columns of a row have values for the same member"
    STRAY_QUOTE "R115" "stray-quote" Warning "a quote in a cell where RFC 4180 does not allow one"
    UNTERMINATED_QUOTE "R116" "unterminated-quote" Error "a quoted cell is not closed before the file ends"
    ORPHAN_ROW "R117" "orphan-row" Error "a row of a child table belongs to no row of its parent table"
    BAD_PACKAGE "R118" "bad-package" Error "the description of a package of tables cannot be used"
    DOCTYPE "R120" "doctype" Error "a document type declaration with declarations"
    MIXED_CONTENT "R121" "mixed-content" Error "text among elements"
    DROPPED_MARKUP "R122" "dropped-markup" Note "comments and processing instructions were skipped"
    BAD_MARK "R123" "bad-mark" Error "an unknown marker of chancery's XML layout"
    NO_NUMBER "R140" "no-number" Error "infinity, not-a-number, or a number too long to convert to decimal"
    BAD_TAG "R141" "bad-tag" Error "a YAML tag that is unknown or does not fit its value"
    COMPLEX_KEY "R142" "complex-key" Error "a collection is used as a member name"
    BAD_ALIAS "R143" "bad-alias" Error "an alias to an unknown anchor, or to a collection that contains it"
    MERGE_KEY "R144" "merge-key" Warning "a merge key is read as a member named <<"
    ALIAS_BUDGET "R145" "alias-budget" Error "aliases expand to more values than the limit"
    READ_FROM_PROSE "R160" "read-from-prose" Note "a value was derived from running text and needs confirmation"
    UNKNOWN_LABEL "R161" "unknown-label" Warning "a page has a label that its form does not define"
    UNREAD_TEXT "R162" "unread-text" Warning "text of a page that fits no member was skipped"
    GUARDED_EMAIL "R163" "guarded-email" Error "an obfuscated e-mail address"
    MISSING_NOTES "R164" "missing-notes" Warning "a page refers to notes that it does not contain"
    PAGE_SEAM "R165" "page-seam" Note "text split by a page break was joined"
    PAGE_FURNITURE "R166" "page-furniture" Note "a page number or running header was skipped"
    NO_LABELS "R167" "no-labels" Warning "a page has none of the labels of its form"
    MISCOUNTED "R168" "miscounted" Warning "a page counts more or fewer entries than it lists"
    UNREAD_DATE "R169" "unread-date" Warning "a date on a page is no year, month or day"
    EMPTY_FIELD "R170" "empty-field" Note "a label of a page has no text"
    NOTE_GAP "R171" "note-gap" Warning "the note marks of a page skip a number"
    BAD_FORM "R180" "bad-form" Error "a description of a page's form cannot be used"
    MANY_FINDINGS "R190" "many-findings" Error "a record has more findings than are listed"
    STATED_NONE "R200" "stated-none" Note "a page says that there is no value under a label"
    LABEL_IN_TEXT "R201" "label-in-text" Error "a label of a page's form stands in its running text"
    SUGGESTED_VALUE "R202" "suggested-value" Note "running text probably states a value, which is not written"
    TITLE_TAIL "R203" "title-tail" Note "words after a name in a page's title were left out of the name"
    SEVERAL_SEATS "R204" "several-seats" Warning "a page names more than one seat"
    LOW_COVERAGE "R205" "low-coverage" Warning "less than half of what a page states reached the record's members"
    LITTLE_READ "R206" "little-read" Error "almost nothing of what a page states reached the record's members"
    COUNTRY_SUPPLIED "R207" "country-supplied" Note "the country of an address was supplied by the form of its town"
    BAD_DOCUMENT "R208" "bad-document" Error "a Word document cannot be read"
    TEXT_FORM "N101" "text-form" Note "text was normalised to Unicode NFC, LF line endings and no surrounding white space"
    TELEPHONE_FORM "N102" "telephone-form" Note "a telephone or fax number was normalised to E.164"
    URL_FORM "N103" "url-form" Note "a web address was normalised: scheme added or host in lower case"
    EMAIL_FORM "N104" "email-form" Note "an e-mail address was cleaned up"
    DATE_FORM "N105" "date-form" Note "a date was normalised to ISO 8601"
    COUNTRY_FORM "N106" "country-form" Note "a country code was supplied or normalised to two capital letters"
    ENUM_FORM "N107" "enum-form" Note "a value of an enumeration was normalised to its declared spelling"
    DEFAULT_FILLED "N109" "default-filled" Note "a missing member was filled in with the schema's default"
    DATE_ORDER "N110" "date-order" Note "a date was left as it is, since the order of day and month is not known"
    SEVERAL_TELEPHONES "N111" "several-telephones" Warning "a value holds more than one telephone number and was left as it is"
    MISSING_MEMBER "S101" "missing-member" Error "a required member is missing"
    UNKNOWN_MEMBER "S102" "unknown-member" Error "a member that the schema does not allow"
    WRONG_TYPE "S103" "wrong-type" Error "a value of a type that the schema does not allow"
    WRONG_FORMAT "S104" "wrong-format" Error "a string that does not match the format in the schema"
    WRONG_PATTERN "S105" "wrong-pattern" Error "a string that does not match the pattern in the schema"
    NOT_IN_ENUM "S106" "not-in-enum" Error "a value that is not one of those that the schema lists"
    OUT_OF_RANGE "S107" "out-of-range" Error "a number beyond the limits of the schema"
    WRONG_LENGTH "S108" "wrong-length" Error "a string that is shorter or longer than the schema allows"
    WRONG_COUNT "S109" "wrong-count" Error "fewer or more items or members than the schema allows"
    NOT_UNIQUE "S110" "not-unique" Error "an array with a duplicate item"
    NO_BRANCH "S111" "no-branch" Error "a value that matches none of the alternatives in the schema"
    MANY_BRANCHES "S112" "many-branches" Error "a value that matches several alternatives of oneOf"
    FORBIDDEN "S113" "forbidden" Error "a value that the schema excludes"
    WRONG_NAME "S114" "wrong-name" Error "a member whose name the schema does not allow"
    WRONG_ITEMS "S115" "wrong-items" Error "items that the schema does not allow"
    WRONG_CONTENT "S116" "wrong-content" Error "a string without the encoded content that the schema requires"
    DEPRECATED "S117" "deprecated" Warning "a member that the schema marks as deprecated"
    BEYOND_LIMITS "S118" "beyond-limits" Error "a schema keyword that is too expensive to check"
    UNKNOWN_MISSION "S130" "unknown-mission" Warning "a mandate of a mission of the United Nations that is not known"
    MISSION_ENDED "S131" "mission-ended" Warning "a mandate that starts after its mission ended"
    HOST_MISMATCH "S132" "host-mismatch" Warning "a mandate with a host country in which its mission was not"
    DUPLICATE_KEY "X101" "duplicate-key" Error "two records have the same key"
    DANGLING_REFERENCE "X102" "dangling-reference" Warning "a reference to a record that was not read"
    MISSING_KEY "X103" "missing-key" Error "a part of a record's key is missing or null"
    WRONG_KEY_TYPE "X104" "wrong-key-type" Error "a key or a reference is neither a string nor a number"
    START_AFTER_END "X120" "start-after-end" Error "an end before its start"
    IMPOSSIBLE_DATE "X121" "impossible-date" Error "a date that does not exist"
    MISSING_ENTRY "X122" "missing-entry" Warning "a mark refers to an entry that is not in the record"
    UNUSED_ENTRY "X123" "unused-entry" Note "an entry that nothing refers to"
    UNKNOWN_COUNTRY "X124" "unknown-country" Error "a country code that is not in ISO 3166-1"
    COUNTRY_MISMATCH "X125" "country-mismatch" Warning "a country code and a country name do not match"
    TELEPHONE_COUNTRY "X126" "telephone-country" Note "a telephone number belongs to another country than the record's addresses"
    REPEATED_ENTRY "X127" "repeated-entry" Warning "a list has a duplicate entry"
    REFERS_TO_ITSELF "X128" "refers-to-itself" Error "a record is named as its own parent or member"
    ACRONYM_MISMATCH "X129" "acronym-mismatch" Note "the letters of an acronym are not found in the name"
    UNKNOWN_RULE "C101" "unknown-rule" Error "the config names a rule that does not exist"
    BAD_PATTERN "C102" "bad-pattern" Error "the config has an invalid file name pattern"
    INVALID_SCHEMA "C110" "invalid-schema" Error "the schema is invalid in its draft"
    UNRESOLVED_REFERENCE "C111" "unresolved-reference" Error "a reference in the schema cannot be resolved"
    UNSUPPORTED_DRAFT "C112" "unsupported-draft" Error "the schema is written for a draft that is not supported"
    TOO_MANY_WAYS "C113" "too-many-ways" Error "the schema applies its subschemas to one value in more ways than the limit"
    REFERENCE_OUTSIDE "C114" "reference-outside" Error "a reference in the schema leads to a file that may not be read"
    NOT_A_SCHEMA "C115" "not-a-schema" Error "the file that is named as the schema is something else"
    MISSPELT_KEYWORD "C116" "misspelt-keyword" Warning "a keyword of the schema that is unknown and resembles a known one"
    OTHER_DRAFT "C117" "other-draft" Warning "a keyword of the schema that its draft does not have"
    MISSPELT_FORMAT "C118" "misspelt-format" Warning "a format in the schema that is unknown and resembles a known one"
    REJECTS_NOTHING "C119" "rejects-nothing" Warning "the schema accepts every value"
    BAD_OPERAND "C120" "bad-operand" Error "an annotation of the schema has an operand of the wrong form"
    NO_DRAFT "C121" "no-draft" Warning "the schema does not name its draft"
    DEAD_BRANCH "C122" "dead-branch" Warning "a branch of the schema that no value can match"
    UNKNOWN_ANNOTATION "C130" "unknown-annotation" Warning "the schema names an unknown normalisation or check"
    UNKNOWN_COLLECTION "C140" "unknown-collection" Error "a reference to records that are not read in this run"
    BAD_KEY_OPERAND "C141" "bad-key-operand" Error "x-key or x-references has an invalid value"
    UNCHECKED_KEY "C142" "unchecked-key" Error "x-key or x-references is where it has no effect"
    NO_KEY "C143" "no-key" Error "a reference to records without a key"
    UNCLAIMED_FILE "C144" "unclaimed-file" Note "no source in the config claims a file, so only its syntax is checked"
    WOULD_LOSE_VALUES "W130" "would-lose-values" Error "the schema no longer covers values in a database"
    WOULD_NARROW "W131" "would-narrow" Error "a column of a database would get a type that does not fit its values"
    TABLE_TAKEN "W132" "table-taken" Error "a table or file of that name exists that was not created by a load"
    KEY_PRESENT "W133" "key-present" Error "a record to be added already exists"
    KEY_CHANGED "W134" "key-changed" Error "the key of a database differs from the schema's key"
    INCOMPLETE_REPLACE "W135" "incomplete-replace" Error "records would be removed although inputs could not be read completely"
    EDITED_BY_HAND "W136" "edited-by-hand" Note "a value or record of a database was changed after it was loaded"
    DAMAGED_RECORD "W137" "damaged-record" Error "a stored record does not match its checksum, and nobody has edited the database"
    NOT_COMPARED "W138" "not-compared" Warning "a stored record cannot be compared with its checksum, because its tables were migrated"
    NOT_REPRESENTABLE "W140" "not-representable" Error "the output format cannot hold a record"
    STALE_BASELINE "B101" "stale-baseline" Warning "a baseline entry expects more findings than there are"
    UNUSED_SUPPRESSION "B102" "unused-suppression" Warning "an unused suppression"
    BAD_SUPPRESSION "B103" "bad-suppression" Warning "a suppression without a rule, or with an unknown rule"
}

/// The rule of that code or name.
#[must_use]
pub fn find(code_or_name: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.code.eq_ignore_ascii_case(code_or_name) || rule.name == code_or_name).copied()
}
