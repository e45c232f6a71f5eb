//! Incremental reporting: baselines, changes since a revision, suppressions.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::harness::{Ran, commit, folder, git, repository, run};

const SCHEMA: &str = r#"{"x-key": "/id", "type": "object", "required": ["id", "name"],
  "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "mails": {"items": {"format": "email"}},
    "parent": {"type": "string", "x-references": true}, "size": {"type": "integer", "maximum": 9}}}"#;

fn check(home: &Path, flags: &[&str]) -> Ran {
    run(home, &[&["check", "--schema", "schema.json", "--report", "plain"], flags].concat())
}

fn write(home: &Path, name: &str, text: &str) {
    fs::create_dir_all(home.join(name).parent().expect("it is in the folder")).expect("the folder is writable");
    fs::write(home.join(name), text).expect("the folder is writable");
}

mod file {
    use super::*;

    const DATA: &str = "{\"id\": \"a\", \"mails\": [\"x@y.org\", \"bad\"]}\n{\"id\": \"b\", \"name\": \"B\", \"size\": 10}\n";

    fn start(data: &str) -> tempfile::TempDir {
        let home = folder(&[("schema.json", SCHEMA), ("data/a.ndjson", data)]);
        let first = check(home.path(), &["--baseline", "known.json", "--write-baseline", "data"]);
        assert_eq!(first.status, 0, "{}{}", first.out, first.err);
        home
    }

    fn known(home: &Path) -> String {
        fs::read_to_string(home.join("known.json")).expect("the baseline is there")
    }

    #[test]
    fn the_first_one_holds_what_was_found_and_it_is_not_reported_again() {
        let home = start(DATA);
        insta::assert_snapshot!(known(home.path()), @r#"
        {
          "format": 2,
          "paths": ["data"],
          "entries": [
            {"record": "a", "pointer": "", "code": "S101", "count": 1},
            {"record": "a", "pointer": "/mails/*", "code": "S104", "count": 1},
            {"record": "b", "pointer": "/size", "code": "S107", "count": 1}
          ]
        }
        "#);
        let again = check(home.path(), &["--baseline", "known.json", "data"]);
        assert_eq!((again.status, &*again.out), (0, "2 records in 1 file: 0 valid, 2 invalid; 3 suppressed by the baseline\n"));
        let rendered = check(home.path(), &["data"]);
        assert_eq!(rendered.status, 1);
    }

    #[test]
    fn moving_records_items_and_files_changes_nothing() {
        let home = start(DATA);
        fs::remove_file(home.path().join("data/a.ndjson")).expect("it is there");
        write(home.path(), "data/z.json", "[{\"id\": \"b\", \"size\": 10, \"name\": \"B\"},\n\n {\"mails\": [\"bad\"], \"id\": \"a\"}]");
        let moved = check(home.path(), &["--baseline", "known.json", "data"]);
        assert_eq!((moved.status, &*moved.out), (0, "2 records in 1 file: 0 valid, 2 invalid; 3 suppressed by the baseline\n"));
        // From another directory the file is the same.
        let below = run(&home.path().join("data"), &["check", "--schema", "../schema.json", "--baseline", "../known.json", "."]);
        assert_eq!(below.status, 0, "{}", below.out);
    }

    #[test]
    fn new_debt_is_reported_and_never_absorbed() {
        let home = start(DATA);
        write(
            home.path(),
            "data/a.ndjson",
            &DATA.replace("\"bad\"", "\"bad\", \"worse\"").replace("\"size\"", "\"mails\": [\"new\"], \"size\""),
        );
        let before = known(home.path());
        for flags in [&["--baseline", "known.json", "data"][..], &["--baseline", "known.json", "--write-baseline", "data"]] {
            let ran = check(home.path(), flags);
            assert_eq!(ran.status, 1);
            assert_eq!(
                ran.out,
                "data/a.ndjson:1:41: error[S104] expected an e-mail address, found \"worse\"\n\
                 data/a.ndjson:2:36: error[S104] expected an e-mail address, found \"new\"\n\
                 2 records in 1 file: 0 valid, 2 invalid; 2 errors; 3 suppressed by the baseline\n"
            );
            assert_eq!(known(home.path()), before);
        }
        let all = check(home.path(), &["--baseline", "known.json", "--write-baseline=all", "data"]);
        assert_eq!(all.status, 0, "{}", all.out);
        assert!(known(home.path()).contains("\"code\": \"S104\", \"count\": 2}"), "{}", known(home.path()));
    }

    #[test]
    fn what_is_no_longer_needed_is_reported_and_taken_out() {
        let home = start(DATA);
        write(home.path(), "data/a.ndjson", &DATA.replace("10", "5").replace(", \"bad\"", ""));
        let stale = check(home.path(), &["--baseline", "known.json", "data"]);
        assert_eq!(stale.status, 0);
        assert_eq!(
            stale.out,
            "known.json:6:5: warning[B101] stale baseline entry: expected 1 x S104 at /mails/* in record \"a\", found 0\n\
             known.json:7:5: warning[B101] stale baseline entry: expected 1 x S107 at /size in record \"b\", found 0\n\
             2 records in 1 file: 1 valid, 1 invalid; 2 warnings; 1 suppressed by the baseline\n"
        );
        check(home.path(), &["--baseline", "known.json", "--write-baseline", "data"]);
        assert!(!known(home.path()).contains("S104") && known(home.path()).contains("S101"), "{}", known(home.path()));
        let clean = check(home.path(), &["--baseline", "known.json", "--fail-on", "warning", "data"]);
        assert_eq!(clean.status, 0, "{}", clean.out);
    }

    #[test]
    fn a_run_on_a_part_states_nothing_of_the_rest() {
        let home = start(DATA);
        write(home.path(), "data/other.ndjson", "{\"id\": \"c\", \"name\": \"C\"}\n");
        let part = check(home.path(), &["--baseline", "known.json", "data/other.ndjson"]);
        assert_eq!(part.out, "1 record in 1 file, all valid\n");
        check(home.path(), &["--baseline", "known.json", "--write-baseline", "data/other.ndjson"]);
        assert!(known(home.path()).contains("S107"));
        // Where all is read, what is gone is known to be gone.
        fs::remove_file(home.path().join("data/a.ndjson")).expect("it is there");
        let whole = check(home.path(), &["--baseline", "known.json", "data"]);
        assert!(whole.out.contains("3 warnings"), "{}", whole.out);
    }

    const KEYLESS: &str = r#"{"properties": {"size": {"type": "integer", "maximum": 9}, "name": {"type": "string"}}}"#;

    #[test]
    fn records_without_keys_are_known_by_their_content() {
        for (old, moved, worse) in [
            (
                ("data/a.csv", "name,size\nA,10\nB,1\nC,11\n"),
                ("data/b.csv", "size,name\n11,C\n1,B\n10,A\n"),
                ("data/a.csv", "name,size\nA,1\nB,12\nC,11\n"),
            ),
            (
                ("data/a.json", r#"[{"name": "A", "size": 10}, {"name": "B", "size": 1}, {"name": "C", "size": 11}]"#),
                ("data/a.ndjson", "{\"size\":11,\"name\":\"C\"}\n{\"name\":\"B\",\"size\":1}\n{\"name\":\"A\",\"size\":10}\n"),
                ("data/a.json", r#"[{"name": "A", "size": 1}, {"name": "B", "size": 12}, {"name": "C", "size": 11}]"#),
            ),
            (
                ("data/a.yaml", "{name: A, size: 10}\n---\n{name: B, size: 1}\n---\n{name: C, size: 11}\n"),
                (
                    "data/a.xml",
                    "<r><i><size>11</size><name>C</name></i><i><name>B</name><size>1</size></i><i><name>A</name><size>10</size></i></r>",
                ),
                ("data/a.yaml", "name: A\nsize: 1\n---\nname: B\nsize: 12\n---\nname: C\nsize: 11\n"),
            ),
        ] {
            let home = folder(&[("schema.json", KEYLESS), old]);
            let with = |more: &[&str]| check(home.path(), &[&["--baseline", "known.json"], more].concat());
            assert_eq!(with(&["--write-baseline", "data"]).status, 0);
            assert_eq!(known(home.path()).matches("\"content\"").count(), 2, "{}", known(home.path()));
            // In another order, another layout and another format they are the same records.
            fs::remove_file(home.path().join(old.0)).expect("it is there");
            write(home.path(), moved.0, moved.1);
            let ran = with(&["data"]);
            assert!(ran.status == 0 && ran.out.contains("2 suppressed by the baseline"), "{}: {}{}", moved.0, ran.out, ran.err);
            // One is fixed and another one has the same fault now: that is new.
            fs::remove_file(home.path().join(moved.0)).expect("it is there");
            write(home.path(), worse.0, worse.1);
            let ran = with(&["data"]);
            assert!(
                ran.status == 1 && ran.out.contains("error[S107]") && ran.out.contains("found 12"),
                "{}: {}{}",
                worse.0,
                ran.out,
                ran.err
            );
            assert!(ran.out.contains("1 suppressed by the baseline") && ran.out.contains("warning[B101]"), "{}", ran.out);
        }
    }

    #[test]
    fn an_edited_record_shows_its_known_faults_again() {
        let home = folder(&[("schema.json", KEYLESS), ("data/a.csv", "name,size\nA,10\nB,1\n")]);
        check(home.path(), &["--baseline", "known.json", "--write-baseline", "data"]);
        write(home.path(), "data/a.csv", "name,size\nA2,10\nB,1\n");
        let ran = check(home.path(), &["--baseline", "known.json", "data"]);
        assert!(ran.status == 1 && ran.out.contains("data/a.csv:2:4: error[S107]"), "{}", ran.out);
        // Two records of the same content count by themselves.
        write(home.path(), "data/a.csv", "name,size\nA,10\nA,10\n");
        let ran = check(home.path(), &["--baseline", "known.json", "data"]);
        assert!(ran.status == 1 && ran.out.contains("data/a.csv:3:3: error[S107]") && ran.out.contains("1 error"), "{}", ran.out);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_known_by_its_text() {
        let home = folder(&[("schema.json", KEYLESS), ("data/a.ndjson", "{\"size\":1}\n{\"size\":\n{\"size\":2}\n")]);
        check(home.path(), &["--baseline", "known.json", "--write-baseline", "data"]);
        write(home.path(), "data/a.ndjson", "{\"size\":3}\n{\"size\":2}\n{\"size\":\n");
        assert_eq!(check(home.path(), &["--baseline", "known.json", "data"]).status, 0);
        write(home.path(), "data/a.ndjson", "{\"size\":1}\n{\"size\":2}\n{\"size\" 2}\n");
        let ran = check(home.path(), &["--baseline", "known.json", "data"]);
        assert!(ran.status == 1 && ran.out.contains("data/a.ndjson:3:9: error[R101]"), "{}", ran.out);
    }

    #[test]
    fn paths_are_relative_to_the_baseline_wherever_it_lies() {
        for place in ["known.json", "sub/known.json", "sub/deep/known.json", "data/known.json"] {
            let home = folder(&[("schema.json", KEYLESS), ("data/a.csv", "name,size\nA,10\n"), ("sub/deep/x", "")]);
            let ran = check(home.path(), &["--baseline", place, "--write-baseline", "data/a.csv"]);
            assert_eq!(ran.status, 0, "{}", ran.err);
            let text = fs::read_to_string(home.path().join(place)).expect("the baseline is there");
            assert!(!text.contains(&*home.path().to_string_lossy()) && !text.contains('\\'), "{place}: {text}");
            // The same from another directory, and after the project has moved.
            let other = tempfile::tempdir().expect("a folder can be made");
            let moved = other.path().join("project");
            fs::rename(home.path(), &moved).expect("it can be moved");
            let flags = ["check", "--report", "plain", "--schema", "../schema.json", "a.csv", "--baseline"];
            let from_data = format!("../{place}");
            let ran = run(&moved.join("data"), &[&flags[..], &[&from_data]].concat());
            assert_eq!((ran.status, ran.out.matches("suppressed by the baseline").count()), (0, 1), "{place}: {}{}", ran.out, ran.err);
            fs::rename(&moved, home.path()).expect("it can be moved");
        }
    }

    #[test]
    fn another_format_of_the_file_is_named() {
        for (text, named, help) in [
            ("{\"version\": 1, \"entries\": []}", "format 1", "--write-baseline=all"),
            ("{\"format\": 3, \"entries\": [], \"more\": 1}", "format 3", "update chancery"),
        ] {
            let home = folder(&[("schema.json", SCHEMA), ("data/a.ndjson", DATA), ("known.json", text)]);
            let ran = check(home.path(), &["--baseline", "known.json", "data"]);
            assert_eq!(ran.status, 2);
            assert!(["known.json", named, help].iter().all(|part| ran.err.contains(part)), "{}", ran.err);
            let updated = check(home.path(), &["--baseline", "known.json", "--write-baseline=all", "data"]);
            assert_eq!(updated.status, if named == "format 1" { 0 } else { 2 }, "{}", updated.err);
            assert_eq!(known(home.path()).contains("\"format\": 2"), named == "format 1");
        }
    }

    #[test]
    fn a_baseline_that_is_none_is_refused() {
        let home = folder(&[("schema.json", SCHEMA), ("data/a.ndjson", DATA), ("known.json", "{\"format\": 2,\n \"entries\": [{}]}")]);
        let bad = check(home.path(), &["--baseline", "known.json", "data"]);
        assert_eq!(bad.status, 2);
        assert!(bad.err.contains("known.json:2:14: error[S101]"), "{}", bad.err);
        let absent = check(home.path(), &["--baseline", "absent.json", "data"]);
        assert!(absent.status == 2 && absent.err.contains("absent.json"), "{}", absent.err);
        assert_eq!(check(home.path(), &["--write-baseline", "data"]).status, 2);
    }
}

mod changed_since {
    use super::*;

    /// Fifty files of two records each, of which every second has a fault.
    fn fifty() -> tempfile::TempDir {
        let files: Vec<(String, String)> = (0..50)
            .map(|number| {
                let name = format!("data/f{number:02}.json");
                (
                    name,
                    format!("[{{\"id\": \"a{number}\", \"name\": \"A\"}},\n {{\"id\": \"b{number}\", \"size\": 10, \"name\": \"B\"}}]\n"),
                )
            })
            .collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
        files.push(("schema.json", SCHEMA));
        repository(&files)
    }

    #[test]
    fn only_changed_records_are_reported() {
        let home = fifty();
        assert_eq!(check(home.path(), &["data"]).out.lines().count(), 51);
        let same = check(home.path(), &["--changed-since", "HEAD", "data"]);
        assert_eq!((same.status, &*same.out), (0, "100 records in 50 files: 50 valid, 50 invalid; 50 suppressed in unchanged records\n"));

        git(home.path(), &["switch", "--quiet", "--create", "topic"]);
        // One record changes among faulty ones, another is moved to a new file with its fault.
        write(home.path(), "data/f07.json", "[\n  {\"id\": \"a7\", \"name\": 7},\n  {\"id\": \"b7\", \"size\": 10, \"name\": \"B\"}\n]\n");
        write(home.path(), "data/f08.json", "[{\"id\": \"a8\", \"name\": \"A\"}]\n");
        write(home.path(), "data/new.json", "[{\"id\": \"b8\", \"size\": 10, \"name\": \"B\"}, {\"id\": \"c\"}]\n");
        let since = check(home.path(), &["--changed-since", "main", "data"]);
        let expected = "data/f07.json:2:24: error[S103] expected string, found number 7\n\
            data/new.json:1:41: error[S101] member \"name\" is missing\n";
        assert_eq!((since.status, since.out.lines().take(2).collect::<Vec<_>>().join("\n") + "\n"), (1, expected.to_owned()));
        assert_eq!(since.out.lines().count(), 3, "a record that is moved is no new one: {}", since.out);
        for jobs in ["1", "2"] {
            assert_eq!(check(home.path(), &["--changed-since", "main", "--jobs", jobs, "data"]).out, since.out);
        }
        // Committed or not is the same; what main did meanwhile is no concern of the topic's.
        commit(home.path(), &[]);
        git(home.path(), &["switch", "--quiet", "main"]);
        commit(home.path(), &[("data/f20.json", "[{\"id\": \"a20\"}]")]);
        git(home.path(), &["switch", "--quiet", "topic"]);
        assert_eq!(check(home.path(), &["--changed-since", "main", "data"]).out, since.out);
    }

    #[test]
    fn keys_and_references_are_compared_with_all_records() {
        let home = repository(&[
            ("schema.json", SCHEMA),
            ("data/a.json", "{\"id\": \"a\", \"name\": \"A\", \"parent\": \"p\"}"),
            ("data/b.json", "{\"id\": \"b\", \"name\": \"B\", \"parent\": \"gone-before\"}"),
            ("data/p.json", "{\"id\": \"p\", \"name\": \"P\"}"),
        ]);
        fs::remove_file(home.path().join("data/p.json")).expect("it is there");
        let deleted = check(home.path(), &["--changed-since", "HEAD", "data"]);
        assert_eq!(
            deleted.out,
            "data/a.json:1:36: warning[X102] reference to unknown record \"p\"\n\
             2 records in 2 files, all valid; 1 warning; 1 suppressed in unchanged records\n"
        );
        write(home.path(), "data/A-first.json", "{\"id\": \"b\", \"name\": \"twin\"}");
        let twin = check(home.path(), &["--changed-since", "HEAD", "data"]);
        assert!(twin.out.contains("data/b.json:1:8: error[X101]"), "{}", twin.out);
    }

    #[test]
    fn a_changed_schema_or_config_checks_everything_anew() {
        let home = repository(&[
            ("schema.json", r#"{"$ref": "parts/record.json"}"#),
            ("parts/record.json", SCHEMA),
            ("chancery.toml", "schema = \"schema.json\"\nsources = [\"data\"]\n"),
            ("data/a.json", "{\"id\": \"a\"}"),
        ]);
        let ran = || run(home.path(), &["check", "--changed-since", "HEAD"]);
        assert_eq!(ran().status, 0);
        write(home.path(), "parts/record.json", &format!("{SCHEMA}\n"));
        assert_eq!(ran().status, 1);
        git(home.path(), &["checkout", "--quiet", "."]);
        write(home.path(), "chancery.toml", "# new\nschema = \"schema.json\"\nsources = [\"data\"]\n");
        assert_eq!(ran().status, 1);
    }

    #[test]
    fn what_is_the_same_is_not_even_read_where_nothing_is_compared() {
        let schema = r#"{"properties": {"size": {"type": "integer", "maximum": 9}}}"#;
        let home = repository(&[("schema.json", schema), ("data/a.csv", "size\n10\n"), ("data/b.csv", "size\n10\n11\n")]);
        write(home.path(), "data/b.csv", "size\n10\n12\n");
        let ran = check(home.path(), &["--changed-since", "HEAD", "data"]);
        assert_eq!(
            ran.out,
            "data/b.csv:3:1: error[S107] expected at most 9, found 12\n\
             2 records in 1 file: 0 valid, 2 invalid; 1 error; 1 suppressed in unchanged records; 1 unchanged file not read\n"
        );
    }

    #[test]
    fn a_package_changes_with_any_of_its_tables() {
        let schema = r#"{"properties": {"id": {"type": "string"}, "list": {"type": "array", "items": {"type": "object", "properties": {"n": {"maximum": 3}}}}}}"#;
        let home = folder(&[
            ("schema.json", schema),
            ("data/.keep", ""),
            ("a.json", "[{\"id\": \"a\", \"list\": [{\"n\": 1}]}, {\"id\": \"b\", \"list\": [{\"n\": 5}]}]"),
        ]);
        let made = run(home.path(), &["convert", "a.json", "--schema", "schema.json", "--to", "csv", "-o", "data", "--on-invalid", "keep"]);
        assert_eq!(made.status, 1, "{}", made.err);
        fs::remove_file(home.path().join("a.json")).expect("it is there");
        git(home.path(), &["init", "--quiet", "--initial-branch=main"]);
        commit(home.path(), &[]);
        assert_eq!(check(home.path(), &["--changed-since", "HEAD", "data"]).status, 0);
        let mut children = fs::read_dir(home.path().join("data")).expect("a folder").map(|entry| entry.expect("a file").path());
        let child = children.find(|path| path.to_string_lossy().contains("list")).expect("a child table");
        let text = fs::read_to_string(&child).expect("a table").replace(",1\n", ",4\n");
        fs::write(&child, text).expect("writable");
        let ran = check(home.path(), &["--changed-since", "HEAD", "data"]);
        assert!(ran.status == 1 && ran.out.contains("expected at most 3, found 4") && !ran.out.contains("found 5"), "{}", ran.out);
    }

    #[test]
    fn what_git_cannot_tell_ends_the_run() {
        let home = folder(&[("schema.json", SCHEMA), ("data/a.json", "{\"id\": \"a\"}")]);
        let outside = check(home.path(), &["--changed-since", "main", "data"]);
        assert!(outside.status == 2 && outside.err.starts_with("error: ") && outside.err.contains("git"), "{}", outside.err);
        git(home.path(), &["init", "--quiet", "--initial-branch=main"]);
        commit(home.path(), &[]);
        let unknown = check(home.path(), &["--changed-since", "--output=x", "data"]);
        assert_eq!(unknown.status, 2);
        let unknown = check(home.path(), &["--changed-since", "nowhere", "data"]);
        assert!(unknown.status == 2 && unknown.err.contains("\"nowhere\""), "{}", unknown.err);
    }
}

mod suppressions {
    use super::*;

    fn rendered(name: &str, text: &str, flags: &[&str]) -> String {
        let home = folder(&[("schema.json", SCHEMA), (name, text)]);
        check(home.path(), &[&[name], flags].concat()).out
    }

    #[test]
    fn comments_leave_out_what_they_name() {
        let yaml = "# chancery: ignore-file S101\nid: a\nsize: 10 # chancery: ignore S107 -- counted twice\n\
            # chancery: ignore wrong-format, S103\nmails:\n  - bad\n  - worse\n---\nid: b\nsize: 11\n";
        assert_eq!(
            rendered("a.yaml", yaml, &[]),
            "a.yaml:10:7: error[S107] expected at most 9, found 11\n\
             a.yaml:4:34: warning[B102] \"S103\" suppresses nothing here\n\
             2 records in 1 file: 0 valid, 2 invalid; 1 error, 1 warning; 5 suppressed by comments or config\n"
        );
        let xml = "<list>\n  <!-- chancery: ignore S107 -->\n  <record>\n    <id>a</id><name>A</name>\n    <size>10</size>\n  </record>\n\
            <record><id>b</id><name>B</name><size>11</size></record>\n</list>\n";
        let out = rendered("a.xml", xml, &["--records", "list/record"]);
        assert!(out.contains("a.xml:7:39: error[S107]") && !out.contains("a.xml:5") && out.contains("1 suppressed"), "{out}");
        let toml = "id = 'a' # chancery: ignore S101\nsize = 10\n";
        let out = rendered("a.toml", toml, &[]);
        assert!(out.contains("a.toml:2:8: error[S107]") && out.contains("1 suppressed"), "{out}");
        let csv = "id,name,size\n#chancery: ignore S107\na,A,10\nb,B,11\n";
        let out = rendered("a.csv", csv, &["--comment", "#"]);
        assert!(out.contains("a.csv:4:5: error[S107]") && !out.contains("a.csv:3") && out.contains("1 suppressed"), "{out}");
    }

    #[test]
    fn a_value_is_no_comment() {
        let yaml = "id: \"a # chancery: ignore S107\"\nname: |\n  # chancery: ignore-file S107\n  text\nsize: 10\n";
        assert!(rendered("a.yaml", yaml, &[]).contains("a.yaml:5:7: error[S107]"));
        let xml = "<l><r><id>a</id><name><![CDATA[<!-- chancery: ignore-file S107 -->]]></name><size>10</size></r></l>";
        assert!(rendered("a.xml", xml, &["--records", "l/r"]).contains("error[S107]"));
        assert!(rendered("a.json", "{\"id\": \"a\", \"name\": \"# chancery: ignore S107\", \"size\": 10}", &[]).contains("error[S107]"));
    }

    #[test]
    fn a_suppression_names_rules_that_exist() {
        let out = rendered("a.yaml", "id: a\nname: A # chancery: ignore\nsize: 1 # chancery: ignore S999\n", &[]);
        assert!(out.contains("a.yaml:2:9: warning[B103]") && out.contains("a.yaml:3:28: warning[B103]"), "{out}");
    }

    #[test]
    fn the_config_leaves_out_by_file_place_and_rule() {
        let config = "schema = \"schema.json\"\nsources = [\"data\"]\n\
            [[suppress]]\ncodes = [\"S107\"]\nfiles = [\"data/old/*\"]\nreason = \"counted twice\"\n\
            [[suppress]]\ncodes = [\"S104\"]\npointer = \"/mails/*\"\nreason = \"unused\"\n";
        let record = "{\"id\": \"ID\", \"name\": \"A\", \"size\": 10}";
        let home = folder(&[
            ("schema.json", SCHEMA),
            ("chancery.toml", config),
            ("data/old/a.json", &record.replace("ID", "a")),
            ("data/b.json", &record.replace("ID", "b")),
        ]);
        assert_eq!(
            run(home.path(), &["check"]).out,
            "data/b.json:1:34: error[S107] expected at most 9, found 10\n\
             chancery.toml:8:9: warning[B102] this suppresses nothing\n\
             2 records in 2 files: 0 valid, 2 invalid; 1 error, 1 warning; 1 suppressed by comments or config\n"
        );
        // Of what is not read, nothing is said to be unused.
        assert_eq!(
            run(home.path(), &["check", "data/old"]).out,
            "1 record in 1 file: 0 valid, 1 invalid; 1 suppressed by comments or config\n"
        );
    }

    #[test]
    fn many_windows_and_workers_make_no_difference() {
        let mut text = "# chancery: ignore-file S101\n".to_owned();
        for number in 0..20_000 {
            let diagnostic = if number % 2 == 0 { " # chancery: ignore S107 -- even" } else { "" };
            let _ = write!(text, "---\nid: r{number}\nsize: 10{diagnostic}\nnote: {}\n", "x".repeat(60));
        }
        let home = folder(&[("schema.json", SCHEMA), ("a.yaml", &text)]);
        let one = check(home.path(), &["a.yaml", "--jobs", "1"]).out;
        assert_eq!(one.lines().count(), 10_001);
        assert!(one.ends_with("10000 errors; 30000 suppressed by comments or config\n"), "{}", one.lines().last().unwrap_or_default());
        assert!(one == check(home.path(), &["a.yaml", "--jobs", "2"]).out);
    }
}
