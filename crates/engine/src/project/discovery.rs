//! Finds the config of a project.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::paths::expand;
use super::{CONFIG_NAME, Error, revision};
use chancery_files::open;

/// Where the config of a project is: in the file `named`, else the nearest `chancery.toml` above each of the paths, or
/// above the working directory if there are none. Paths of several projects are an error.
pub(super) fn locate(named: Option<&Path>, paths: &[String]) -> Result<Option<PathBuf>, Error> {
    if let Some(path) = named {
        return Ok(Some(path.to_owned()));
    }
    let here = std::env::current_dir()?;
    let mut known: HashMap<PathBuf, Option<PathBuf>> = HashMap::new();
    let mut first: Option<(String, Option<PathBuf>)> = None;
    for (name, folder) in paths.iter().flat_map(|path| folders(path, &here)) {
        let config = known.entry(folder).or_insert_with_key(|folder| nearest(folder)).clone();
        match &first {
            None => first = Some((name, config)),
            Some((_, of_first)) if *of_first == config => {}
            Some((other, of_first)) => {
                let of = |name: &str, config: &Option<PathBuf>| match config {
                    Some(config) => format!("{name} belongs to {}", from(&here, config).display()),
                    None => format!("{name} to no project (no {CONFIG_NAME} found above it)"),
                };
                let (a, b) = if of_first.is_some() { ((other, of_first), (&name, &config)) } else { ((&name, &config), (other, of_first)) };
                let message =
                    format!("{}, {}; check each project separately, or use one config for all with --config", of(a.0, a.1), of(b.0, b.1));
                return Err(Error::setting(message));
            }
        }
    }
    let config = first.map_or_else(|| nearest(&here), |(_, config)| config);
    Ok(config.map(|config| from(&here, &config)))
}

/// The nearest config in a directory or above. The search stops at the root of a repository.
pub(super) fn nearest(folder: &Path) -> Option<PathBuf> {
    for folder in folder.ancestors() {
        let config = folder.join(CONFIG_NAME);
        if config.is_file() {
            return Some(config);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

// The directories, from the root on, of the files that a path means, each with the file's name; none for standard input.
fn folders(given: &str, here: &Path) -> Vec<(String, PathBuf)> {
    if given == "-" {
        return Vec::new();
    }
    let path = Path::new(revision::split(given).map_or(given, |(_, path)| path));
    if !path.exists() && given.contains(['*', '?', '[', '{']) {
        let files = expand(&[given.to_owned()]).0;
        let folder = |file: open::Input| Some((file.name.to_string(), absolute(file.path?.parent()?, here)));
        let found: Vec<(String, PathBuf)> = files.into_iter().filter_map(folder).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    folder.map(|folder| (given.to_owned(), absolute(folder, here))).into_iter().collect()
}

fn absolute(folder: &Path, here: &Path) -> PathBuf {
    let joined = here.join(folder);
    let goes_up = folder.components().any(|part| matches!(part, Component::ParentDir));
    // Without resolving symbolic links, so that its ancestors are those of the path as given.
    if goes_up { joined.canonicalize().unwrap_or(joined) } else { joined.components().collect() }
}

// A path relative to the working directory.
fn from(here: &Path, path: &Path) -> PathBuf {
    let common = here.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    // Only the root is common.
    if common <= 1 {
        return path.to_owned();
    }
    let up = here.components().count() - common;
    std::iter::repeat_n(Component::ParentDir, up).chain(path.components().skip(common)).collect()
}
