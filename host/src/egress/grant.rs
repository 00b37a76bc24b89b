//! Grants: which scheme, host and port a source may reach. Pure; who asked and who gave is the registry's affair.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use super::address::{self, Reach};

/// One entry of a source's `hosts`: `api.example.org` (https, port 443), `api.example.org:8443`,
/// `http://host:8080`, `*.example.org` (any one or more labels before `.example.org`), or a literal address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    scheme: Scheme,
    host: Pattern,
    port: u16,
    private: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(Host),
    /// The part after `*.`.
    Below(String),
}

/// Which addresses a granted name may resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Opens {
    Public,
    /// What `localhost` means, and nothing else.
    Loopback,
    /// `private = true`.
    Private,
}

impl Grant {
    /// Reads an entry of `hosts`. The error says what was expected instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("{text:?} is not a host that can be granted: {why}"));
        let (scheme, rest) = match text.split_once("://") {
            None => (Scheme::Https, text),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some(("http", rest)) => (Scheme::Http, rest),
            Some((other, _)) => return fail(&format!("the scheme `{other}` is neither http nor https")),
        };
        if let Some(at) = rest.find(['/', '?', '#']) {
            let host = rest.get(..at).unwrap_or_default();
            return fail(&format!("a grant covers a whole host, so leave out the path: `{host}`"));
        }
        if rest.contains('@') {
            return fail("user names and passwords don't belong here; use `credential`");
        }
        if rest.is_empty() || rest.contains(char::is_whitespace) {
            return fail("expected a host such as `api.example.org` or `http://localhost:8080`");
        }
        let (wild, name) = match rest.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, rest),
        };
        if name.contains('*') {
            return fail("a `*` may only be the whole first label, as in `*.example.org`");
        }
        let prefix = if scheme == Scheme::Https { "https" } else { "http" };
        let Ok(url) = Url::parse(&format!("{prefix}://{name}")) else {
            return fail("expected `host` or `host:port`; an IPv6 address goes in brackets");
        };
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return fail("expected `host` or `host:port`");
        };
        if port == 0 || name.ends_with(':') {
            return fail("its port is not one of 1 to 65535");
        }
        if let Host::Domain(name) = host
            && name.split('.').any(str::is_empty)
        {
            return fail("a part of its name is empty");
        }
        let host = match (wild, host.to_owned()) {
            (false, host) => Pattern::Exact(host),
            (true, Host::Domain(name)) if name.trim_end_matches('.').contains('.') => Pattern::Below(name),
            (true, _) => return fail("a wildcard needs a domain of two labels or more after `*.`"),
        };
        Ok(Self { scheme, host, port, private: false })
    }

    /// The exact origin of a URL, as a grant.
    pub(super) fn of(url: &Url) -> Option<Self> {
        let scheme = Scheme::of(url)?;
        let host = Pattern::Exact(url.host()?.to_owned());
        Some(Self { scheme, host, port: url.port_or_known_default()?, private: false })
    }

    /// The origin that it grants; none for a wildcard.
    pub(super) fn origin(&self) -> Option<Url> {
        let Pattern::Exact(host) = &self.host else { return None };
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        Url::parse(&format!("{scheme}://{host}:{}", self.port)).ok()
    }

    /// The same with `private = true`: its names may resolve to loopback and private networks. Link-local and
    /// metadata addresses stay closed; only a literal address opens those.
    #[must_use]
    pub fn with_private(self) -> Self {
        Self { private: true, ..self }
    }

    /// The entry in `backfill.toml` that gives this grant.
    pub fn to_toml(&self) -> String {
        match self.private {
            false => format!("\"{self}\""),
            true => format!("{{ host = \"{self}\", private = true }}"),
        }
    }

    /// Whether the URL's scheme, host and port are covered. A URL with a literal address is covered only by a
    /// grant of that very address; what a name resolves to is checked at the connection, by [`Opens::admits`].
    pub(super) fn covers(&self, url: &Url) -> bool {
        Self::of(url).is_some_and(|origin| self.covers_grant(&origin))
    }

    /// Whether everything that `other` reaches is reached by this one, addresses aside.
    fn covers_grant(&self, other: &Self) -> bool {
        let hosts = match (&self.host, &other.host) {
            (mine, theirs) if mine == theirs => true,
            (Pattern::Below(suffix), Pattern::Exact(Host::Domain(name)) | Pattern::Below(name)) => name
                .strip_suffix(suffix.as_str())
                .is_some_and(|label| label.len() > 1 && label.ends_with('.')),
            _ => false,
        };
        hosts && self.scheme == other.scheme && self.port == other.port
    }

    /// Which addresses a name of this grant may resolve to.
    pub(super) fn opens(&self) -> Opens {
        match &self.host {
            _ if self.private => Opens::Private,
            Pattern::Exact(Host::Domain(name)) if name == "localhost" => Opens::Loopback,
            _ => Opens::Public,
        }
    }
}

impl Scheme {
    fn of(url: &Url) -> Option<Self> {
        match url.scheme() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }
}

impl Opens {
    /// Refuses an address that is not open, saying what it is.
    pub(super) fn admits(self, address: IpAddr) -> Result<(), &'static str> {
        match (self, address::reach(address)) {
            (_, Reach::Public) | (Self::Private, Reach::Private(_)) => Ok(()),
            (Self::Loopback, Reach::Private(_)) if address.to_canonical().is_loopback() => Ok(()),
            (_, Reach::Private(what) | Reach::Special(what)) => Err(what),
        }
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = match self.scheme {
            Scheme::Https => 443,
            Scheme::Http => {
                f.write_str("http://")?;
                80
            }
        };
        match &self.host {
            Pattern::Exact(host) => write!(f, "{host}")?,
            Pattern::Below(suffix) => write!(f, "*.{suffix}")?,
        }
        if self.port == default { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// What a source may reach: what its component asks for and the configuration gives. Where one side is a
/// wildcard the narrower side counts; `private` comes from the configuration alone.
pub fn intersect(asked: &[Grant], given: &[Grant]) -> Vec<Grant> {
    let mut both: Vec<Grant> = Vec::new();
    for give in given {
        for ask in asked {
            let narrower = match (give.covers_grant(ask), ask.covers_grant(give)) {
                (true, _) => ask,
                (false, true) => give,
                (false, false) => continue,
            };
            let grant = Grant { private: give.private, ..narrower.clone() };
            if !both.contains(&grant) {
                both.push(grant);
            }
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::{Grant, Opens, Url, intersect};

    fn grant(text: &str) -> Grant {
        Grant::parse(text).unwrap()
    }

    fn covers(text: &str, url: &str) -> bool {
        grant(text).covers(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_bare_host_means_https_on_443_and_nothing_else() {
        assert!(covers("api.example.org", "https://api.example.org/a?b"));
        assert!(covers("api.example.org", "https://API.example.org:443/"));
        assert!(!covers("api.example.org", "http://api.example.org/"));
        assert!(!covers("api.example.org", "https://api.example.org:8443/"));
        assert!(!covers("api.example.org", "https://api.example.org.evil.net/"));
        assert!(!covers("api.example.org", "https://www.api.example.org/"));
        assert!(!covers("api.example.org", "ftp://api.example.org/"));
    }

    #[test]
    fn ports_and_http_are_granted_by_saying_so() {
        assert!(covers("api.example.org:8443", "https://api.example.org:8443/"));
        assert!(!covers("api.example.org:8443", "https://api.example.org/"));
        assert!(covers("http://127.0.0.1:8080", "http://127.0.0.1:8080/x"));
        assert!(covers("http://127.0.0.1:8080", "http://0x7f.1:8080/x"), "another spelling of one address");
        assert!(covers("http://[::1]:8080", "http://[0:0::1]:8080/x"));
    }

    #[test]
    fn a_wildcard_stands_for_whole_labels_before_the_domain() {
        assert!(covers("*.example.org", "https://a.example.org/"));
        assert!(covers("*.example.org", "https://a.b.example.org/"));
        assert!(!covers("*.example.org", "https://example.org/"));
        assert!(!covers("*.example.org", "https://badexample.org/"));
        assert!(!covers("*.example.org", "https://.example.org/"));
    }

    #[test]
    fn mistakes_in_a_grant_are_explained() {
        for (text, hint) in [
            ("api.example.org/v1", "leave out the path: `api.example.org`"),
            ("https://api.example.org/", "leave out the path: `api.example.org`"),
            ("ftp://api.example.org", "`ftp` is neither http nor https"),
            ("user:pw@api.example.org", "use `credential`"),
            ("*", "first label"),
            ("*.org", "two labels"),
            ("a.*.org", "first label"),
            ("*.10.0.0.1", "two labels"),
            ("", "expected a host"),
            ("two hosts", "expected a host"),
            ("host:99999", "host:port"),
            ("::1", "brackets"),
        ] {
            let error = Grant::parse(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn a_grant_is_shown_as_it_is_written() {
        for text in [
            "api.example.org",
            "api.example.org:8443",
            "http://h:8080",
            "http://h",
            "*.example.org",
            "[::1]:1",
        ] {
            assert_eq!(grant(text).to_string(), text);
        }
        assert_eq!(grant("a.org").to_toml(), r#""a.org""#);
        assert_eq!(grant("a.org").with_private().to_toml(), r#"{ host = "a.org", private = true }"#);
    }

    #[test]
    fn the_intersection_is_the_narrower_of_asked_and_given() {
        let texts = |list: &[&str]| list.iter().map(|text| grant(text)).collect::<Vec<_>>();
        let asked = texts(&["api.example.org", "*.files.net", "http://plain.org", "never.org"]);
        let given = texts(&["*.example.org", "a.files.net", "https://plain.org", "*.files.net", "other.org"]);
        assert_eq!(intersect(&asked, &given), texts(&["api.example.org", "a.files.net", "*.files.net"]));
        assert_eq!(intersect(&asked, &[]), vec![]);
        let private = intersect(&texts(&["a.org"]), &[grant("a.org").with_private()]);
        assert_eq!(private, vec![grant("a.org").with_private()]);
        assert_eq!(intersect(&[grant("a.org").with_private()], &texts(&["a.org"])), texts(&["a.org"]));
    }

    #[test]
    fn a_grant_opens_only_the_addresses_that_it_speaks_of() {
        let ip = |text: &str| text.parse().unwrap();
        let loopback = grant("http://localhost:1").opens();
        assert_eq!(loopback, Opens::Loopback);
        assert!(loopback.admits(ip("127.0.0.1")).is_ok() && loopback.admits(ip("::1")).is_ok());
        assert!(loopback.admits(ip("10.0.0.1")).is_err());
        let private = grant("a.org").with_private().opens();
        assert!(private.admits(ip("10.0.0.1")).is_ok() && private.admits(ip("127.0.0.1")).is_ok());
        assert_eq!(private.admits(ip("169.254.169.254")), Err("cloud metadata"));
        let public = grant("a.org").opens();
        assert!(public.admits(ip("1.1.1.1")).is_ok());
        assert_eq!(public.admits(ip("::ffff:127.0.0.1")), Err("loopback"));
    }
}
