//! The comparison of two records: what it finds, and the property that the changes turn the old record into the new one.

use std::sync::Arc;

use chancery::compare::{Change, ChangeKind, Comparer, Ignored, RecordHasher, spooled_record};
use chancery::schema::Shape;
use chancery::tree::Node;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support;

fn comparer(shape: Shape, ignored: &[&str]) -> Comparer {
    let ignored: Vec<String> = ignored.iter().map(|pattern| (*pattern).to_owned()).collect();
    Comparer::new(&Arc::new(shape), RecordHasher::new(Ignored::new(&ignored).expect("patterns")))
}

fn json(tree: Node<'_>) -> String {
    let mut out = Vec::new();
    chancery::tree::json(tree, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// A change as a line: kind, where, and the value or both.
fn line(change: &Change<'_, '_>) -> String {
    let value = |found: &Option<chancery::compare::Found<'_>>| found.as_ref().map(|found| json(found.node)).unwrap_or_default();
    let (old, new) = (value(&change.old), value(&change.new));
    match change.kind {
        ChangeKind::Added => format!("+{} {new}", change.pointer()),
        ChangeKind::Removed => format!("-{} {old}", change.pointer()),
        ChangeKind::Changed => format!("~{} {old} {new}", change.pointer()),
        ChangeKind::Moved => format!(">{} {}", change.old.as_ref().map(|old| old.pointer.as_str()).unwrap_or_default(), change.pointer()),
    }
}

#[track_caller]
fn check_with(comparer: &Comparer, old: &str, new: &str, expected: &[&str]) {
    let (old, new) = (support::tree("old", old), support::tree("new", new));
    let found: Vec<String> = comparer.changes(old.root(), new.root()).iter().map(line).collect();
    assert_eq!(found, expected);
    assert_eq!(comparer.digest(old.root()) == comparer.digest(new.root()), expected.is_empty(), "digests agree");
}

#[track_caller]
fn check(old: &str, new: &str, expected: &[&str]) {
    check_with(&comparer(Shape::any(), &[]), old, new, expected);
}

#[test]
fn equal_as_json_is_no_change() {
    check(r#"{"a":1.0,"b":[1e2,-0]}"#, r#"{"b":[100,0.0],"a":1}"#, &[]);
    check(r#"{"a":"1"}"#, r#"{"a":1}"#, &[r#"~/a "1" 1"#]);
    check(r#"{"a":null,"c":""}"#, r#"{"b":null}"#, &["+/b null", "-/a null", "-/c \"\""]);
    check("1", "2", &["~ 1 2"]);
    check("{}", "[]", &["~ {} []"]);
    check("12345678901234567890123", "12345678901234567890124", &["~ 12345678901234567890123 12345678901234567890124"]);
    check(r#"{"~/":{"":1}}"#, r#"{"~/":{"":2}}"#, &["~/~0~1/ 1 2"]);
}

#[test]
fn one_item_more_is_one_change() {
    check(r#"{"l":["b","c","d"]}"#, r#"{"l":["a","b","c","d"]}"#, &[r#"+/l/0 "a""#]);
    check(r#"[{"x":1,"y":1},{"x":2,"y":1}]"#, r#"[{"x":3,"y":2},{"x":1,"y":1},{"x":2,"y":1}]"#, &[r#"+/0 {"x":3,"y":2}"#]);
    check("[1,2,3]", "[2,3]", &["-/0 1"]);
    check("[1,2,3]", "[1,9,3]", &["~/1 2 9"]);
    check("[[1],[2]]", "[[1],[2,3]]", &["+/1/1 3"]);
}

#[test]
fn items_are_known_by_an_obvious_member() {
    check(
        r#"[{"id":"a","n":1},{"id":"b","n":2}]"#,
        r#"[{"id":"c","n":0},{"id":"a","n":1},{"id":"b","n":3}]"#,
        &[r#"+/0 {"id":"c","n":0}"#, "~/2/n 2 3"],
    );
    check(r#"[{"id":"a","n":1},{"id":"b"}]"#, r#"[{"id":"b"},{"id":"a","n":2}]"#, &[">/1 /0", "~/1/n 1 2"]);
    // Two of the same id are no key; then what is alike is the same.
    check(r#"[{"id":"a","n":1},{"id":"a","n":2}]"#, r#"[{"id":"a","n":1},{"id":"a","n":3}]"#, &["~/1/n 2 3"]);
}

#[test]
fn items_are_known_by_what_the_schema_states() {
    let shape = support::shape(r#"{"properties":{"l":{"items":{"x-key":"/who/name"}},"m":{"items":{"x-key":["/a","/b"]}}},"$defs":{}}"#);
    let comparer = comparer(shape, &[]);
    check_with(
        &comparer,
        r#"{"l":[{"who":{"name":"A"},"id":1},{"who":{"name":"B"},"id":2}]}"#,
        r#"{"l":[{"who":{"name":"B"},"id":1},{"who":{"name":"A"},"id":2}]}"#,
        &[">/l/1 /l/0", "~/l/0/id 2 1", "~/l/1/id 1 2"],
    );
    check_with(
        &comparer,
        r#"{"m":[{"a":1,"b":1,"c":1},{"a":1,"b":2}]}"#,
        r#"{"m":[{"a":1,"b":2},{"a":1,"b":1,"c":2}]}"#,
        &[">/m/1 /m/0", "~/m/1/c 1 2"],
    );
}

#[test]
fn what_is_alike_is_the_same_item() {
    check(
        r#"[{"name":"A","tel":1,"fax":1},{"name":"B","tel":2,"fax":2}]"#,
        r#"[{"name":"X","tel":9,"fax":8},{"name":"A","tel":1,"fax":7},{"name":"B","tel":2,"fax":2}]"#,
        &[r#"+/0 {"name":"X","tel":9,"fax":8}"#, "~/1/fax 1 7"],
    );
    check(r#"[{"name":"A","tel":1}]"#, r#"[{"name":"X","tel":9}]"#, &[r#"-/0 {"name":"A","tel":1}"#, r#"+/0 {"name":"X","tel":9}"#]);
}

#[test]
fn what_is_ignored_takes_no_part() {
    let comparer = comparer(Shape::any(), &["/updated", "/l/*/n", "/**/x"]);
    check_with(&comparer, r#"{"updated":1,"a":1}"#, r#"{"a":1}"#, &[]);
    check_with(&comparer, r#"{"l":[{"n":1,"m":1},{"n":2}]}"#, r#"{"l":[{"n":3,"m":1},{"k":2}]}"#, &["+/l/1/k 2"]);
    check_with(&comparer, r#"{"a":{"b":[{"x":1}]},"x":2}"#, r#"{"a":{"b":[{}]}}"#, &[]);
    check_with(&comparer, r#"{"l":[{"n":1,"m":1},{"n":2,"m":2}]}"#, r#"{"l":[{"n":2,"m":2},{"n":1,"m":1}]}"#, &[">/l/0 /l/1"]);
}

#[test]
fn of_duplicate_members_the_last_counts() {
    let read = chancery::read::collect(
        chancery::read::Format::Ndjson,
        "d",
        b"{\"a\":1,\"a\":2}\n{\"a\":2}\n{\"a\":1}\n",
        &chancery::read::Options::default(),
    );
    let records = read.expect("it is UTF-8").records;
    let old = &records[0];
    let comparer = comparer(Shape::any(), &[]);
    assert!(comparer.changes(old.root(), records[1].root()).is_empty());
    assert_eq!(comparer.digest(old.root()), comparer.digest(records[1].root()));
    assert_eq!(comparer.changes(old.root(), records[2].root()).len(), 1);
}

#[test]
fn long_lists_take_a_short_time() {
    let list = |range: &mut dyn Iterator<Item = u32>| format!("[{}]", range.map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    let (old, new) = (list(&mut (0..40_000)), list(&mut (0..40_000).rev()));
    let (old, new) = (support::tree("old", &old), support::tree("new", &new));
    let changes = comparer(Shape::any(), &[]).changes(old.root(), new.root());
    assert_eq!(changes.len(), 39_999);
    assert!(changes.iter().all(|change| change.kind == ChangeKind::Moved));
}

/// Records in which much is equal, so that there is something to pair.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4).prop_map(Value::from),
        "[ab/~]{0,2}".prop_map(Value::from)
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        let name = prop_oneof![Just("id".to_owned()), "[abc~/]{0,1}"];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name, inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))
        ]
    })
}

struct Plain {
    what: ChangeKind,
    old: Option<String>,
    new: Option<String>,
    value: Option<Value>,
}

fn index_in(pointer: Option<&str>, list: &str) -> Option<usize> {
    let (parent, index) = pointer?.rsplit_once('/')?;
    (parent == list).then(|| index.parse().ok()).flatten()
}

/// Does to `old` what the changes say.
fn apply(old: &Value, changes: &[Plain], from: &str, to: &str) -> Value {
    let here =
        |change: &&Plain| change.what == ChangeKind::Changed && change.old.as_deref() == Some(from) && change.new.as_deref() == Some(to);
    if let Some(changed) = changes.iter().find(here) {
        return changed.value.clone().expect("a change has a new value");
    }
    match old {
        Value::Object(members) => {
            let mut new = Map::new();
            let escape = |name: &str| chancery::tree::pointer::escape(name).into_owned();
            for (name, member) in members {
                let (from, to) = (format!("{from}/{}", escape(name)), format!("{to}/{}", escape(name)));
                if !changes.iter().any(|change| change.what == ChangeKind::Removed && change.old.as_deref() == Some(&from)) {
                    new.insert(name.clone(), apply(member, changes, &from, &to));
                }
            }
            for change in changes.iter().filter(|change| change.what == ChangeKind::Added) {
                let pointer = change.new.as_deref().expect("it has a place");
                let (parent, name) = chancery::tree::pointer::split_last(pointer).expect("the record itself is never added");
                if parent == to {
                    new.insert(name.into_owned(), change.value.clone().expect("it has a value"));
                }
            }
            Value::Object(new)
        }
        Value::Array(items) => {
            let gone: Vec<usize> = changes
                .iter()
                .filter(|change| change.what == ChangeKind::Removed)
                .filter_map(|change| index_in(change.old.as_deref(), from))
                .collect();
            let come: Vec<(usize, &Plain)> = changes
                .iter()
                .filter(|change| change.what == ChangeKind::Added)
                .filter_map(|change| Some((index_in(change.new.as_deref(), to)?, change)))
                .collect();
            let moved: Vec<(usize, usize)> = changes
                .iter()
                .filter(|change| change.what == ChangeKind::Moved)
                .filter_map(|change| Some((index_in(change.old.as_deref(), from)?, index_in(change.new.as_deref(), to)?)))
                .collect();
            let mut stayed = (0..items.len()).filter(|at| !gone.contains(at) && !moved.iter().any(|(old, _)| old == at));
            let new = (0..items.len() + come.len() - gone.len()).map(|to_index| {
                if let Some((_, change)) = come.iter().find(|(at, _)| *at == to_index) {
                    return change.value.clone().expect("it has a value");
                }
                let moved = moved.iter().find(|(_, new)| *new == to_index).map(|(old, _)| *old);
                let at = moved.or_else(|| stayed.next()).expect("every place is filled");
                apply(&items[at], changes, &format!("{from}/{at}"), &format!("{to}/{to_index}"))
            });
            new.collect()
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(crate::property::cases(2000))]

    #[test]
    fn the_changes_turn_the_old_record_into_the_new_one(old in value(), new in value()) {
        let (old_tree, new_tree) = (support::tree("old", &old.to_string()), support::tree("new", &new.to_string()));
        let comparer = comparer(Shape::any(), &[]);
        let changes = comparer.changes(old_tree.root(), new_tree.root());
        prop_assert_eq!(changes.is_empty(), old_tree.root().same(new_tree.root()));
        prop_assert_eq!(changes.is_empty(), comparer.digest(old_tree.root()) == comparer.digest(new_tree.root()));
        for change in &changes {
            for (found, tree) in [(&change.old, &old_tree), (&change.new, &new_tree)] {
                if let Some(found) = found {
                    prop_assert_eq!(tree.root().at(&found.pointer).map(Node::id), Some(found.node.id()));
                }
            }
        }
        let plain: Vec<Plain> = changes.iter().map(|change| Plain {
            what: change.kind,
            old: change.old.as_ref().map(|found| found.pointer.clone()),
            new: change.new.as_ref().map(|found| found.pointer.clone()),
            value: change.new.as_ref().map(|found| serde_json::from_str(&json(found.node)).expect("JSON")),
        }).collect();
        prop_assert_eq!(apply(&old, &plain, "", ""), new);
    }

    #[test]
    fn what_is_put_aside_comes_back_with_its_places(value in value()) {
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        let tree = support::tree("a file", &text);
        let mut bytes = Vec::new();
        spooled_record::encode(tree.root(), &mut bytes);
        let back = spooled_record::decode(&bytes).expect("it was encoded");
        prop_assert_eq!(json(back.root()), json(tree.root()));
        let mut before = vec![tree.root()];
        let mut after = vec![back.root()];
        while let (Some(old), Some(new)) = (before.pop(), after.pop()) {
            let place = |node: Node<'_>| {
                let location = node.tree().source().locate(node.opening());
                (location.file, location.start)
            };
            prop_assert_eq!(place(old), place(new));
            before.extend(old.items().chain(old.members().map(|member| member.value)));
            after.extend(new.items().chain(new.members().map(|member| member.value)));
        }
        for cut in 0..bytes.len() {
            // Whatever a broken disk gives back is rejected, not trusted.
            let _ = spooled_record::decode(&bytes[..cut]);
        }
    }
}
