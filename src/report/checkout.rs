//! Paths as code hosts know them: from the root of the checkout, wherever in it the program was started.

/// Where the working directory lies in the checkout; without one, paths stay as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkout {
    /// The absolute path of the checkout, with `/` and none at the end; empty where there is none.
    pub root: String,
    /// The working directory below it, with `/` at the end; empty for the root itself.
    pub below: String,
}

impl Checkout {
    /// The path of a file, by its name as it is shown.
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
    use super::Checkout;

    #[test]
    fn paths_from_the_root() {
        let plain = Checkout::default();
        let below = Checkout { root: "/home/me/repo".into(), below: "data/x/".into() };
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
