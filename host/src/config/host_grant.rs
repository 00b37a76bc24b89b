//! `hosts`: what a source may reach, as people write it. What a grant means is egress policy.

use super::reading::{FromText, Item};
use crate::egress::Grant;

const EXPECTED: &str = "a host such as \"api.example.org\", \"*.example.org\", \"localhost:8900\" or \
     \"http://localhost:8900\", without path, user or query; or { host = \"…\", private = true } for one inside a \
     private network";

impl FromText for Grant {
    const EXPECTED: &'static str = EXPECTED;

    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// Reads an entry of `hosts`: a text, or a table with `private`.
pub(super) fn read(item: &Item<'_>) -> Option<Grant> {
    if item.is_text() {
        return item.text();
    }
    let section = item.section(EXPECTED)?;
    let host: Option<Grant> = section.required("host", EXPECTED).and_then(|item| item.text());
    let private = section.flag("private", false);
    section.finish();
    host.map(|host| if private { host.with_private() } else { host })
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
            assert_eq!(Grant::from_text(text).map(drop), Ok(()), "{text}");
        }
        assert_eq!(Grant::from_text("API.eia.gov"), Grant::from_text("https://api.eia.gov:443"));
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
            assert!(Grant::from_text(text).is_err(), "{text}");
        }
    }
}
