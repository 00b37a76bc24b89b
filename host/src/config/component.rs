//! `component`: where a source's component is. A file, or elsewhere: then it is named by its digest, so that nobody
//! there can put another one in its place.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use oci_spec::distribution::Reference;
use url::{Host, Url};

use super::reading::Item;

const EXPECTED: &str = "the path of a component, a .wasm file; \"https://…/x.wasm\" beside sha256 = \"…\"; \
     \"oci://registry/repository@sha256:…\"; or { url = \"…\", private = true } for one inside a private network";

/// Where a component is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// A file.
    File(PathBuf),
    /// A file of a web server.
    Web {
        /// Its address.
        url: Url,
        /// Whether it may be on loopback or in a private network, and without TLS.
        private: bool,
    },
    /// An artifact of an OCI registry.
    Oci {
        /// Registry, repository, and the digest of the manifest; or a tag, which is refused when it is to be loaded
        /// with the digest that it stands for.
        reference: Reference,
        /// Whether the registry may be on loopback, without TLS then, or in a private network.
        private: bool,
    },
}

impl Component {
    /// As the configuration names it: the whole address, which may hold a secret.
    pub fn address(&self) -> String {
        match self {
            Self::Web { url, .. } => url.to_string(),
            _ => self.to_string(),
        }
    }

    /// What is expected, with examples.
    pub(super) const EXPECTED: &str = EXPECTED;

    /// The file, unless it is elsewhere.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    /// Reads it; `pinned` says whether `sha256` stands beside it.
    pub(super) fn read(item: &Item<'_>, folder: &Path, pinned: bool) -> Option<Self> {
        let component = if !item.is_table() {
            let text: String = item.text()?;
            parse(&text, folder)
        } else {
            let section = item.section(EXPECTED)?;
            let url: Option<String> = section.required("url", EXPECTED).and_then(|item| item.text());
            let private = section.flag("private", false);
            section.finish();
            parse(&url?, folder).map(|component| component.within(private))
        };
        let refused = match component {
            Ok(component) => match component.refused(pinned) {
                None => return Some(component),
                Some(why) => why,
            },
            Err(why) => format!("{why}; expected {EXPECTED}"),
        };
        item.problem(refused)
    }

    fn within(self, private: bool) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Web { url, .. } => Self::Web { url, private },
            Self::Oci { reference, .. } => Self::Oci { reference, private },
        }
    }

    /// What keeps it from being taken.
    fn refused(&self, pinned: bool) -> Option<String> {
        match self {
            Self::Web { url, private: false } if url.scheme() == "http" => Some(format!(
                "{self} is without TLS; expected https://, or {{ url = \"…\", private = true }} for a server of your own"
            )),
            Self::Web { .. } if !pinned => Some(format!(
                "{self} is taken only by its digest; add sha256 = \"…\", as `sha256sum` shows it of the file that you trust"
            )),
            _ => None,
        }
    }
}

fn parse(text: &str, folder: &Path) -> Result<Component, String> {
    match text.split_once("://") {
        None => Ok(Component::File(folder.join(text))),
        Some(("https" | "http", _)) => web(text),
        Some(("oci", rest)) => oci(rest),
        Some((scheme, _)) => Err(format!("{scheme:?} is none of https and oci")),
    }
}

fn web(text: &str) -> Result<Component, String> {
    let url = Url::parse(text).map_err(|error| format!("it is no address ({error})"))?;
    // The text is not repeated: there may be a password in it.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user or a password has no place in an address".to_owned());
    }
    Ok(Component::Web { url, private: false })
}

fn oci(rest: &str) -> Result<Component, String> {
    // Without a registry, others would take it for one of Docker's.
    let registry = rest.split_once('/').map_or("", |(registry, _)| registry);
    if !(registry.contains(['.', ':']) || registry == "localhost") {
        return Err(format!("oci://{rest} names no registry, such as ghcr.io"));
    }
    let reference: Reference =
        rest.parse().map_err(|error| format!("oci://{rest} is no reference ({error})"))?;
    if reference.digest().is_some_and(|digest| !digest.starts_with("sha256:")) {
        return Err(format!("oci://{rest} has a digest that is no sha256"));
    }
    Ok(Component::Oci { reference, private: false })
}

/// Whether a registry is on this machine; there, they speak plain HTTP.
pub(crate) fn is_loopback(registry: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{registry}")) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            // What follows the path is often a secret.
            Self::Web { url, .. } => f.write_str(url.as_str().split(['?', '#']).next().unwrap_or_default()),
            Self::Oci { reference, .. } => write!(f, "oci://{reference}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        parse(text, Path::new("/etc")).map(|component| component.to_string())
    }

    #[test]
    fn a_component_is_a_file_or_elsewhere() {
        let digest = "a".repeat(64);
        let reference = format!("oci://ghcr.io/parks/fifth@sha256:{digest}");
        for (text, expected) in [
            ("parks.wasm", "/etc/parks.wasm"),
            ("/opt/parks.wasm", "/opt/parks.wasm"),
            ("https://example.org/parks.wasm", "https://example.org/parks.wasm"),
            ("oci://localhost:5000/parks:1.0", "oci://localhost:5000/parks:1.0"),
            (&reference, &reference),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_names_no_place_is_told_and_no_password_is_repeated() {
        for (text, hint) in [
            ("ftp://example.org/x.wasm", "none of https and oci"),
            ("oci://parks/fifth:1", "names no registry"),
            ("oci://ghcr.io", "names no registry"),
            ("oci://ghcr.io/Parks@sha256:12", "is no reference"),
            ("https://me:hush@example.org/x.wasm", "has no place in an address"),
            ("https://", "is no address"),
        ] {
            let why = shown(text).unwrap_err();
            assert!(why.contains(hint) && !why.contains("hush"), "{text}: {why}");
        }
    }

    /// What is said of a source with these lines, which begin at line 3.
    fn said_of(lines: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backfill.toml");
        std::fs::write(&path, format!("[[source]]\nid = \"x\"\n{lines}\n")).unwrap();
        let problems = crate::config::load(&path, &|_| None).err();
        problems.iter().flat_map(crate::config::Problems::iter).map(ToString::to_string).collect()
    }

    #[test]
    fn one_from_elsewhere_is_named_by_its_digest_and_cases_are_for_those_that_must_pass() {
        for (lines, expected) in [
            (
                "component = \"https://a.org/x.wasm\"",
                ":3:13: source[0].component: https://a.org/x.wasm is taken only by its digest",
            ),
            (
                "component = \"http://a.org/x.wasm\"",
                ":3:13: source[0].component: http://a.org/x.wasm is without TLS",
            ),
            (
                "component = { url = \"x.wasm\", privat = true }",
                ":3:31: source[0].component.privat: unknown key; did you mean \"private\"?",
            ),
            (
                "component = \"x.wasm\"\nconformance_cases = \"cases\"",
                ":4:21: source[0].conformance_cases: is only looked at with require_conformance",
            ),
        ] {
            let said = said_of(lines);
            assert!(matches!(said.as_slice(), [one] if one.contains(expected)), "{said:#?}");
        }
        let digest = "a".repeat(64);
        for lines in [
            format!("component = \"oci://ghcr.io/a/b@sha256:{digest}\""),
            format!(
                "component = {{ url = \"http://10.0.0.1/x.wasm\", private = true }}\nsha256 = \"{digest}\""
            ),
            "component = \"x.wasm\"\nrequire_conformance = true\nconformance_cases = \"cases\"".to_owned(),
        ] {
            assert_eq!(said_of(&lines), Vec::<String>::new(), "{lines}");
        }
    }

    #[test]
    fn only_registries_of_this_machine_speak_plain_http() {
        for (registry, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("[::1]:5000", true),
            ("ghcr.io", false),
            ("10.0.0.1:5000", false),
        ] {
            assert_eq!(is_loopback(registry), loopback, "{registry}");
        }
    }
}
