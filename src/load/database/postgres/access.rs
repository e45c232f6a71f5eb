//! Who may go where: the address of a database, its password, and how the way is secured.
//!
//! The address is a URL as everywhere with PostgreSQL. What it leaves out comes from the environment (`PGHOST`, `PGPORT`,
//! `PGUSER`, `PGDATABASE`, `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT`) and from the password file. A password is never shown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};

use super::tls::{self, Mode};
use super::{failed, told};

/// How to get to a database.
pub struct Access {
    config: Config,
    mode: Mode,
    root: Option<Vec<u8>>,
    // What may be the reason where the server does not let us in.
    doubt: Option<String>,
    /// The database as it is shown.
    pub shown: String,
    /// Whether the address holds the password, which other users of this machine can see while the program runs.
    pub exposes_password: bool,
}

impl Access {
    /// Reads a URL, and what it leaves out from `environment`.
    ///
    /// # Errors
    /// When the URL is none, or a file it names cannot be read.
    pub fn new(url: &str, environment: &dyn Fn(&str) -> Option<String>) -> io::Result<Self> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let mut rest = Vec::new();
        let (mut mode, mut root) = (environment("PGSSLMODE"), environment("PGSSLROOTCERT"));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let value = |value: &str| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            match pair.split_once('=') {
                Some(("sslmode", name)) => mode = Some(value(name)),
                Some(("sslrootcert", path)) => root = Some(value(path)),
                _ => rest.push(pair),
            }
        }
        let address = with_port(address, environment("PGPORT"));
        let plain = if rest.is_empty() { address } else { format!("{address}?{}", rest.join("&")) };
        // What is wrong with it may be its password, so the reason is not told in its words.
        let mut config: Config = plain.parse().map_err(|_| io::Error::other("not an address such as postgres://USER@HOST/DATABASE"))?;
        let exposes_password = config.get_password().is_some();
        if config.get_hosts().is_empty() {
            config.host(environment("PGHOST").as_deref().unwrap_or("localhost"));
            if let Some(port) = environment("PGPORT").and_then(|port| port.parse().ok()).filter(|_| config.get_ports().is_empty()) {
                config.port(port);
            }
        }
        if config.get_user().is_none() {
            config.user(environment("PGUSER").or_else(|| environment("USER")).as_deref().unwrap_or("postgres"));
        }
        if config.get_dbname().is_none() {
            let name = environment("PGDATABASE").unwrap_or_else(|| config.get_user().unwrap_or("postgres").to_owned());
            config.dbname(&name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(30));
        }
        if config.get_application_name().is_none() {
            config.application_name("chancery");
        }
        let (host, is_near) = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => {
                (host.clone(), host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
            }
            #[cfg(unix)]
            Some(Host::Unix(path)) => (path.display().to_string(), true),
            _ => (String::new(), false),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let shown = format!("postgres://{host}:{port}/{}", config.get_dbname().unwrap_or_default());
        let mut doubt = None;
        if config.get_password().is_none() {
            let user = config.get_user().unwrap_or_default().to_owned();
            let file = environment("PGPASSFILE").map(PathBuf::from).or_else(|| Some(PathBuf::from(environment("HOME")?).join(".pgpass")));
            let wanted = [&*host, &port.to_string(), config.get_dbname().unwrap_or_default(), &user];
            let mut of_file = |file: Option<PathBuf>| {
                let (file, text) = file.and_then(|file| fs::read_to_string(&file).ok().map(|text| (file, text)))?;
                let found = listed(&text, wanted)?;
                if is_open_to_others(&file) {
                    doubt =
                        Some(format!("the password in {} is passed over, since others can read the file; chmod 0600 it", file.display()));
                    return None;
                }
                Some(found)
            };
            if let Some(password) = environment("PGPASSWORD").or_else(|| of_file(file)) {
                config.password(password);
            }
        }
        let mode = match mode {
            Some(name) => Mode::named(&name).ok_or_else(|| io::Error::other(format!("no sslmode is called {name}")))?,
            // Beyond this machine nobody is believed unseen.
            None => {
                if is_near {
                    Mode::Prefer
                } else {
                    Mode::VerifyFull
                }
            }
        };
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        let read = |path: String| fs::read(&path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")));
        let root = root.map(read).transpose()?;
        Ok(Self { config, mode, root, doubt, shown, exposes_password })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When the server does not let us in.
    pub fn connect(&self) -> io::Result<Client> {
        match self.mode {
            Mode::Disable => self.config.connect(NoTls),
            mode => self.config.connect(tls::connector(mode, self.root.as_deref())?),
        }
        .map_err(|error| match &self.doubt {
            Some(doubt) => io::Error::other(format!("{}; {doubt}", failed(error))),
            // Whether the server asks for a password is known only now.
            None if self.config.get_password().is_none() && told(&error).contains("password") => {
                io::Error::other(format!("{}; set PGPASSWORD, or add the server to the password file (~/.pgpass)", failed(error)))
            }
            None => failed(error),
        })
    }
}

// An address that names one host and no port, with this one.
fn with_port(address: &str, port: Option<String>) -> String {
    let Some((port, (scheme, rest))) = port.zip(address.split_once("//")) else { return address.to_owned() };
    let (place, database) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let has_port = host.rsplit(']').next().is_some_and(|host| host.contains(':'));
    if host.is_empty() || has_port || host.contains(',') { address.to_owned() } else { format!("{scheme}//{place}:{port}{database}") }
}

// Whether anybody but the owner can read a file, which the libraries of PostgreSQL take for no secret either.
#[cfg(unix)]
fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &Path) -> bool {
    false
}

// The password in a password file for a host, port, database and user.
fn listed(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = vec![String::new()];
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ':' if fields.len() < 5 => fields.push(String::new()),
                '\\' => fields.last_mut()?.extend(letters.next()),
                letter => fields.last_mut()?.push(letter),
            }
        }
        let fits = fields.len() == 5 && fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        if fits { fields.pop() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(url: &str, environment: &[(&str, &str)]) -> io::Result<Access> {
        Access::new(url, &|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn addresses() {
        for (url, shown, mode) in [
            ("postgres://u:secret@db.example.org/d", "postgres://db.example.org:5432/d", Mode::VerifyFull),
            ("postgresql://u@localhost:5433/d?sslmode=require&connect_timeout=3", "postgres://localhost:5433/d", Mode::Require),
            ("postgres://u@127.0.0.1", "postgres://127.0.0.1:5432/u", Mode::Prefer),
        ] {
            let access = access(url, &[("HOME", "/nowhere")]).expect("an address");
            assert_eq!((access.shown.as_str(), access.mode), (shown, mode), "{url}");
        }
        for (url, shown) in [
            ("postgres://u@h/d", "postgres://h:5433/d"),
            ("postgres://u@h:5434", "postgres://h:5434/base"),
            ("postgres://u@[::1]/d", "postgres://::1:5433/d"),
            ("postgres://u@/d", "postgres://there:5433/d"),
            ("postgres://", "postgres://there:5433/base"),
        ] {
            let access = access(url, &[("PGPORT", "5433"), ("PGDATABASE", "base"), ("PGHOST", "there")]).expect("an address");
            assert_eq!(access.shown, shown, "{url}");
        }
        assert!(access("postgres://u@h/d?sslmode=perhaps", &[]).is_err());
        let error = access("postgres://u:secret@h:port/d", &[]).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(!error.is_empty() && !error.contains("secret"), "{error}");
    }

    #[test]
    fn passwords() {
        let password = |environment: &[(&str, &str)], url: &str| access(url, environment).ok()?.config.get_password().map(<[u8]>::to_vec);
        assert_eq!(password(&[("PGPASSWORD", "p")], "postgres://u@h/d").as_deref(), Some(&b"p"[..]));
        assert_eq!(password(&[("PGPASSWORD", "p")], "postgres://u:q@h/d").as_deref(), Some(&b"q"[..]));
        let file = "# all\nh:5432:d:v:no\nh:*:d:u:a\\:b\\\\c:d\n*:*:*:*:last";
        assert_eq!(listed(file, ["h", "5432", "d", "u"]).as_deref(), Some("a:b\\c:d"));
        assert_eq!(listed(file, ["other", "5432", "d", "u"]).as_deref(), Some("last"));
        assert_eq!(listed("", ["h", "5432", "d", "u"]), None);
    }
}
