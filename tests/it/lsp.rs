//! The language server, as an editor uses it: framed messages over standard input and output.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{self, folder};

const SCHEMA: &str = r##"{
  "type": "object", "required": ["id", "kind"],
  "properties": {
    "id": {"type": "string", "description": "What it is *known* by.", "examples": ["a-1"]},
    "kind": {"enum": ["office", "mission"], "title": "Sort of body"},
    "size": {"type": "integer", "maximum": 9},
    "open": {"type": "boolean"},
    "place": {"$ref": "#/$defs/place"},
    "old": {"deprecated": true},
    "name": {"x-normalise": "text", "type": "string"},
    "list": {"type": "array", "items": {"oneOf": [
      {"type": "object", "properties": {"t": {"const": "x"}, "only_x": {}}},
      {"type": "object", "properties": {"t": {"const": "y"}, "only_y": {}}}]}}
  },
  "additionalProperties": false,
  "$defs": {"place": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}}}
}"##;
const CONFIG: &str = "schema = \"schema.json\"\nsources = [\"data\"]\n";

struct Client {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    next: i64,
    // Notifications met while waiting for something else.
    notices: Vec<Value>,
}

impl Client {
    fn start(home: &Path, encodings: &[&str]) -> Self {
        let mut child = harness::program()
            .args(["lsp", "--stdio"])
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut client = Self { child, to, from, next: 0, notices: Vec::new() };
        let params = json!({"processId": null, "rootUri": null, "capabilities": {"general": {"positionEncodings": encodings}}});
        let answer = client.ask("initialize", params);
        let encoding = encodings.iter().find(|name| **name == "utf-8").copied().unwrap_or("utf-16");
        assert_eq!(answer["result"]["capabilities"]["positionEncoding"], encoding);
        client.notify("initialized", json!({}));
        client
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let to = self.to.as_mut().expect("it is open");
        write!(to, "Content-Length: {}\r\n\r\n{text}", text.len()).expect("the server reads");
        to.flush().expect("the server reads");
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id {
                return message;
            }
            self.notices.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).expect("the server writes") > 0, "the server has gone");
            if line == "\r\n" {
                break;
            }
            if let Some(number) = line.trim_end().strip_prefix("Content-Length: ") {
                length = number.parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).expect("the server writes");
        serde_json::from_slice(&body).expect("a message is JSON")
    }

    /// The next findings about a document.
    fn findings(&mut self, uri: &str) -> Vec<Value> {
        loop {
            let at = self
                .notices
                .iter()
                .position(|notice| notice["method"] == "textDocument/publishDiagnostics" && notice["params"]["uri"] == uri);
            if let Some(at) = at {
                return self.notices.remove(at)["params"]["diagnostics"].as_array().expect("a list").clone();
            }
            let message = self.receive();
            self.notices.push(message);
        }
    }

    fn open(&mut self, uri: &str, language: &str, text: &str) -> Vec<Value> {
        self.notify("textDocument/didOpen", json!({"textDocument": {"uri": uri, "languageId": language, "version": 1, "text": text}}));
        self.findings(uri)
    }

    fn change(&mut self, uri: &str, version: i32, changes: Value) -> Vec<Value> {
        self.notify("textDocument/didChange", json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}));
        self.findings(uri)
    }

    /// Opens a text with the cursor at `|` and asks there.
    fn at(&mut self, method: &str, uri: &str, text: &str) -> Value {
        let cursor = text.find('|').expect("a cursor");
        let before = &text[..cursor];
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
        self.open(uri, "", &text.replacen('|', "", 1));
        let params = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
        self.ask(method, params)["result"].clone()
    }

    fn stop(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null)["result"], Value::Null);
        self.notify("exit", Value::Null);
        drop(self.to.take());
        let status = self.child.wait().expect("it ends");
        let mut messages = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut messages).expect("text");
        assert!(status.success() && messages.is_empty(), "{status}: {messages}");
    }
}

fn uri(home: &Path, name: &str) -> String {
    url(&home.join(name))
}

fn url(path: &Path) -> String {
    let text = path.to_string_lossy().replace(' ', "%20");
    format!("file://{text}")
}

fn rendered(findings: &[Value]) -> Vec<String> {
    let place = |at: &Value| format!("{}:{}", at["line"], at["character"]);
    findings
        .iter()
        .map(|finding| {
            let (start, end) = (&finding["range"]["start"], &finding["range"]["end"]);
            let message = finding["message"].as_str().expect("text").lines().next().unwrap_or_default();
            format!("{}-{} {} {message}", place(start), place(end), finding["code"].as_str().expect("a code"))
        })
        .collect()
}

fn labels(items: &Value) -> Vec<String> {
    let mut items: Vec<&Value> = items.as_array().expect("a list").iter().collect();
    items.sort_by_key(|item| item["sortText"].as_str().map(str::to_owned));
    items
        .into_iter()
        .map(|item| format!("{} -> {}", item["label"].as_str().expect("text"), item["textEdit"]["newText"].as_str().expect("text")))
        .collect()
}

fn home() -> tempfile::TempDir {
    folder(&[("schema.json", SCHEMA), ("chancery.toml", CONFIG), ("data/keep.json", "{\"id\": \"k\", \"kind\": \"office\"}")])
}

#[test]
fn findings_are_published_in_each_format_and_follow_the_text() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let json = uri(home.path(), "data/a.json");
    let found = client.open(&json, "json", "{\"id\": \"\u{1f600}\", \"size\": 12,\r\n \"kind\": \"ofice\"}");
    assert_eq!(
        rendered(&found),
        ["0:21-0:23 S107 expected at most 9, found 12", "1:9-1:16 S106 expected \"office\" or \"mission\", found \"ofice\""],
        "columns count UTF-16"
    );
    assert_eq!(found[1]["message"].as_str().expect("text").lines().nth(1), Some("did you mean \"office\"?"));
    assert_eq!(found[1]["severity"], 1);
    let related = &found[1]["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], uri(home.path(), "schema.json"));
    // Pieces of the text are replaced, in the order they are sent.
    let range = |line, from, to| json!({"start": {"line": line, "character": from}, "end": {"line": line, "character": to}});
    let found =
        client.change(&json, 2, json!([{"range": range(0, 21, 23), "text": "7"}, {"range": range(1, 9, 16), "text": "\"office\""}]));
    assert_eq!(rendered(&found), [""; 0]);
    let found = client.change(&json, 3, json!([{"text": "{\"id\": "}]));
    assert_eq!(rendered(&found).len(), 1, "{found:?}");
    client.notify("textDocument/didClose", json!({"textDocument": {"uri": json}}));
    assert!(client.findings(&json).is_empty());

    for (name, text, expected) in [
        ("a.yaml", "id: a\nkind: office\nsize: 12\n", "2:6-2:8 S107"),
        ("a.ndjson", "{\"id\": \"a\", \"kind\": \"office\"}\n{\"id\": \"b\", \"kind\": \"office\", \"size\": 12}\n", "1:38-1:40 S107"),
        ("a.csv", "id,kind,size\na,office,12\n", "1:9-1:11 S107"),
        ("a.tsv", "id\tkind\tsize\na\toffice\t12\n", "1:9-1:11 S107"),
        ("a.xml", "<l>\n<r><id>a</id><kind>office</kind><size>12</size></r>\n</l>", "1:38-1:40 S107"),
        ("a.toml", "id = 'a'\nkind = 'office'\nsize = 12\n", "2:7-2:9 S107"),
    ] {
        let uri = uri(home.path(), &format!("data/{name}"));
        let found = rendered(&client.open(&uri, "", text));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{name}: {found:?}");
    }
    client.stop();
}

#[test]
fn positions_can_be_bytes() {
    let home = home();
    let mut client = Client::start(home.path(), &["utf-16", "utf-8"]);
    let uri = uri(home.path(), "data/a b.json");
    let found = client.open(&uri, "json", "{\"id\": \"\u{1f600}\", \"kind\": \"office\", \"size\": 12}");
    assert_eq!(rendered(&found), ["0:41-0:43 S107 expected at most 9, found 12"]);
    client.stop();
}

#[test]
fn hover_shows_what_the_schema_states() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    for (name, text) in [
        ("a.json", "{\"i|d\": \"a\", \"kind\": \"office\"}"),
        ("b.json", "{\"id\": \"a|\", \"kind\": \"office\"}"),
        ("a.yaml", "kind: office\ni|d: a\n"),
        ("a.csv", "kind,i|d\noffice,a\n"),
        ("b.csv", "kind,id\noffice,a|\n"),
        ("a.xml", "<l><r><i|d>a</id></r></l>"),
        ("b.xml", "<l><r><id>a|</id></r></l>"),
    ] {
        let hover = client.at("textDocument/hover", &uri(home.path(), &format!("data/{name}")), text);
        assert_eq!(hover["contents"]["value"], "**id**\n\nWhat it is \\*known\\* by.\n\nstring\n\nFor example `a-1`.", "{name}");
    }
    let nested = client.at("textDocument/hover", &uri(home.path(), "data/c.json"), "[{\"place\": {\"ci|ty\": \"X\"}}]");
    assert_eq!(nested["contents"]["value"], "**city**\n\nstring");
    assert_eq!(nested["range"], json!({"start": {"line": 0, "character": 12}, "end": {"line": 0, "character": 18}}));
    assert_eq!(client.at("textDocument/hover", &uri(home.path(), "data/d.json"), "{\"un|known\": 1}"), Value::Null);
    client.stop();
}

#[test]
fn completion_offers_names_and_values() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let mut offered =
        |name: &str, text: &str| labels(&client.at("textDocument/completion", &uri(home.path(), &format!("data/{name}")), text));
    let names = offered("a.json", "{|}");
    assert_eq!(names[..3], ["id -> \"id\": ", "kind -> \"kind\": ", "list -> \"list\": "], "required ones first");
    assert_eq!(names.len(), 8);
    let beside = offered("b.json", "{\"id\": \"a\", \"ki|\n \"size\": 1}");
    assert!(beside[0] == "kind -> \"kind\": " && beside.len() == 6, "{beside:?}");
    assert_eq!(offered("c.json", "{\"kind\": |}"), ["office -> \"office\"", "mission -> \"mission\""]);
    assert_eq!(offered("d.json", "{\"open\": t|}"), ["true -> true", "false -> false"]);
    assert_eq!(offered("e.json", "[{\"place\": {\"|"), ["city -> \"city\": ", "zip -> \"zip\": "]);
    assert_eq!(offered("f.json", "{\"list\": [{\"|\"}]}"), ["only_x -> \"only_x\": ", "only_y -> \"only_y\": ", "t -> \"t\": "]);
    assert_eq!(offered("g.json", "{\"list\": [{\"t\": \"|\"}]}"), ["x -> \"x\"", "y -> \"y\""]);
    assert_eq!(offered("h.json", "{\"k|ind\": 1}")[1], "kind -> \"kind\"");
    assert_eq!(offered("a.ndjson", "{\"id\": \"a\"}\n{\"kind\": \"|\"}\n"), ["office -> \"office\"", "mission -> \"mission\""]);
    assert_eq!(offered("a.yaml", "id: a\nplace:\n  c|\n")[0], "city -> city: ");
    assert_eq!(offered("b.yaml", "kind: |\n"), ["office -> office", "mission -> mission"]);
    assert_eq!(offered("c.yaml", "list:\n  - |\n").len(), 3);
    assert_eq!(offered("a.xml", "<l><r><id>a</id><place><|</place></r></l>"), ["city -> city></city>", "zip -> zip></zip>"]);
    assert_eq!(offered("b.xml", "<l><r><kind>o|</kind></r></l>"), ["office -> office", "mission -> mission"]);
    assert_eq!(offered("c.xml", "<l><r><list><only_x/><|</list></r></l>").len(), 2);
    assert!(offered("a.csv", "id,|\n").contains(&"place/city -> place/city".to_owned()));
    assert_eq!(offered("b.csv", "id,kind\na,|\n"), ["office -> office", "mission -> mission"]);
    client.stop();
}

#[test]
fn quick_fixes_fix_what_they_state() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let uri = uri(home.path(), "data/a.json");
    let text = "{\"id\": \"a\", \"kindd\": \"ofice\", \"kind\": \"ofice\", \"name\": \" A\"}";
    let found = client.open(&uri, "json", text);
    assert_eq!(rendered(&found).len(), 3, "{found:?}");
    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 99}});
    let actions =
        client.ask("textDocument/codeAction", json!({"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}}));
    let actions = actions["result"].as_array().expect("a list").clone();
    let titles: Vec<&str> = actions.iter().map(|action| action["title"].as_str().expect("text")).collect();
    assert_eq!(titles, ["Write \"office\" (S106)", "Write \"A\" (N101)", "Apply all safe edits"]);
    assert_eq!([&actions[0]["isPreferred"], &actions[1]["isPreferred"]], [&json!(false), &json!(true)]);
    let edit = &actions[0]["edit"]["changes"][&uri][0];
    let found = client.change(&uri, 2, json!([{"range": edit["range"], "text": edit["newText"]}]));
    assert_eq!(rendered(&found).iter().filter(|finding| finding.contains("S106")).count(), 0, "{found:?}");
    let only = json!({"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": [], "only": ["source.fixAll"]}});
    assert_eq!(client.ask("textDocument/codeAction", only)["result"].as_array().expect("a list").len(), 1);
    client.stop();
}

#[test]
fn config_and_schema_are_read_anew_and_shown_where_they_are_broken() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let (data, config) = (uri(home.path(), "data/a.json"), uri(home.path(), "chancery.toml"));
    let text = "{\"id\": \"a\", \"kind\": \"office\", \"size\": 12}";
    assert_eq!(client.open(&data, "json", text).len(), 1);
    std::fs::write(home.path().join("schema.json"), SCHEMA.replace("\"maximum\": 9", "\"maximum\": 99")).expect("writable");
    client.notify("textDocument/didSave", json!({"textDocument": {"uri": uri(home.path(), "schema.json")}}));
    assert!(client.findings(&data).is_empty());
    std::fs::write(home.path().join("chancery.toml"), "schema = 5\n").expect("writable");
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": config, "type": 2}]}));
    assert!(client.findings(&data).is_empty());
    let broken = client.findings(&config);
    assert!(rendered(&broken)[0].starts_with("0:9-0:10 S103"), "{broken:?}");
    // The config itself can be open, and is judged by its own schema.
    let open = client.open(&config, "toml", "jobs = \"many\"\n");
    assert!(rendered(&open)[0].starts_with("0:7-0:13 S103"), "{open:?}");
    client.stop();
}

#[test]
fn what_belongs_to_nothing_is_judged_by_its_format_alone() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let outside = uri(home.path(), "package.json");
    assert!(client.open(&outside, "json", "{\"version\": 1}").is_empty());
    assert_eq!(rendered(&client.open(&outside, "json", "{\"a\": 1, \"a\": 2}")).len(), 1);
    assert_eq!(rendered(&client.open("untitled:Untitled-1", "json", "{\"a\": }"))[0].split(' ').nth(1), Some("R101"));
    assert!(client.open("untitled:%F0%9F%98%80%20x", "yaml", "a: 1\n").is_empty());
    client.stop();
}

#[test]
fn strange_messages_are_answered_or_skipped() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    assert_eq!(client.ask("textDocument/rename", json!({}))["error"]["code"], -32601);
    assert_eq!(client.ask("textDocument/hover", json!({"textDocument": 5}))["error"]["code"], -32602);
    client.notify("$/setTrace", json!({"value": "off"}));
    client.notify("textDocument/didChange", json!({"nothing": true}));
    let absent = json!({"textDocument": {"uri": "file:///absent.json"}, "position": {"line": 0, "character": 0}});
    assert_eq!(client.ask("textDocument/hover", absent)["result"], Value::Null);
    client.stop();
    // A client that goes away without a word leaves no server after.
    let mut client = Client::start(home.path(), &[]);
    drop(client.to.take());
    assert!(client.child.wait().expect("it ends").success());
}

#[test]
fn only_the_newest_version_is_checked() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let uri = uri(home.path(), "data/a.json");
    client.open(&uri, "json", "{}");
    for version in 2..200 {
        let text = format!("{{\"id\": \"a\", \"kind\": \"office\", \"size\": {version}}}");
        client.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]}),
        );
    }
    // The answer to a request comes after what was sent before it.
    client.ask("textDocument/hover", json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 2}}));
    let last = client.notices.iter().rfind(|notice| notice["params"]["uri"] == uri).expect("findings");
    assert_eq!(last["params"]["version"], 199);
    client.stop();
}

const OTHER: &str = r#"
import asyncio, sys
from lsprotocol import types as t
from pygls.lsp.client import LanguageClient

async def main(program, uri, text):
    client, notified, published = LanguageClient("another", "1"), asyncio.Event(), []

    @client.feature(t.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def publish(params):
        published.append(params)
        notified.set()

    await client.start_io(program, "lsp")
    answer = await client.initialize_async(t.InitializeParams(capabilities=t.ClientCapabilities(), process_id=None))
    print(answer.capabilities.position_encoding)
    client.initialized(t.InitializedParams())
    client.text_document_did_open(t.DidOpenTextDocumentParams(t.TextDocumentItem(uri, "yaml", 1, text)))
    await notified.wait()
    for found in published[-1].diagnostics:
        print(found.range, found.code, found.message.split("\n")[0])
    document = t.TextDocumentIdentifier(uri)
    hover = await client.text_document_hover_async(t.HoverParams(document, t.Position(0, 1)))
    print(hover.contents.value.split("\n")[0])
    items = await client.text_document_completion_async(t.CompletionParams(document, t.Position(2, 0)))
    print(sorted(item.label for item in items)[:3])
    everywhere = t.Range(t.Position(0, 0), t.Position(9, 0))
    actions = await client.text_document_code_action_async(t.CodeActionParams(document, everywhere, t.CodeActionContext([])))
    print([action.title for action in actions])
    await client.shutdown_async(None)
    client.exit(None)

asyncio.run(main(*sys.argv[1:]))
"#;

#[test]
fn a_client_by_others_understands_the_server() {
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin/python");
    if !Command::new(python).args(["-c", "import pygls.lsp.client"]).output().is_ok_and(|output| output.status.success()) {
        return crate::support::skip("pygls", format_args!("{python} has no such package"));
    }
    let home = home();
    let document = uri(home.path(), "data/a.yaml");
    let output = Command::new(python)
        .args(["-c", OTHER, env!("CARGO_BIN_EXE_chancery"), &document, "id: a\nkind: ofice\n"])
        .output()
        .expect("python runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text,
        "utf-16\n1:6-1:11 S106 expected \"office\" or \"mission\", found \"ofice\"\n**id**\n['list', 'name', 'old']\n['Write office (S106)']\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Every position of a text in UTF-16 columns, those inside surrogate pairs, after the line and after the text included.
fn positions(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for (line, content) in text.split('\n').chain(["", ""]).enumerate() {
        for character in 0..content.encode_utf16().count() + 2 {
            found.push(json!({"line": line, "character": character}));
        }
    }
    found.push(json!({"line": 4_000_000_000_u32, "character": 4_000_000_000_u32}));
    found.push(json!({"line": 0, "character": 4_000_000_000_u32}));
    found
}

#[test]
fn every_position_of_a_broken_document_is_answered() {
    let home = home();
    let mut client = Client::start(home.path(), &[]);
    let documents: &[(&str, &[&str])] = &[
        (
            "json",
            &[
                "{\n\"a",
                "\"",
                "\"\\",
                "{\"\\u12",
                "[\"\u{1f600}",
                "{\"id\": \"\u{1f600}\n\"kind\"",
                "[[[{\"a\": \"\\\"\n",
                "}]\":,",
                "\u{feff}{\"",
                "{\"a\r\"b",
                "{'a': 1}",
            ],
        ),
        ("ndjson", &["{\n\"a", "{\"id\": \"a\"}\n\"", "\n\n\"\u{1f600}", "{\"id\": 1}\r\"x"]),
        ("yaml", &["id: \"a\n", "- - -\n-", "a:\n - b: [\n", "? \u{1f600}\n: |", "\t", "a: &b\n  *b\n---", "{a: \"", "#", "- \n  - :\n"]),
        ("xml", &["<", "<a", "<a><", "<a></", "<!", "<!--", "<![CDATA[", "<?", "<a b=\"\u{1f600}", "<a>&", "<a/><a>", "<l><r><\u{e9}"]),
        ("csv", &["\"", "a,\"b\n", "a,b\n\"\u{1f600}\n,", ",\n,", "\n\n", "a;b\r1;2\r", "a\tb\n\"1", "\u{feff}id,"]),
        ("tsv", &["\"", "a\t\"b\n\t", "\u{1f600}\t\n\t\t"]),
        ("toml", &["a = \"", "[", "[[a", "a = '''\n", "a.\"\u{1f600}", "= 1"]),
        ("txt", &["Name:", "\u{1f600}", "Name: \n\nAddress:"]),
    ];
    for (extension, texts) in documents {
        for (number, text) in texts.iter().enumerate() {
            let uri = uri(home.path(), &format!("data/{extension}{number}.{extension}"));
            client.open(&uri, "", text);
            for position in positions(text) {
                let at = json!({"textDocument": {"uri": uri}, "position": position});
                let range = json!({"start": position, "end": {"line": 0, "character": 1}});
                let actions = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
                for (method, params) in
                    [("textDocument/completion", &at), ("textDocument/hover", &at), ("textDocument/codeAction", &actions)]
                {
                    let answer = client.ask(method, params.clone());
                    assert!(answer.get("error").is_none(), "{method} of {text:?} at {position}: {answer}");
                }
            }
            // Removing text from any position on leaves a document too.
            client.change(
                &uri,
                2,
                json!([{"range": {"start": {"line": 0, "character": 1}, "end": {"line": 9, "character": 9}}, "text": "\""}]),
            );
        }
    }
    client.stop();
}

#[test]
fn a_reference_to_a_record_of_another_file_is_no_finding() {
    let schema =
        r#"{"x-record-name": "people", "x-key": "/id", "properties": {"boss": {"x-references": true}, "seat": {"x-references": "seats"}}}"#;
    let home = folder(&[("schema.json", schema), ("chancery.toml", CONFIG), ("data/b.json", "{\"id\": \"b\"}")]);
    let mut client = Client::start(home.path(), &[]);
    let uri = uri(home.path(), "data/a.json");
    assert_eq!(rendered(&client.open(&uri, "json", "{\"id\": \"a\", \"boss\": \"b\", \"seat\": 4}")), [""; 0]);
    // Keys within the document are compared.
    let found = client.change(&uri, 2, json!([{"text": "[{\"id\": \"a\"}, {\"id\": \"a\"}]"}]));
    assert!(found.len() == 1 && found[0]["code"] == "X101", "{found:?}");
    client.stop();
}
