//! Connection configuration: the address of a database, its password, and TLS.
//!
//! The address is a PostgreSQL URL. Missing parts come from the environment (`PGHOST`, `PGPORT`, `PGUSER`,
//! `PGDATABASE`, `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT`) and from the password file. A password is never shown.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};

use super::tls::{self, TlsMode};
use super::{failed, server_message};
use crate::database::watch::{self, Flag, Watch};

/// How to connect to a database.
#[derive(Clone)]
pub struct ConnectionConfig {
    config: Config,
    mode: TlsMode,
    root: Option<Vec<u8>>,
    // The likely reason if the server rejects the connection.
    hint: Option<String>,
    /// The display name of the database.
    pub shown: String,
    /// Whether the address contains the password, which other users of this machine can see while the program runs.
    pub exposes_password: bool,
}

impl ConnectionConfig {
    /// Parses a URL, with missing parts from `environment`.
    ///
    /// # Errors
    /// When the URL is invalid, or a file it names cannot be read.
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
        // The invalid part may be the password, so the reason is not quoted.
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
                    doubt = Some(format!(
                        "the password in {} is ignored, because other users can read the file; run chmod 0600 on it",
                        file.display()
                    ));
                    return None;
                }
                Some(found)
            };
            if let Some(password) = environment("PGPASSWORD").or_else(|| of_file(file)) {
                config.password(password);
            }
        }
        let mode = match mode {
            Some(name) => TlsMode::named(&name).ok_or_else(|| io::Error::other(format!("unknown sslmode {name}")))?,
            // Remote servers are verified by default.
            None => {
                if is_near {
                    TlsMode::Prefer
                } else {
                    TlsMode::VerifyFull
                }
            }
        };
        config.ssl_mode(match mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        let read = |path: String| fs::read(&path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")));
        let root = root.map(read).transpose()?;
        Ok(Self { config, mode, root, hint: doubt, shown, exposes_password })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn connect(&self) -> io::Result<Client> {
        match self.mode {
            TlsMode::Disable => self.config.connect(NoTls),
            mode => self.config.connect(tls::connector(mode, self.root.as_deref())?),
        }
        .map_err(|error| match &self.hint {
            Some(doubt) => io::Error::other(format!("{}; {doubt}", failed(error))),
            // Whether the server asks for a password is known only now.
            None if self.config.get_password().is_none() && server_message(&error).contains("password") => {
                io::Error::other(format!("{}; set PGPASSWORD, or add the server to the password file (~/.pgpass)", failed(error)))
            }
            None => failed(error),
        })
    }
}

impl ConnectionConfig {
    /// Opens a connection and watches it: an interrupted run cancels its statement, and a long wait for a lock names the lock's
    /// holder.
    ///
    /// # Errors
    /// When the server does not let us in, or the run is interrupted.
    pub(super) fn connect_watched(&self, flag: Flag) -> io::Result<(Client, Watch)> {
        let access = self.clone();
        let (client, pid) = watch::apart(flag, move || {
            let mut client = access.connect()?;
            let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).and_then(|row| row.try_get(0)).map_err(failed)?;
            Ok((client, pid))
        })?;
        let (token, mode, root) = (client.cancel_token(), self.mode, self.root.clone());
        let cancel = move || {
            // Where it fails, it is tried again.
            let _ = match mode {
                TlsMode::Disable => token.cancel_query(NoTls).is_ok(),
                mode => tls::connector(mode, root.as_deref()).is_ok_and(|tls| token.cancel_query(tls).is_ok()),
            };
        };
        let (access, mut second) = (self.clone(), None);
        let watch = Watch::start(flag, cancel, move || access.report_holders(pid, &mut second))?;
        Ok((client, watch))
    }

    // Says who holds the lock that a process waits for, over a second connection. Where that cannot be asked, the first one may
    // still end well.
    fn report_holders(&self, pid: i32, second: &mut Option<Client>) -> bool {
        let holders = "SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(host(client_addr), '') FROM pg_stat_activity \
                       WHERE pid = ANY(pg_blocking_pids($1)) ORDER BY pid";
        let client = match second {
            Some(client) => client,
            None => match self.connect() {
                Ok(client) => second.insert(client),
                Err(_) => return false,
            },
        };
        let Ok(rows) = client.query(holders, &[&pid]) else {
            *second = None;
            return false;
        };
        for row in &rows {
            let text = |at: usize| row.try_get::<_, String>(at).unwrap_or_default();
            let (user, application, host) = (text(1), text(2), text(3));
            let warning = format!(
                "{}: waiting for a lock held by process {} (user {user}, application {application:?}, host {host:?})",
                self.shown,
                row.try_get::<_, i32>(0).unwrap_or_default()
            );
            watch::report(&warning);
        }
        !rows.is_empty()
    }
}

// An address that names one host and no port, with this port.
fn with_port(address: &str, port: Option<String>) -> String {
    let Some((port, (scheme, rest))) = port.zip(address.split_once("//")) else { return address.to_owned() };
    let (place, database) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    let has_port = host.rsplit(']').next().is_some_and(|host| host.contains(':'));
    if host.is_empty() || has_port || host.contains(',') { address.to_owned() } else { format!("{scheme}//{place}:{port}{database}") }
}

// Whether other users can read a file, which PostgreSQL's libraries do not accept as a secret either.
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

    fn access(url: &str, environment: &[(&str, &str)]) -> io::Result<ConnectionConfig> {
        ConnectionConfig::new(url, &|name| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn addresses() {
        for (url, shown, mode) in [
            ("postgres://u:secret@db.example.org/d", "postgres://db.example.org:5432/d", TlsMode::VerifyFull),
            ("postgresql://u@localhost:5433/d?sslmode=require&connect_timeout=3", "postgres://localhost:5433/d", TlsMode::Require),
            ("postgres://u@127.0.0.1", "postgres://127.0.0.1:5432/u", TlsMode::Prefer),
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
