//! Fixing files from outside: bytes outside the edits are unchanged, the diff can be applied, and a second run changes
//! nothing.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{self, folder, repository, run, run_with};
use crate::support;

/// The places of the edits that were dropped, as warnings name them, each with the code of its finding.
fn dropped(err: &str) -> Vec<String> {
    let edits = err.lines().filter_map(|line| line.strip_prefix("warning: ")?.split_once(": the edit for "));
    edits.map(|(at, rest)| format!("{at} {}", rest.split(' ').next().unwrap_or_default())).collect()
}

/// Everything that an edit can be about, in a small schema.
pub const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object", "additionalProperties": false, "x-key": "/id",
  "properties": {
    "id": {"type": "string"},
    "count": {"type": "integer", "minimum": 0},
    "zip": {"type": "string"},
    "ok": {"type": "boolean"},
    "note": {"type": "string", "x-normalise": "text"},
    "mail": {"type": "string", "x-normalise": ["text", "email"]},
    "kind": {"enum": ["red", "dark_blue"], "x-normalise": "enum"},
    "since": {"type": "string", "x-normalise": "date"},
    "tel": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "number": {"type": "string", "x-normalise": ["text", {"pass": "telephone", "printed": "display", "extension": "ext"}]},
        "display": {"type": "string"},
        "ext": {"type": "string"}
      }
    },
    "seat": {
      "type": "object",
      "properties": {"country": {"type": "string"}, "code": {"x-normalise": {"pass": "country", "from": "country"}}}
    },
    "tags": {"type": "array", "uniqueItems": true, "items": {"type": "string", "x-normalise": "text"}},
    "size": {"type": "number", "default": 1.5}
  }
}"#;

/// The same schema for records that have no key.
fn without_key() -> String {
    SCHEMA.replace(", \"x-key\": \"/id\"", "")
}

fn read(home: &Path, name: &str) -> String {
    String::from_utf8(fs::read(home.join(name)).expect("it is there")).expect("it is text")
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Fixes a file of that name in each way there is, and holds the result against what is expected.
#[track_caller]
fn check(name: &str, text: &str, flags: &[&str], expected: &str) {
    let home = repository(&[(name, text), ("s.json", SCHEMA)]);
    let with = |words: &[&'static str]| -> Vec<String> {
        words.iter().chain(["--schema", "s.json"].iter()).chain(flags).map(|word| (*word).to_owned()).chain([name.to_owned()]).collect()
    };
    let go = |words: &[&'static str]| {
        let words = with(words);
        run(home.path(), &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let shown = go(&["fix"]);
    assert_eq!(shown.status, 1, "{}", shown.err);
    assert_eq!(read(home.path(), name), text, "a diff changes nothing");
    let errors = |report: &str| lines(report).into_iter().filter(|line| line.contains("error[")).collect::<Vec<_>>();
    let before = errors(&go(&["check"]).out);

    // What is shown is what git and patch make of it.
    for (program, words) in [("git", &["apply", "-"][..]), ("patch", &["-p1", "--quiet"])] {
        let mut child = match Command::new(program)
            .args(words)
            .current_dir(home.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .stdin(Stdio::piped())
            .spawn()
        {
            Ok(child) => child,
            Err(error) => {
                support::skip(program, error);
                continue;
            }
        };
        std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), shown.out.as_bytes()).expect("it reads");
        assert!(child.wait().expect("it ends").success(), "{program} takes it:\n{}", shown.out);
        assert_eq!(read(home.path(), name), expected, "by {program}");
        fs::write(home.path().join(name), text).expect("it can be written");
    }

    let written = go(&["fix", "--write"]);
    assert_eq!((written.status, written.out.as_str()), (0, ""), "{}", written.err);
    assert_eq!(read(home.path(), name), expected);
    let again = go(&["fix"]);
    assert_eq!((again.status, again.out.as_str()), (0, ""), "nothing is left: {}", again.err);
    let again = go(&["fix", "--write"]);
    assert_eq!((again.status, read(home.path(), name).as_str()), (0, expected));
    let after = errors(&go(&["check"]).out);
    assert!(after.len() <= before.len(), "{before:?} became {after:?}");

    // The same by way of standard input.
    let format = name.rsplit('.').next().expect("it has an extension");
    let mut words = vec!["fix", "--write", "--quiet", "--schema", "s.json", "--from", format];
    words.extend(flags);
    words.push("-");
    let piped = run_with(home.path(), &words, text.as_bytes());
    assert_eq!((piped.status, piped.out.as_str(), piped.err.as_str()), (0, expected, ""));
}

#[test]
fn json_keeps_its_blanks_line_ends_and_mark() {
    check(
        "a.json",
        "\u{feff}{\"id\":\"a\",\"count\":\"12\",\r\n\t\"zip\":1000, \"ok\":\"true\",\"note\":\"\\u0020x\\n\",\r\n \"mail\" : \"<x@EX.org>\"\r\n,\
         \"tel\":{ \"number\":\"+41 44 668 18 00 ext. 5\" }, \"tags\":[\" x \", \"y\"],\"since\": 1948,\r\n \"kind\":\"Dark Blue\"}",
        &[],
        "\u{feff}{\"id\":\"a\",\"count\":12,\r\n\t\"zip\":\"1000\", \"ok\":true,\"note\":\"x\",\r\n \"mail\" : \"x@ex.org\"\r\n,\
         \"tel\":{ \"number\":\"+41446681800\", \"display\":\"+41 44 668 18 00 ext. 5\", \"ext\":\"5\" }, \"tags\":[\"x\", \"y\"],\"since\": \"1948\",\r\n \"kind\":\"dark_blue\"}",
    );
}

#[test]
fn json_members_are_added_named_and_taken_out() {
    check(
        "a.json",
        "[\n  {\n    \"id\": \"a\",\n    \"seat\": {\n      \"country\": \"Kenya\"\n    }\n  },\n  {\"id\":\"b\",\"seat\":{\"country\":\"Kenya\"}},\n  \
         {\"id\": \"c\", \"seat\": {\"country\": \"Kenya\"}},\n  {\"id\": \"d\", \"zip\": \"1\", \"zip\": \"1\",\n   \"tags\": [\"x\", \"y\",\n   \"x\"], \"knid\": \"red\"}\n]\n",
        &["--unsafe"],
        "[\n  {\n    \"id\": \"a\",\n    \"seat\": {\n      \"country\": \"Kenya\",\n      \"code\": \"KE\"\n    }\n  },\n  {\"id\":\"b\",\"seat\":{\"country\":\"Kenya\",\"code\":\"KE\"}},\n  \
         {\"id\": \"c\", \"seat\": {\"country\": \"Kenya\", \"code\": \"KE\"}},\n  {\"id\": \"d\", \"zip\": \"1\",\n   \"tags\": [\"x\", \"y\"], \"kind\": \"red\"}\n]\n",
    );
    check("a.json", "{\"id\": \"a\", \"zip\": \"1\"}", &["--defaults"], "{\"id\": \"a\", \"zip\": \"1\", \"size\": 1.5}");
}

#[test]
fn ndjson_is_fixed_line_by_line() {
    check(
        "a.ndjson",
        "{\"id\":\"a\",\"count\":\"1\"}\n\n{\"id\":\"b\",\"count\":}\r\n{\"id\":\"c\", \"count\": \"2\"}",
        &[],
        "{\"id\":\"a\",\"count\":1}\n\n{\"id\":\"b\",\"count\":}\r\n{\"id\":\"c\", \"count\": 2}",
    );
}

#[test]
fn yaml_keeps_comments_styles_anchors_and_blocks() {
    check(
        "a.yaml",
        r#"# top
id: a   # the id
count: "12"     # why
zip: 1000
note: |
   A note
   of lines.

mail: '  <x@EX.org>'
kind:   Dark Blue
tel: {number: "+41 44 668 18 00 ext. 5" , } # flow
tags:
- &t " x "
-   *t
- >+ # folded
  folded
  text

- plain
   over lines  
- >-
  kept
  as it is
---
# second
id: b
tel:
    number: +41 44 668 18 00   # c
since: !!str 4 August 1963
ok: 'true'
---
- not an object
"#,
        &[],
        r#"# top
id: a   # the id
count: 12     # why
zip: "1000"
note: |-
   A note
   of lines.

mail: 'x@ex.org'
kind:   dark_blue
tel: {number: "+41446681800", display: "+41 44 668 18 00 ext. 5", ext: "5" , } # flow
tags:
- &t "x"
-   *t
- >- # folded
  folded
  text

- plain
   over lines  
- >-
  kept
  as it is
---
# second
id: b
tel:
    number: "+41446681800"   # c
    display: "+41 44 668 18 00"
since: !!str "1963-08-04"
ok: true
---
- not an object
"#,
    );
    // Blanks at the end of a block are text.
    check("a.yaml", "id: a\nnote: |-\n  x  \ntags:\n- |\n    y \n\n", &[], "id: a\nnote: |-\n  x\ntags:\n- |-\n    y\n\n");
    // Without a last line end, and with line ends of two characters.
    check("a.yaml", "id: a\r\nseat:\r\n  country: Kenya", &[], "id: a\r\nseat:\r\n  country: Kenya\r\n  code: KE");
}

#[test]
fn yaml_names_and_numbers_that_are_guessed() {
    check(
        "a.yaml",
        "'knid': red # why\nzip: 007\ntags: [x, y, x]\n? cuont\n: 5\n",
        &["--unsafe"],
        "'kind': red # why\nzip: \"007\"\ntags: [x, y]\n? count\n: 5\n",
    );
}

#[test]
fn csv_keeps_quotes_line_ends_and_delimiter() {
    // The line end inside a cell is text, which has LF in normal form.
    check(
        "a.csv",
        "id;count;note;mail;tel/number;tel/display;tel/ext;tags/0;tags/0;knid\r\n\
         a;\"12\";\" multi\r\nline \";<x@EX.org>;+41 44 668 18 00 ext. 5;;;\" x \";;red\r\n\
         b;3;5\" pipe;\"<\"\"y\"\"@EX.org>\";;;;;;\r\n\
         c;3;x;y@ex.org\r\nd;3;x;y@ex.org;;;;;;;;\r\ne;3",
        &["--unsafe"],
        "id;count;note;mail;tel/number;tel/display;tel/ext;tags/0;tags/0;kind\r\n\
         a;\"12\";\"multi\nline\";x@ex.org;+41446681800;+41 44 668 18 00 ext. 5;\"5\";\"x\";;red\r\n\
         b;3;\"5\"\" pipe\";\"\"\"y\"\"@ex.org\";;;;;;\r\n\
         c;3;x;y@ex.org;;;;;;\r\nd;3;x;y@ex.org;;;;;;\r\ne;3;;;;;;;;",
    );
    // Every cell quoted, by a program that does so; tabs.
    check("a.csv", "\"id\",\"mail\"\n\"a\",\"<x@EX.org>\"\n", &[], "\"id\",\"mail\"\n\"a\",\"x@ex.org\"\n");
    check("a.tsv", "id\tseat/country\tseat/code\na\tKenya\t\n", &[], "id\tseat/country\tseat/code\na\tKenya\tKE\n");
}

#[test]
fn a_column_is_named_once_for_all_rows() {
    let rows: String = (0..2000).map(|row| format!("r{row},{}\n", if row % 3 == 0 { "" } else { "red" })).collect();
    check("a.csv", &format!("id,knid\n{rows}"), &["--unsafe"], &format!("id,kind\n{rows}"));
    // Not where that would make two columns of one name, though some row has no such member.
    let home = folder(&[("s.json", SCHEMA), ("a.csv", "id,knid,kind\na,red,\nb,,red\n")]);
    let ran = run(home.path(), &["fix", "--unsafe", "--schema", "s.json", "a.csv"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, ""));
    assert_eq!(dropped(&ran.err), ["a.csv:1:4 S102"], "{}", ran.err);
}

#[test]
fn xml_keeps_attributes_entities_cdata_and_comments() {
    check(
        "a.xml",
        r#"<?xml version="1.0"?>
<!-- c -->
<rs>
 <r id='a' mail=" &lt;x@EX.org&gt; " kind = 'Dark Blue'>
   <count> 12 </count><!-- c -->
   <note><![CDATA[ <b> & ]]></note>
   <zip  >a</zip
   >
   <tel>
     <number>+41 44 668 18 00 ext. 5</number>
   </tel>
   <tags> x &amp; y </tags><tags>z<!-- c --> </tags>
   <seat country="Kenya"/>
 </r>
</rs>
"#,
        &[],
        r#"<?xml version="1.0"?>
<!-- c -->
<rs>
 <r id='a' mail="x@ex.org" kind = 'dark_blue'>
   <count> 12 </count><!-- c -->
   <note><![CDATA[<b> &]]></note>
   <zip  >a</zip
   >
   <tel>
     <number>+41446681800</number>
     <display>+41 44 668 18 00 ext. 5</display>
     <ext>5</ext>
   </tel>
   <tags>x &amp; y</tags><tags>z<!-- c --> </tags>
   <seat country="Kenya" code="KE"/>
 </r>
</rs>
"#,
    );
}

#[test]
fn xml_of_our_own_keeps_its_marks() {
    let text = |diagnostic: &str, tel: &str, item: &str, name: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records xmlns:c=\"urn:chancery:1\" c:version=\"1\">\n  <record>\n    <zip c:type=\"number\">5</zip>\n    \
             <note>{diagnostic}</note>\n    <tel><number>{tel}</tel>\n    <tags><item>{item}</item></tags>\n    <c:member name=\"{name}\">red</c:member>\n  </record>\n</records>\n"
        )
    };
    check(
        "a.xml",
        &text(" a &amp; \\u0041 b ", "+41 44 668 18 00</number>", " x ", "knid"),
        &["--unsafe"],
        &text("a &amp; A b", "+41446681800</number><display>+41 44 668 18 00</display>", "x", "kind"),
    );
}

#[test]
fn xml_names_change_in_both_tags() {
    check(
        "a.xml",
        "<rs><r><id>a</id><knid\n >red</knid ><tle><number>+41446681800</number></tle></r><r id='b' knid=\"red\"/></rs>",
        &["--unsafe"],
        "<rs><r><id>a</id><kind\n >red</kind ><tel><number>+41446681800</number></tel></r><r id='b' kind=\"red\"/></rs>",
    );
}

#[test]
fn toml_keeps_comments_and_quotes() {
    check(
        "a.toml",
        "id = \"a\" # c\ncount = '12'\nzip = 1_000\nnote = \"\"\"\n many\nlines \"\"\"\nmail = '<x@EX.org>'\nknid = \"red\"\nok = \"false\"\n\
         seat = { country = 'Kenya' }\n[tel] # t\n  number = \"+41 44 668 18 00 ext. 5\" # c\n",
        &["--unsafe"],
        "id = \"a\" # c\ncount = 12\nzip = \"1_000\"\nnote = \"\"\"\nmany\nlines\"\"\"\nmail = 'x@ex.org'\nkind = \"red\"\nok = false\n\
         seat = { country = 'Kenya', code = \"KE\" }\n[tel] # t\n  number = \"+41446681800\" # c\n  display = \"+41 44 668 18 00 ext. 5\"\n  ext = \"5\"\n",
    );
}

#[test]
fn pages_are_fixed_where_a_value_stands_by_itself() {
    let page = "Office of Examples (OEX)\n\nLocation: Nairobi, Kenya\n\nTelephone: 020 762 1234\n\nEmail: info@Example.org\n";
    let home = folder(&[("page.txt", page)]);
    let ran = run(home.path(), &["fix", "--write", "page.txt"]);
    assert_eq!((ran.status, read(home.path(), "page.txt")), (0, page.replace("Example.org", "example.org")), "{}", ran.err);
    // A page has no place for the number as printed.
    assert_eq!(ran.err, "1 fix in 1 file; 1 more with --unsafe\n");
}

#[test]
fn tables_of_a_package_are_fixed_each_in_its_file() {
    let record = r#"[
      {"id": "a", "name": "A", "telephones": [{"number": "+41446681800"}, {"number": "+41446681801", "display": "D"}], "emails": ["a@example.org"]},
      {"id": "b", "name": "B", "telephones": [{"number": "+41446681802", "display": "E"}]}
    ]"#;
    let home = folder(&[("a.json", record)]);
    assert_eq!(run(home.path(), &["convert", "a.json", "--to", "csv", "-o", "tables/"]).status, 0);
    let (root, child) = ("tables/profiles.csv", "tables/profiles-telephones.csv");
    assert_eq!(read(home.path(), child), "_parent,_position,number,display\n1,0,+41446681800,\n1,1,+41446681801,D\n2,0,+41446681802,E\n");
    let broken = "_parent,_position,nubmer,display\n1,0,+41 44 668 18 00,\n1,1,+41446681801,D\n2,0,0041 44 668 18 02,E\n";
    fs::write(home.path().join(child), broken).expect("it can be written");
    let text = read(home.path(), root).replace("a@example.org", "a@Example.org");
    fs::write(home.path().join(root), &text).expect("it can be written");
    let ran = run(home.path(), &["fix", "--unsafe", "tables"]);
    assert_eq!(ran.status, 1, "{}", ran.err);
    assert_eq!(
        ran.out,
        "--- a/tables/profiles.csv\n+++ b/tables/profiles.csv\n@@ -1,3 +1,3 @@\n _row,id,name,emails/0\n-1,a,A,a@Example.org\n+1,a,A,a@example.org\n 2,b,B,\n\
         --- a/tables/profiles-telephones.csv\n+++ b/tables/profiles-telephones.csv\n@@ -1,4 +1,4 @@\n\
         -_parent,_position,nubmer,display\n+_parent,_position,number,display\n\
         -1,0,+41 44 668 18 00,\n+1,0,+41446681800,+41 44 668 18 00\n 1,1,+41446681801,D\n\
         -2,0,0041 44 668 18 02,E\n+2,0,+41446681802,E\n"
    );
    assert_eq!(run(home.path(), &["fix", "--unsafe", "--write", "tables"]).status, 0);
    assert_eq!(run(home.path(), &["fix", "--unsafe", "tables"]).out, "");
    assert_eq!(run(home.path(), &["check", "tables"]).status, 0);
}

#[test]
fn select_and_ignore_state_what_is_fixed() {
    let text = "{\"id\": \"a\", \"count\": \"1\", \"note\": \" x \", \"kind\": \"Red\", \"knid\": 1}";
    let home = folder(&[("s.json", SCHEMA), ("a.json", text)]);
    let fixed = |flags: &[&str]| {
        let mut words = vec!["fix", "--schema", "s.json", "--write", "--from", "json", "--quiet"];
        words.extend(flags);
        words.push("-");
        run_with(home.path(), &words, text.as_bytes()).out
    };
    assert_eq!(fixed(&["--select", "N"]), text.replace(" x ", "x").replace("Red", "red"));
    assert_eq!(fixed(&["--ignore", "N,wrong-type"]), text);
    assert_eq!(fixed(&["--ignore", "text-form"]), text.replace("\"1\"", "1").replace("Red", "red"));
    assert_eq!(fixed(&["--no-normalise"]), text.replace("\"1\"", "1"));
}

#[test]
fn what_would_do_harm_is_left_out() {
    let home = folder(&[
        ("s.json", SCHEMA),
        // Out of range once it is a number; the other edit of the record is made.
        ("range.json", "{\"id\": \"a\", \"count\": \"-1\", \"note\": \" x\"}"),
        // The name would be there twice, so only one of the two gets it.
        ("names.json", "{\"id\": \"b\", \"knid\": \"red\", \"kidn\": \"red\"}"),
        // What an alias stands for changes in a place where it is no text to be brought to a form.
        ("alias.yaml", "id: c\nnote: &x ' y '\nzip: *x\n"),
        // Another record has that key, in another file.
        ("key.json", "{\"idd\": \"a\"}"),
        ("keys.ndjson", "{\"idd\": \"d\"}\n{\"idd\": \"d\", \"count\": \"1\"}\n"),
    ]);
    let ran = run(
        home.path(),
        &["fix", "--write", "--unsafe", "--schema", "s.json", "alias.yaml", "key.json", "keys.ndjson", "names.json", "range.json"],
    );
    assert_eq!(dropped(&ran.err), ["alias.yaml:2:10 N101", "key.json:1:2 S102", "keys.ndjson:2:2 S102", "range.json:1:22 S103"]);
    assert_eq!((ran.status, ran.err.lines().last()), (0, Some("4 fixes in 3 files; 3 errors without a fix")));
    assert_eq!(read(home.path(), "range.json"), "{\"id\": \"a\", \"count\": \"-1\", \"note\": \"x\"}");
    assert_eq!(read(home.path(), "names.json"), "{\"id\": \"b\", \"kind\": \"red\", \"kidn\": \"red\"}");
    assert_eq!(read(home.path(), "alias.yaml"), "id: c\nnote: &x ' y '\nzip: *x\n");
    assert_eq!(read(home.path(), "key.json"), "{\"idd\": \"a\"}");
    assert_eq!(read(home.path(), "keys.ndjson"), "{\"id\": \"d\"}\n{\"idd\": \"d\", \"count\": 1}\n");
}

#[test]
fn files_that_cannot_be_written_back_are_named() {
    let text = "{\"id\": \"a\", \"count\": \"1\"}\n";
    let home = folder(&[("s.json", SCHEMA), ("plain.json", text)]);
    let gzip = Command::new("gzip").args(["--keep", "plain.json"]).current_dir(home.path()).status().expect("gzip is there");
    assert!(gzip.success());
    let wide: Vec<u8> = std::iter::once(0xFEFF).chain(text.replace('a', "w").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    fs::write(home.path().join("wide.json"), &wide).expect("it can be written");
    let paths = ["plain.json.gz", "wide.json", "none.json"];
    let words = |flag: &'static str| [&["fix", flag, "--schema", "s.json"], &paths[..]].concat();
    let shown = run(home.path(), &words("--unsafe"));
    let named: Vec<&str> = shown.err.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!((shown.status, shown.out.as_str(), named.as_slice()), (2, "", &["none.json", "plain.json.gz", "wide.json", "to"][..]));
    let written = run(home.path(), &words("--write"));
    assert_eq!((written.status, written.err), (2, shown.err));
    assert_eq!(fs::read(home.path().join("wide.json")).expect("it is there"), wide);
    let shown = run(home.path(), &["fix", "--schema", "s.json", "wide.json"]);
    assert_eq!(shown.status, 1, "there is something to fix");
    // What cannot be read completely is not touched.
    let broken = [text.as_bytes(), b"{\"id\": \"\xff\"}\n"].concat();
    fs::write(home.path().join("bad.ndjson"), &broken).expect("it can be written");
    let ran = run(home.path(), &["fix", "--write", "--schema", "s.json", "bad.ndjson"]);
    assert!(ran.status == 2 && ran.err.starts_with("error: bad.ndjson "), "{}", ran.err);
    assert_eq!(fs::read(home.path().join("bad.ndjson")).expect("it is there"), broken);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let home = folder(&[("s.json", &without_key())]);
    let words = |write: bool| {
        let mut words = vec!["fix", "--schema", "s.json", "--from", "json", "-"];
        words.extend(write.then_some("--write"));
        words
    };
    let text = b"{\"count\": \"1\"}";
    let shown = run_with(home.path(), &words(false), text);
    assert_eq!(
        (shown.status, shown.out.as_str()),
        (
            1,
            "--- a/-\n+++ b/-\n@@ -1 +1 @@\n-{\"count\": \"1\"}\n\\ No newline at end of file\n+{\"count\": 1}\n\\ No newline at end of file\n"
        )
    );
    let written = run_with(home.path(), &words(true), text);
    assert_eq!((written.status, written.out.as_str(), written.err.as_str()), (0, "{\"count\": 1}", "1 fix in 1 file\n"));
    // A filter gives what it was given where there is nothing to do, or nothing can be done.
    let same = run_with(home.path(), &words(true), b" {\"count\": 1} ");
    assert_eq!((same.status, same.out.as_str(), same.err.as_str()), (0, " {\"count\": 1} ", "nothing to fix\n"));
    let broken = run_with(home.path(), &words(true), b"{\"count\": \"1\",");
    assert_eq!((broken.status, broken.out.as_str()), (0, "{\"count\": \"1\","));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_permissions_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let home = folder(&[("s.json", &without_key()), ("real/a.json", "{\"count\": \"1\"}\n"), ("b.json", "{\"count\": \"1\"}\n")]);
    let real = home.path().join("real/a.json");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("they can be set");
    symlink("real/a.json", home.path().join("a.json")).expect("a link can be made");
    fs::hard_link(home.path().join("b.json"), home.path().join("c.json")).expect("a link can be made");
    let ran = run(home.path(), &["fix", "--write", "--schema", "s.json", "a.json", "b.json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, "2 fixes in 2 files\n"));
    assert!(fs::symlink_metadata(home.path().join("a.json")).expect("it is there").is_symlink());
    assert_eq!(read(home.path(), "real/a.json"), "{\"count\": 1}\n");
    assert_eq!(fs::metadata(&real).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert_eq!((read(home.path(), "b.json").as_str(), read(home.path(), "c.json").as_str()), ("{\"count\": 1}\n", "{\"count\": \"1\"}\n"));
    let mut names: Vec<_> = fs::read_dir(home.path()).expect("it is there").map(|entry| entry.expect("readable").file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.json", "b.json", "c.json", "real", "s.json"], "no temporary file is left");
}

#[cfg(unix)]
#[test]
fn a_file_or_folder_that_may_not_be_written_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = folder(&[
        ("s.json", SCHEMA),
        ("a.json", "{\"count\": \"1\"}\n"),
        ("in/b.json", "{\"count\": \"1\"}\n"),
        ("c.json", "{\"count\": \"1\"}\n"),
    ]);
    let set =
        |name: &str, mode: u32| fs::set_permissions(home.path().join(name), fs::Permissions::from_mode(mode)).expect("they can be set");
    set("a.json", 0o444);
    set("in", 0o555);
    if fs::OpenOptions::new().write(true).open(home.path().join("a.json")).is_ok() {
        set("in", 0o755);
        return support::skip("permissions", "this user may write everywhere");
    }
    let ran = run(home.path(), &["fix", "--write", "--schema", "s.json", "a.json", "in/b.json", "c.json"]);
    set("in", 0o755);
    assert_eq!(ran.status, 2);
    let rendered: Vec<&str> = ran.err.lines().map(|line| line.split(": ").take(2).last().unwrap_or_default()).collect();
    assert_eq!(rendered[..2], ["a.json cannot be written", "in/b.json cannot be written"]);
    assert_eq!(read(home.path(), "a.json"), "{\"count\": \"1\"}\n");
    assert_eq!(read(home.path(), "c.json"), "{\"count\": 1}\n", "the others go on");
}

#[test]
fn flags_that_mean_nothing_here_are_refused() {
    let home = folder(&[("a.json", "{}")]);
    for flags in [&["--report", "json"][..], &["--fail-on", "note"], &["--max-diagnostics", "1"], &["--mask"]] {
        let ran = run(home.path(), &[&["fix", "a.json"], flags].concat());
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{flags:?}");
    }
}

#[test]
fn colours_and_signs_are_for_people() {
    let home = folder(&[("s.json", SCHEMA), ("a.ndjson", "{\"count\": \"1\", \"zip\": \"\u{202e}\"}\r\n")]);
    let plain = run(home.path(), &["fix", "--schema", "s.json", "a.ndjson"]);
    assert!(plain.out.contains("-{\"count\": \"1\", \"zip\": \"\u{202e}\"}\r\n"), "bytes are exact in a pipe");
    let drawn = run(home.path(), &["fix", "--color", "always", "--schema", "s.json", "a.ndjson"]);
    assert_eq!(
        drawn.out,
        "\u{1b}[1m--- a/a.ndjson\u{1b}[0m\n\u{1b}[1m+++ b/a.ndjson\u{1b}[0m\n\u{1b}[36m@@ -1 +1 @@\u{1b}[0m\n\
         \u{1b}[31m-{\"count\": \"1\", \"zip\": \"\u{fffd}\"}\u{1b}[0m\n\u{1b}[32m+{\"count\": 1, \"zip\": \"\u{fffd}\"}\u{1b}[0m\n"
    );
}

#[test]
fn the_same_whatever_the_number_of_workers() {
    let home = folder(&[("s.json", SCHEMA)]);
    for file in 0..40 {
        let rows: String = (0..50).map(|row| format!("{{\"id\": \"{file}-{row}\", \"count\": \"{row}\", \"note\": \" x\"}}\n")).collect();
        fs::write(home.path().join(format!("{file}.ndjson")), rows).expect("it can be written");
    }
    let ran = |jobs: &str| run(home.path(), &["fix", "--schema", "s.json", "-j", jobs, "*.ndjson"]).out;
    let one = ran("1");
    assert!(one.len() > 100_000 && one == ran("5"));
}

#[test]
fn reports_carry_the_same_edits() {
    for (name, text) in [
        ("a.json", "\u{feff}{\"id\": \"a\", \"count\": \"1\", \"tel\": {\"number\": \"+41 44 668 18 00 ext. 5\"}}"),
        ("a.yaml", "# é\nid: a\ntel:\n  number: +41 44 668 18 00 ext. 5\nnote: |\n  x\n"),
        ("a.csv", "id,note,tel/number,tel/display,tel/ext\na,5\" pipe,+41 44 668 18 00 ext. 5,,\nb,x"),
        ("a.xml", "<r><p id='a'><tel><number>+41 44 668 18 00 ext. 5</number></tel><note> é </note></p></r>"),
        ("a.toml", "id = 'a'\n[tel]\nnumber = '+41 44 668 18 00 ext. 5'\n"),
    ] {
        let home = folder(&[("s.json", SCHEMA), (name, text)]);
        let report = run(home.path(), &["check", "--schema", "s.json", "--report", "json", name]).out;
        let report: serde_json::Value = serde_json::from_str(&report).expect("a report is JSON");
        let number = |edit: &serde_json::Value, name: &str| edit[name].as_u64().expect("it has one") as usize;
        let mut edits: Vec<(usize, usize, String)> = Vec::new();
        for finding in report["diagnostics"].as_array().expect("it is a list").iter().filter(|finding| finding["fix"]["safety"] == "safe") {
            for edit in finding["fix"]["edits"].as_array().expect("it is a list") {
                edits.push((number(edit, "byte_start"), number(edit, "byte_end"), edit["text"].as_str().expect("it is text").to_owned()));
            }
        }
        assert!(edits.len() > 1, "{name}");
        edits.sort_by_key(|(start, end, _)| (*start, *end));
        let mut made = text.to_owned();
        for (start, end, new) in edits.iter().rev() {
            made.replace_range(start..end, new);
        }
        assert_eq!(run(home.path(), &["fix", "--write", "--schema", "s.json", name]).status, 0);
        assert_eq!(read(home.path(), name), made, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn what_somebody_else_has_written_meanwhile_is_not_lost() {
    let home = folder(&[("s.json", &without_key()), ("a.json", "{\"count\": \"1\"}"), ("b.json", "{\"count\": \"2\"}")]);
    let pipe = home.path().join("z.ndjson");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let child = harness::program()
        .current_dir(home.path())
        .args(["fix", "--write", "--jobs", "1", "--schema", "s.json", "a.json", "b.json", "z.ndjson"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Opening the pipe waits for its reader, which comes to it when the other files have been read.
    let mut end = fs::OpenOptions::new().write(true).open(&pipe).expect("it can be opened");
    fs::write(home.path().join("a.json"), "{\"count\": \"3\"}").expect("it can be written");
    std::io::Write::write_all(&mut end, b"{}\n").expect("it is read");
    drop(end);
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && err.starts_with("error: a.json ") && err.ends_with("\n1 fix in 1 file\n"), "{err}");
    assert_eq!((read(home.path(), "a.json").as_str(), read(home.path(), "b.json").as_str()), ("{\"count\": \"3\"}", "{\"count\": 2}"));
}

#[test]
fn what_somebody_asked_not_to_see_is_not_fixed() {
    let text = "id: a\nnote: ' x' # chancery: ignore N101 -- as printed\nmail: '<x@EX.org>'\n";
    let home = folder(&[("s.json", &without_key()), ("a.yaml", text)]);
    let ran = run(home.path(), &["fix", "--write", "--schema", "s.json", "a.yaml"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, "1 fix in 1 file\n"));
    assert_eq!(read(home.path(), "a.yaml"), text.replace("<x@EX.org>", "x@ex.org"));
    let config = "schema = \"s.json\"\n[[suppress]]\ncodes = [\"N\"]\nreason = \"as sent\"\npointer = \"/mail\"\n[[overrides]]\ncodes = [\"N107\"]\nseverity = \"off\"\n";
    let text = "{\"mail\": \"<x@EX.org>\", \"kind\": \"Red\", \"note\": \" x\"}\n";
    for (name, text) in [("chancery.toml", config), ("b.ndjson", text)] {
        fs::write(home.path().join(name), text).expect("it can be written");
    }
    let ran = run(home.path(), &["fix", "--write", "b.ndjson"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, "1 fix in 1 file\n"));
    assert_eq!(read(home.path(), "b.ndjson"), text.replace(" x\"", "x\""));
}

#[test]
fn only_files_that_changed_are_fixed_where_that_is_asked() {
    let text = "{\"count\": \"1\"}\n";
    let home = repository(&[("s.json", &without_key()), ("a.json", text), ("b.json", text)]);
    fs::write(home.path().join("b.json"), "{\"count\": \"2\"}\n").expect("it can be written");
    let ran = run(home.path(), &["fix", "--write", "--schema", "s.json", "--changed-since", "HEAD", "a.json", "b.json"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, "1 fix in 1 file\n"));
    assert_eq!((read(home.path(), "a.json").as_str(), read(home.path(), "b.json").as_str()), (text, "{\"count\": 2}\n"));
}

/// Fixes a file by a schema, guesses included; returns the standard error, and the file's text.
fn fixed(schema: &str, name: &str, text: &str) -> (String, String) {
    let home = folder(&[("s.json", schema), (name, text)]);
    let ran = run(home.path(), &["fix", "--write", "--unsafe", "--no-config", "--schema", "s.json", name]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let again = run(home.path(), &["fix", "--unsafe", "--no-config", "--schema", "s.json", name]);
    assert_eq!((again.status, again.out.as_str()), (0, ""), "a second run finds nothing to fix: {}", again.err);
    (ran.err, read(home.path(), name))
}

#[test]
fn fixes_are_made_until_nothing_is_left() {
    // Equal items, and members of one name.
    let schema = r#"{"properties": {"l": {"type": "array", "uniqueItems": true}}}"#;
    for number in [21, 40] {
        let fixes = format!("{} fixes in 1 file\n", number - 1);
        assert_eq!(
            fixed(schema, "a.json", &format!("{{\"l\": [{}\"x\"]}}", "\"x\", ".repeat(number - 1))),
            (fixes.clone(), "{\"l\": [\"x\"]}".to_owned())
        );
        assert_eq!(
            fixed(schema, "a.ndjson", &format!("{{{}\"z\": 1}}\n", "\"z\": 1, ".repeat(number - 1))),
            (fixes, "{\"z\": 1}\n".to_owned())
        );
    }
    let text = "{\"z\": 1, \"z\": 1, \"z\": 2, \"z\": 2, \"l\": [1, 2, 1.0, 3, 2, 1]}";
    assert_eq!(fixed(schema, "a.json", text).1, "{\"z\": 1, \"z\": 2, \"l\": [1, 2, 3]}");
}

#[test]
fn a_record_may_have_more_faults_than_check_lists() {
    let schema = r#"{"type": "object", "properties": {"l": {"type": "array", "items": {"type": "integer"}}}, "additionalProperties": {"type": ["integer", "array"]}}"#;
    let members = |quote: &str| (0..1_300).map(|number| format!("\"m{number}\": {quote}{number}{quote}")).collect::<Vec<_>>().join(", ");
    let items = |quote: &str| (0..1_300).map(|number| format!("{quote}{number}{quote}")).collect::<Vec<_>>().join(", ");
    let json = |quote: &str| format!("{{{}, \"l\": [{}]}}\n", members(quote), items(quote));
    assert_eq!(fixed(schema, "a.ndjson", &json("\"")), ("2600 fixes in 1 file\n".to_owned(), json("")));
    let yaml = |quote: &str| format!("{{{}, \"l\": [{}]}}\n", members(quote), items(quote));
    assert_eq!(fixed(schema, "a.yaml", &yaml("\"")), ("2600 fixes in 1 file\n".to_owned(), yaml("")));
}

#[test]
fn only_the_edit_at_fault_is_left_out() {
    // The fault that an edit of `b` would cause is one of the record.
    let schema = r##"{"type": "object", "properties": {"a": {"$ref": "#/$defs/c"}, "b": {"$ref": "#/$defs/c"}, "c": {"$ref": "#/$defs/c"}, "d": {"$ref": "#/$defs/c"}},
        "not": {"properties": {"b": {"const": "red"}}, "required": ["b"]}, "$defs": {"c": {"enum": ["red", "blue"]}}}"##;
    let fill = |pattern: &str, values: [&str; 4]| {
        ["%a", "%b", "%c", "%d"].iter().zip(values).fold(pattern.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    for (name, pattern, at) in [
        ("a.json", "{\"a\": \"%a\", \"b\": \"%b\", \"c\": \"%c\", \"d\": \"%d\"}", "1:19"),
        ("a.ndjson", "{\"d\": \"red\"}\n{\"a\": \"%a\", \"b\": \"%b\", \"c\": \"%c\", \"d\": \"%d\"}\n", "2:19"),
        ("a.yaml", "a: %a\nb: %b # why\nc: '%c'\nd: %d\n", "2:4"),
        ("a.toml", "a = \"%a\"\nb = \"%b\"\nc = '%c'\nd = '%d'\n", "2:5"),
        ("a.csv", "a,b,c,d\n%a,%b,%c,%d\n", "2:5"),
        ("a.tsv", "a\tb\tc\td\n%a\t%b\t%c\t%d\n", "2:5"),
        ("a.xml", "<rs><r><a>%a</a><b>%b</b>\n<c>%c</c><d>%d</d></r></rs>\n", "1:21"),
    ] {
        let (err, text) = fixed(schema, name, &fill(pattern, ["rde", "rde", "bleu", "rde"]));
        assert_eq!(text, fill(pattern, ["red", "rde", "blue", "red"]), "{name}");
        assert_eq!(dropped(&err), [format!("{name}:{at} S106")], "{err}");
        assert_eq!(err.lines().last(), Some("3 fixes in 1 file"), "{name}");
    }
    // An anchored value stands elsewhere too, where it is no text to be brought to a form.
    let schema = r#"{"properties": {"n": {"x-normalise": "text"}, "o": {"x-normalise": "text"}, "p": {"x-normalise": "text"}, "i": {"type": "array", "items": {"type": "integer"}}}}"#;
    let (err, text) = fixed(schema, "a.yaml", "n: &x ' y '\nz: *x\no: ' y '\np: ' r '\ni: ['1']\n");
    assert_eq!(text, "n: &x ' y '\nz: *x\no: 'y'\np: 'r'\ni: [1]\n");
    assert_eq!((dropped(&err).as_slice(), err.lines().last()), (&["a.yaml:1:7 N101".to_owned()][..], Some("3 fixes in 1 file")));
    // Of two columns only the one whose new name is taken.
    let (err, text) = fixed(&without_key(), "a.csv", "id,knid,kind,cuont\na,red,,1\nb,,red,2\n");
    assert_eq!(text, "id,knid,kind,count\na,red,,1\nb,,red,2\n");
    assert_eq!(dropped(&err), ["a.csv:1:4 S102"]);
}

#[test]
fn each_edit_that_is_left_out_is_reported_at_its_place() {
    let schema = r#"{"properties": {"n": {"type": "integer", "minimum": 0}}}"#;
    let text: String = (0..300).map(|number| format!("{{\"\u{e9}\": {number}, \"n\": \"-{number}\"}}\r\n")).collect();
    let (err, after) = fixed(schema, "a.ndjson", &text);
    assert_eq!(after, text.replace("\"-0\"", "-0"), "-0 is not below zero");
    let places = dropped(&err);
    assert_eq!((places.len(), places[0].as_str(), places[19].as_str()), (20, "a.ndjson:2:15 S103", "a.ndjson:21:16 S103"));
    let rest: Vec<&str> = err.lines().skip(20).collect();
    assert!(rest.len() == 2 && rest[0].starts_with("warning: 279 ") && rest[1] == "1 fix in 1 file", "{err}");
}
