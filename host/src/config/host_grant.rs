//! A host that a source may reach, as people write it.

use url::Host;

use super::reading::{FromText, Item};

/// A grant of `[[source]] hosts`. Its form is checked here; what it allows is egress policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostGrant {
    /// `[http://|https://]NAME[:PORT]`, lower case. NAME is a host name, `*.DOMAIN`, or an address (IPv6 in
    /// brackets).
    pub host: String,
    /// Whether the host may have an address inside a private network or on this machine.
    pub private: bool,
}

/// The host alone, without `private`.
struct HostText(String);

const EXPECTED: &str = "a host such as \"api.example.org\", \"*.example.org\", \"localhost:8900\" or \
     \"http://localhost:8900\", without path, user or query; or { host = \"…\", private = true } for one inside a \
     private network";

impl FromText for HostText {
    const EXPECTED: &'static str = EXPECTED;

    fn from_text(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let authority = match lower.split_once("://") {
            None => lower.as_str(),
            Some(("http" | "https", authority)) => authority,
            Some((scheme, _)) => {
                return Err(format!("{text:?} has the scheme {scheme:?}, not http or https"));
            }
        };
        if let Some(part) = authority.chars().find(|c| "/?#@\\".contains(*c)) {
            return Err(format!("{text:?} holds {part:?}, so that it is more than a host"));
        }
        let (name, port) = match authority.rsplit_once(':') {
            // The last colon of a bare IPv6 address in brackets is none before a port.
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (authority, None),
        };
        if port.is_some_and(|port| !is_port(port)) {
            return Err(format!("{text:?} has no valid port after its colon"));
        }
        if !is_name(name) {
            return Err(format!("{text:?} is not a host"));
        }
        Ok(Self(lower))
    }
}

impl HostGrant {
    pub(super) fn read(item: &Item<'_>) -> Option<Self> {
        if item.is_text() {
            let HostText(host) = item.text()?;
            return Some(Self { host, private: false });
        }
        let section = item.section(EXPECTED)?;
        let host = section.required("host", EXPECTED).and_then(|item| item.text());
        let private = section.flag("private", false);
        section.finish();
        host.map(|HostText(host)| Self { host, private })
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_name(name: &str) -> bool {
    match (name.strip_prefix("*."), Host::parse(name)) {
        // `*.org` would grant a whole registry.
        (Some(domain), _) => {
            domain.contains('.')
                && !domain.contains('*')
                && matches!(Host::parse(domain), Ok(Host::Domain(_)))
        }
        (None, Ok(Host::Domain(domain))) => {
            !domain.contains('*') && !domain.starts_with('.') && !domain.contains("..")
        }
        (None, parsed) => parsed.is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_may_have_a_scheme_a_port_and_a_wildcard() {
        for text in [
            "api.eia.gov",
            "api.eia.gov:8443",
            "http://127.0.0.1:8900",
            "https://data.elexon.co.uk",
            "*.example.org",
            "localhost",
            "[::1]",
            "[::1]:8900",
            "http://[::1]:8900",
            "192.0.2.7",
        ] {
            assert_eq!(HostText::from_text(text).map(|host| host.0), Ok(text.to_owned()), "{text}");
        }
        assert_eq!(HostText::from_text("API.eia.gov").map(|host| host.0), Ok("api.eia.gov".to_owned()));
    }

    #[test]
    fn more_or_less_than_a_host_is_refused() {
        for text in [
            "",
            " ",
            "a b",
            "https://",
            "https://api.eia.gov/",
            "api.eia.gov/v2",
            "user@api.eia.gov",
            "api.eia.gov?x=1",
            "a#b",
            "ftp://api.eia.gov",
            "api.eia.gov:",
            "api.eia.gov:0",
            "api.eia.gov:65536",
            "api.eia.gov:+80",
            "*",
            "*.org",
            "a.*.org",
            "*.*.org",
            "*.10.0.0.1",
            ".org",
            "a..b",
            "::1",
            "[::1",
            "http://http://x",
        ] {
            assert!(HostText::from_text(text).is_err(), "{text}");
        }
    }
}
