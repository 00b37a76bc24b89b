//! `[[source]]`: which component, what it may reach, with which credential, how often.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Caps, Component, CredentialSpec, Origin, Position, SourceId, host_grant,
    reading::{FromText, Item, Section},
};
use crate::egress::{Grant, Rate};

/// One `[[source]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What it is called.
    pub id: SourceId,
    /// Whether it runs at all.
    pub enabled: bool,
    /// Its component. Whether it exists is not checked here: see [`check_sources`](super::check_sources).
    pub component: Component,
    /// The digest that the component must have: SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: Option<String>,
    /// Whether it must pass the conformance checks before it is used.
    pub require_conformance: bool,
    /// The folder of cases for that.
    pub conformance_cases: Option<PathBuf>,
    /// The hosts that it may reach.
    pub hosts: Vec<Grant>,
    /// What is added to its requests outside the sandbox.
    pub credential: Option<CredentialSpec>,
    /// How often its upstream may be asked, by all hosts together; nothing is no limit.
    pub rate: Option<Rate>,
    /// Calls at once.
    pub concurrency: u32,
    /// How long everybody holds off after a 429 that says not how long.
    pub penalty: Duration,
    /// How long an archived answer serves identical requests; zero never.
    pub reuse_for: Duration,
    /// Whether its component may be one of the standard `wasi:http`, in place of the contract's own `http`.
    pub wasi_http: bool,
    /// What one call may use.
    pub caps: Caps,
    /// `[source.settings]`: what the source itself reads. Numbers and booleans as their text.
    pub settings: BTreeMap<String, String>,
    /// Where all this is written.
    pub written: Written,
}

/// Where a source is written, for problems that show only later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// `source[0]`.
    pub key: String,
    /// Of the value of `component`.
    pub component: Option<Position>,
    /// Of the value of `sha256`.
    pub sha256: Option<Position>,
    /// Of the value of `credential`.
    pub credential: Option<Position>,
}

/// A digest in hexadecimal.
struct Sha256(String);

impl FromText for Sha256 {
    const EXPECTED: &'static str = "the SHA-256 of the component, 64 hexadecimal digits";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!("{text:?} is not a SHA-256 digest"))
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// All sources; of two with one id, the later has a problem.
pub(super) fn read_all(sections: Vec<Section<'_>>, folder: &Path) -> Vec<Source> {
    let mut lines = BTreeMap::new();
    sections.into_iter().filter_map(|section| Source::read(section, folder, &mut lines)).collect()
}

impl Source {
    /// Whether another one says the same of it, wherever it is written.
    pub fn says_the_same(&self, other: &Self) -> bool {
        *self == Self { written: self.written.clone(), ..other.clone() }
    }

    /// The file that its credential is in, if it is in one.
    pub fn credential_file(&self) -> Option<&Path> {
        match &self.credential.as_ref()?.from {
            Origin::File(path) => Some(path),
            Origin::Env(_) => None,
        }
    }

    /// `lines` holds the line of each id seen so far.
    fn read(section: Section<'_>, folder: &Path, lines: &mut BTreeMap<SourceId, usize>) -> Option<Self> {
        let id = own_id(&section, lines);
        let component = section.required("component", Component::EXPECTED);
        let (sha256, credential) = (section.item("sha256"), section.item("credential"));
        let written = Written {
            key: section.path().to_owned(),
            component: component.as_ref().map(Item::position),
            sha256: sha256.as_ref().map(Item::position),
            credential: credential.as_ref().map(Item::position),
        };
        let component = component.and_then(|item| Component::read(&item, folder, sha256.is_some()));
        // Everything is read before anything missing ends this, so that every problem shows.
        let (enabled, rate) = (section.flag("enabled", true), section.text("rate"));
        let hosts = hosts(&section);
        let sha256 = sha256.and_then(|item| item.text()).map(|Sha256(digest)| digest);
        let credential = credential.and_then(|item| CredentialSpec::read(&item, folder));
        let concurrency = section.count("concurrency", 4, 1..=1024);
        let penalty = section.bounded("penalty", 600 * SECOND, SECOND..=7 * DAY);
        let reuse_for = section.bounded("reuse_for", DAY / 2, Duration::ZERO..=3660 * DAY);
        let wasi_http = section.flag("wasi_http", false);
        let require_conformance = section.flag("require_conformance", false);
        let conformance_cases = section.text::<String>("conformance_cases").map(|cases| folder.join(cases));
        if conformance_cases.is_some() && !require_conformance {
            let message = "is only looked at with require_conformance = true; expected both, or neither";
            section.problem("conformance_cases", message.to_owned());
        }
        let caps = Caps::read(section.section("caps"));
        let settings = settings(&section.section("settings"));
        section.finish();
        let (id, component) = (id?, component?);
        Some(Self {
            id,
            enabled,
            component,
            sha256,
            require_conformance,
            conformance_cases,
            hosts,
            credential,
            rate,
            concurrency,
            penalty,
            reuse_for,
            wasi_http,
            caps,
            settings,
            written,
        })
    }
}

fn own_id(section: &Section<'_>, lines: &mut BTreeMap<SourceId, usize>) -> Option<SourceId> {
    let item = section.required("id", SourceId::EXPECTED)?;
    let id: SourceId = item.text()?;
    match lines.get(&id) {
        Some(line) => {
            item.problem(format!("{:?} is taken by line {line}; expected an id of its own", id.as_str()))
        }
        None => {
            lines.insert(id.clone(), item.position().line);
            Some(id)
        }
    }
}

fn hosts(section: &Section<'_>) -> Vec<Grant> {
    let items =
        section.item("hosts").map(|item| item.list("an array of hosts, such as [\"api.example.org\"]"));
    items.iter().flatten().filter_map(host_grant::read).collect()
}

fn settings(section: &Section<'_>) -> BTreeMap<String, String> {
    section.entries().into_iter().filter_map(|(name, item)| Some((name, item.scalar()?))).collect()
}
