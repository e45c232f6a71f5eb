//! The git commands that the program runs, on a real repository.

use std::fs;

use chancery::engine::git::{Error, Repository};

use crate::harness::{commit, git, repository};

#[test]
fn files_are_given_as_they_were_and_named_where_they_changed() {
    let folder = repository(&[("a.json", "1"), ("data/b é.json", "2"), ("data/c.json", "3"), (".gitignore", "*.log\n")]);
    let repository = Repository::discover(&folder.path().join("data")).expect("a repository");
    let before = repository.commit("HEAD").expect("a commit");
    git(folder.path(), &["switch", "--quiet", "--create", "topic"]);
    commit(folder.path(), &[("data/c.json", "33")]);
    fs::remove_file(folder.path().join("a.json")).expect("it is there");
    fs::write(folder.path().join("data/new.json"), "4").expect("it can be written");
    fs::write(folder.path().join("data/noise.log"), "4").expect("it can be written");

    let fork = repository.merge_base("main").expect("a common ancestor");
    assert_eq!(fork, before);
    let root = repository.root().to_path_buf();
    let named = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<_>>();
    assert_eq!(repository.changed_since(&fork).expect("git answers"), named(&["a.json", "data/c.json", "data/new.json"]));
    let at = |name: &str| repository.file_at(&fork, &folder.path().join(name)).expect("git answers");
    assert_eq!(at("data/c.json").as_deref(), Some(&b"3"[..]));
    assert_eq!(at("a.json").as_deref(), Some(&b"1"[..]));
    assert_eq!(at("data/b é.json").as_deref(), Some(&b"2"[..]));
    assert_eq!(at("data/new.json"), None);
    assert_eq!(repository.files_at(&fork, &folder.path().join("data")).expect("git answers"), named(&["data/b é.json", "data/c.json"]));
    assert_eq!(repository.files_at(&fork, folder.path()).expect("git answers").len(), 4);
}

#[test]
fn what_git_does_not_know_is_an_error_and_never_an_option() {
    let folder = repository(&[("a.json", "1")]);
    let repository = Repository::discover(folder.path()).expect("a repository");
    assert!(matches!(repository.commit("--all"), Err(Error::NoRevision(_))));
    assert!(matches!(repository.commit("absent"), Err(Error::NoRevision(_))));
    let outside = tempfile::tempdir().expect("a folder can be made");
    assert!(matches!(Repository::discover(outside.path()), Err(Error::NoRepository(_))));
    let here = repository.commit("HEAD").expect("a commit");
    assert!(matches!(repository.file_at(&here, outside.path()), Err(Error::NoRepository(_))));
}
