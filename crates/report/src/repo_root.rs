//! Paths relative to the repository root, as code hosts need them.

/// The working directory relative to the repository root; without one, paths stay as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoRoot {
    /// The absolute path of the root, with `/` and none at the end; empty if there is none.
    pub root: String,
    /// The working directory below it, with `/` at the end; empty for the root itself.
    pub below: String,
}

impl RepoRoot {
    /// The path of a file, from its display name.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if name == "-" {
            return name.to_owned();
        }
        if name.starts_with('/') || (cfg!(windows) && name.as_bytes().get(1) == Some(&b':')) {
            let inside = name.strip_prefix(&self.root).and_then(|rest| rest.strip_prefix('/'));
            return inside.filter(|_| !self.root.is_empty()).unwrap_or(name).to_owned();
        }
        let mut parts: Vec<&str> = self.below.split('/').filter(|part| !part.is_empty()).collect();
        for part in name.split('/') {
            match part {
                "." | "" => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::RepoRoot;

    #[test]
    fn paths_from_the_root() {
        let plain = RepoRoot::default();
        let below = RepoRoot { root: "/home/me/repo".into(), below: "data/x/".into() };
        for (name, without, within) in [
            ("a.json", "a.json", "data/x/a.json"),
            ("./b//a.json", "b/a.json", "data/x/b/a.json"),
            ("../a.json", "../a.json", "data/a.json"),
            ("../../../a.json", "../../../a.json", "../a.json"),
            ("/home/me/repo/a.json", "/home/me/repo/a.json", "a.json"),
            ("/home/me/repository/a.json", "/home/me/repository/a.json", "/home/me/repository/a.json"),
            ("-", "-", "-"),
        ] {
            assert_eq!((plain.path(name).as_str(), below.path(name).as_str()), (without, within), "{name}");
        }
    }
}
