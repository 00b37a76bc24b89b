//! The address of a Postgres database. It may hold a password, so it shows itself without one.

use std::fmt;

use url::Url;

/// `postgres://user@host/database`, known to be well-formed. As text its password is hidden.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Url);

impl PostgresUrl {
    /// What is expected of such an address.
    pub(super) const EXPECTED: &'static str = "\"postgres://USER@HOST/DATABASE\"";

    /// Whether a text means to be one.
    pub(super) fn is_meant(text: &str) -> bool {
        text.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
    }

    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong, without repeating any part of the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is not an address ({error})"))?;
        if !is_scheme(url.scheme()) || url.cannot_be_a_base() {
            return Err("does not begin with postgres://".to_owned());
        }
        let parameter = |name: &str| url.query_pairs().any(|(key, value)| key == name && !value.is_empty());
        if url.host_str().is_none_or(str::is_empty) && !parameter("host") && !parameter("hostaddr") {
            return Err("names no host".to_owned());
        }
        match url.path().strip_prefix('/').unwrap_or_default() {
            "" if !parameter("dbname") => Err("names no database after the host".to_owned()),
            name if name.contains('/') => Err("has more than a database's name after the host".to_owned()),
            // An unescaped `#` in a password ends the address there.
            _ if url.fragment().is_some() => {
                Err("holds a #, which ends an address; in a password write it as %23".to_owned())
            }
            _ => Ok(Self(url)),
        }
    }

    /// The address itself, for the connection alone.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

fn is_scheme(scheme: &str) -> bool {
    ["postgres", "postgresql"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// Parameters of the query whose value is nobody's business.
const HIDDEN: [&str; 2] = ["password", "sslkey"];

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        if shown.password().is_some() {
            // An address that has a password has a host, and then it takes another one.
            shown.set_password(Some("***")).map_err(|()| fmt::Error)?;
        }
        if let Some(query) = self.0.query() {
            let hide = |pair: &str| match url::form_urlencoded::parse(pair.as_bytes()).next() {
                Some((name, _)) if HIDDEN.contains(&&*name) => format!("{name}=***"),
                _ => pair.to_owned(),
            };
            shown.set_query(Some(&query.split('&').map(hide).collect::<Vec<_>>().join("&")));
        }
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_to_the_connection_as_it_was_written() {
        for text in [
            "postgres://backfill@db.lan/history",
            "postgresql://backfill:s3cr3t@db.lan:5433/history?sslmode=require",
            "postgres:///history?host=/var/run/postgresql",
            "postgres://backfill@%2Fvar%2Frun%2Fpostgresql/history",
            "postgres://[::1]/history",
            "postgres://db/?dbname=history",
        ] {
            assert_eq!(PostgresUrl::parse(text).unwrap().expose(), text);
        }
    }

    #[test]
    fn a_password_is_never_shown_wherever_it_stands() {
        for (text, shown) in [
            ("postgres://u:hush@db:5433/x?sslmode=require", "postgres://u:***@db:5433/x?sslmode=require"),
            (
                "postgres://db/x?user=u&password=hush&sslmode=require",
                "postgres://db/x?user=u&password=***&sslmode=require",
            ),
            ("postgres://db/x?p%61ssword=hush", "postgres://db/x?password=***"),
            ("postgres://u:hush@%2Fsock/x", "postgres://u:***@%2Fsock/x"),
            ("postgres://u@db/x", "postgres://u@db/x"),
        ] {
            let url = PostgresUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("PostgresUrl({shown})"));
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_without_repeating_it() {
        for (text, wrong) in [
            ("postgres://u:hush@db:port/x", "is not an address (invalid port number)"),
            ("postgres://u:hu/sh@db/x", "is not an address (invalid port number)"),
            ("postgres://u:hush@/x", "is not an address (empty host)"),
            ("postgres:///x", "names no host"),
            ("postgres:hush", "does not begin with postgres://"),
            ("postgres://u:hush@db", "names no database after the host"),
            ("postgres://u:hush@db/", "names no database after the host"),
            ("postgres://u:hush@db/x/y", "has more than a database's name after the host"),
            (
                "postgres://u@db/x?password=a#hush",
                "holds a #, which ends an address; in a password write it as %23",
            ),
        ] {
            assert_eq!(PostgresUrl::parse(text).unwrap_err(), wrong, "{text}");
        }
    }
}
