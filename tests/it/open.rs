//! Inputs: which files an argument selects, and how they are decoded.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use chancery::files::open::{self, DirectoryRules, InputError};
use chancery::source::{Position, ReadError};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("folders can be made");
        fs::write(path, text).expect("files can be written");
    }
    folder
}

fn claims(path: &Path) -> Vec<PathBuf> {
    if path.file_name().is_some_and(|name| name == "datapackage.json") { vec!["tables/a.csv".into()] } else { Vec::new() }
}

// Expands `paths`, in which `@` stands for the directory; the names found and the problems, both with `@` again.
fn expand(at: &tempfile::TempDir, paths: &[&str]) -> (Vec<String>, Vec<String>) {
    let root = at.path().to_str().expect("the folder's name is UTF-8");
    let given: Vec<_> = paths.iter().map(|path| path.replace('@', root)).collect();
    let known = |name: &str| [".json", ".csv"].iter().any(|extension| name.ends_with(extension));
    let (inputs, problems) = open::expand(&given, &DirectoryRules { known: &known, package_tables: &claims, config_name: "chancery.toml" });
    let names = inputs.iter().map(|input| input.name.replace(root, "@")).collect();
    (names, problems.iter().map(|problem| problem.to_string().replace(root, "@")).collect())
}

#[test]
fn paths_become_inputs() {
    let at = folder(&[
        ("b.json", "1"),
        ("a.csv.gz", "x"),
        ("note.md", ""),
        (".hidden.json", ""),
        ("odd[1].json", "2"),
        ("sub/c.json", "3"),
        ("sub/skipped.json", ""),
        ("sub/.gitignore", "skipped.json\n"),
        ("sub/deep/d.csv", ""),
        ("package/datapackage.json", ""),
        ("package/tables/a.csv", ""),
        ("package/other.csv", ""),
        ("empty/readme.md", ""),
    ]);
    let check = |paths: &[&str], names: &[&str], problems: &[&str]| {
        let found = expand(&at, paths);
        assert_eq!(
            (found.0, found.1),
            (names.iter().map(ToString::to_string).collect(), problems.iter().map(ToString::to_string).collect())
        );
    };
    check(&["@/b.json", "-", "@/a.csv.gz", "-"], &["-", "@/a.csv.gz", "@/b.json"], &[]);
    check(&["@/sub"], &["@/sub/c.json", "@/sub/deep/d.csv"], &[]);
    check(&["@/sub/"], &["@/sub/c.json", "@/sub/deep/d.csv"], &[]);
    check(&["@/package"], &["@/package/datapackage.json"], &[]);
    check(&["@/package/tables/a.csv", "@/package/datapackage.json"], &["@/package/datapackage.json", "@/package/tables/a.csv"], &[]);
    check(&["@/note.md", "@/.hidden.json", "@/sub/skipped.json"], &["@/.hidden.json", "@/note.md", "@/sub/skipped.json"], &[]);
    check(&["@/b.json", "@/sub/../b.json"], &["@/b.json"], &[]);
    check(&["@/*.json"], &["@/b.json", "@/odd[1].json"], &[]);
    check(&["@/.*.json"], &["@/.hidden.json"], &[]);
    check(&["@/odd[1].json"], &["@/odd[1].json"], &[]);
    check(&["@/s*/*.json"], &["@/sub/c.json", "@/sub/skipped.json"], &[]);
    check(&["@/s?b/**/*.csv"], &["@/sub/deep/d.csv"], &[]);
    check(&["@/sub/de*"], &["@/sub/deep/d.csv"], &[]);
    check(&["@/{b,sub/c}.json"], &["@/b.json", "@/sub/c.json"], &[]);
    check(&["@/absent.json", "@/b.json"], &["@/b.json"], &["@/absent.json: no such file or directory"]);
    check(&["@/*.xml", "@/b.json"], &["@/b.json"], &["@/*.xml: no file matches the pattern"]);
    check(&["@/empty"], &[], &["@/empty: the directory contains no file of a supported format"]);
    check(&["@/b.json/c"], &[], &["@/b.json/c: Not a directory (os error 20)"]);
    let (_, problems) =
        open::expand(&["x[".to_owned()], &DirectoryRules { known: &|_| true, package_tables: &claims, config_name: "chancery.toml" });
    assert!(matches!(problems[..], [InputError::BadPattern { .. }]));
}

#[cfg(unix)]
#[test]
fn a_file_is_read_once_by_whatever_name() {
    let at = folder(&[("a.json", "1"), ("sub/b.json", "2")]);
    std::os::unix::fs::symlink(at.path().join("a.json"), at.path().join("z.json")).expect("links can be made");
    std::os::unix::fs::symlink(at.path(), at.path().join("sub/loop")).expect("links can be made");
    assert_eq!(expand(&at, &["@"]).0, ["@/a.json", "@/sub/b.json"]);
    assert_eq!(expand(&at, &["@/z.json"]).0, ["@/z.json"]);
}

#[cfg(unix)]
#[test]
fn what_is_not_permitted_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let at = folder(&[("a.json", "1"), ("sub/b.json", "2")]);
    fs::set_permissions(at.path().join("sub"), fs::Permissions::from_mode(0o000)).expect("they are ours");
    if fs::read_dir(at.path().join("sub")).is_ok() {
        return crate::support::skip("permissions", "this user may read everything");
    }
    let (names, problems) = expand(&at, &["@"]);
    fs::set_permissions(at.path().join("sub"), fs::Permissions::from_mode(0o700)).expect("they are ours");
    assert_eq!((names, problems), (vec!["@/a.json".to_owned()], vec!["@/sub: permission denied".to_owned()]));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory takes everything");
    packer.finish().expect("memory takes everything")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory takes everything")
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

// A stream that gives a byte at a time, as a slow pipe may.
struct Slow(Cursor<Vec<u8>>);

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

// The text, where it begins, and whether it was decoded.
fn read(bytes: &[u8], encoding: Option<&str>) -> Result<(String, Position, bool), ReadError> {
    let name = "input".into();
    let mut opened = open::open_stream(&name, Box::new(Cursor::new(bytes.to_vec())), encoding)?;
    let from = opened.feed.position();
    let text = opened.feed.consume_all()?.text().to_owned();
    let mut slow = open::open_stream(&name, Box::new(Slow(Cursor::new(bytes.to_vec()))), encoding)?;
    assert_eq!(slow.feed.consume_all()?.text(), text);
    Ok((text, from, opened.decoded))
}

#[test]
fn bytes_become_text() {
    let check = |bytes: &[u8], encoding: Option<&str>, text: &str, byte: u64, decoded: bool| {
        let found = read(bytes, encoding).unwrap_or_else(|failure| panic!("{failure}: {bytes:x?}"));
        assert_eq!((found.0.as_str(), found.1.byte, found.1.column, found.2), (text, byte, 1, decoded), "{bytes:x?}");
    };
    check(b"", None, "", 0, false);
    check(b"a", None, "a", 0, false);
    check("été".as_bytes(), None, "été", 0, false);
    check("été".as_bytes(), Some("utf-8"), "été", 0, false);
    check("\u{feff}".as_bytes(), None, "", 3, false);
    check("\u{feff}été".as_bytes(), None, "été", 3, false);
    check("\u{feff}été".as_bytes(), Some("windows-1252"), "été", 3, false);
    check(&utf16("été 𝄞", false), None, "été 𝄞", 0, true);
    check(&utf16("été 𝄞", true), None, "été 𝄞", 0, true);
    check(&utf16("", true), None, "", 0, true);
    check(b"\xe9t\xe9 \x80", Some("windows-1252"), "été €", 0, true);
    check(b"\xe9t\xe9", Some("Latin1"), "été", 0, true);
    check(b"\x93\xfa", Some("shift_jis"), "日", 0, true);
    check(&gzip(b"a,b\n"), None, "a,b\n", 0, true);
    check(&gzip(b""), None, "", 0, true);
    check(&[gzip(b"a,b\n"), gzip(b"1,2\n")].concat(), None, "a,b\n1,2\n", 0, true);
    check(&zstd(b"a,b\n"), None, "a,b\n", 0, true);
    check(&[zstd(b"a,b\n"), zstd(b"1,2\n")].concat(), None, "a,b\n1,2\n", 0, true);
    check(&gzip(&utf16("é", false)), None, "é", 0, true);
    check(&gzip("\u{feff}é".as_bytes()), None, "é", 3, true);
    let long = "é\n".repeat(200_000);
    check(&utf16(&long, false), None, &long, 0, true);
    check(&gzip(long.as_bytes()), None, &long, 0, true);
}

#[test]
fn what_is_not_text_is_located() {
    let check = |bytes: &[u8], encoding: Option<&str>, expected: &str| {
        let printed = match read(bytes, encoding) {
            Err(failure @ ReadError::Encoding { at, .. }) => format!("{failure} at {} {}:{}", at.byte, at.line, at.column),
            Err(failure) => failure.to_string(),
            Ok(found) => panic!("was read: {found:?}"),
        };
        assert_eq!(printed, expected);
    };
    check(b"a\n\xe9t\xe9", None, "bytes that are not UTF-8 at 2 2:1");
    check(b"\xef\xbb\xbfa\xff", None, "bytes that are not UTF-8 at 4 1:2");
    check("a\u{e9}".as_bytes(), Some("us-ascii-no"), "unknown encoding \"us-ascii-no\"");
    check(&utf16("é\nab", false)[..7], None, "bytes that are not UTF-16LE at 3 2:1");
    check(&[0xff, 0xfe, b'a', 0, 0, 0xd8, b'b', 0], None, "bytes that are not UTF-16LE at 1 1:2");
    check(b"ab\x81\x00", Some("shift_jis"), "bytes that are not Shift_JIS at 2 1:3");
    let packed = gzip(&b"a,b\n".repeat(100));
    check(&packed[..packed.len() - 3], None, "the gzip stream is truncated");
    check(&packed[..2], None, "the gzip stream is truncated");
    check(&zstd(b"a,b\n")[..9], None, "the zstd stream is truncated");
    let mut wrong = packed.clone();
    let sum = wrong.len() - 8;
    wrong[sum] ^= 1;
    check(&wrong, None, "damaged gzip stream: corrupt gzip stream does not have a matching checksum");
    check(&[&packed[..], b"junk, not a member"].concat(), None, "damaged gzip stream: invalid gzip header");
}

#[test]
fn looking_takes_nothing() {
    let mut opened = open::open_stream(&"x".into(), Box::new(Cursor::new(vec![b'a'; 20_000])), None).expect("it opens");
    assert_eq!(open::peek(&mut opened.feed).expect("it is read").len(), 8192);
    assert_eq!(opened.feed.consume_all().expect("it is text").len(), 20_000);
}

#[test]
fn compressions_are_taken_off_names() {
    for (name, left) in [("a.csv.gz", "a.csv"), ("a.json.ZST", "a.json"), ("a.csv", "a.csv"), ("gz", "gz"), ("a.gz", "a")] {
        assert_eq!(open::strip_compression(name), left);
    }
}

#[test]
fn a_small_file_that_unpacks_to_much_is_read_like_any_other() {
    let row = |size: u32| format!("{size},{}\n", "x".repeat(200));
    let text = format!("size,note\n{}{}", row(1).repeat(30_000), row(10));
    let mut packed = gzip(text.as_bytes());
    assert!(packed.len() < 200 << 10 && text.len() > 5 << 20, "{}", packed.len());
    let files = [("schema.json", r#"{"properties": {"size": {"maximum": 9}}}"#), ("a.csv", "size\n1\n"), ("z.csv", "size\n11\n")];
    let home = crate::harness::folder(&files);
    std::fs::write(home.path().join("m.csv"), &packed).expect("writable");
    let run = |jobs: &str| crate::harness::run(home.path(), &["check", "--schema", "schema.json", "-j", jobs, "a.csv", "m.csv", "z.csv"]);
    let one = run("1");
    assert_eq!(
        one.out,
        "m.csv:30002:1: error[S107] expected at most 9, found 10\nz.csv:2:1: error[S107] expected at most 9, found 11\n\
         30003 records in 3 files: 30001 valid, 2 invalid; 2 errors\n"
    );
    assert_eq!(run("2").out, one.out);
    // One that breaks off says so, and the next is read.
    packed.truncate(packed.len() / 2);
    std::fs::write(home.path().join("m.csv"), &packed).expect("writable");
    let broken = run("2");
    assert!(broken.status == 2 && broken.out.contains("is truncated") && broken.out.contains(" in 3 files"), "{}", broken.out);
    assert_eq!(run("1").out, broken.out);
}
