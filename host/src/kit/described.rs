//! What a component says of itself, judged: the host, the pages and operators rely on every field.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use url::{Host, Url};

use crate::{domain::Month, egress::Grant, source::Said};

/// What is wrong with a field, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The field of `description`, as the contract spells it.
    pub(super) field: &'static str,
    /// What is wrong.
    pub(super) what: String,
    /// What to do.
    pub(super) mend: &'static str,
}

/// A lag longer than this is a mistake: the slowest upstreams publish within a year.
const LONGEST_LAG_DAYS: u16 = 400;

/// Words of which a setting's name has none: credentials belong to the host.
const SECRETS: [&str; 13] = [
    "token",
    "tokens",
    "apikey",
    "password",
    "passwd",
    "pwd",
    "pass",
    "secret",
    "credential",
    "credentials",
    "auth",
    "authorization",
    "bearer",
];

/// Words before `key` with which it is one to a door, and not one to sort by.
const OF_A_KEY: [&str; 9] =
    ["api", "access", "app", "client", "license", "private", "security", "subscription", "user"];

/// What is wrong with a description, but for settings that ask for secrets.
pub(super) fn faults(said: &Said, now: DateTime<Utc>) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut add = |field, what: String, mend| found.push(Fault { field, what, mend });
    for (field, text) in [("name", &said.name), ("summary", &said.summary), ("unit-code", &said.unit_code)] {
        if text.trim().is_empty() {
            add(field, "it is empty".to_owned(), "say it in a few words, for people");
        }
    }
    if !is_version(&said.version) {
        add(
            "version",
            format!("{:?} is no version", said.version),
            "three numbers such as 0.1.0; in Rust env!(\"CARGO_PKG_VERSION\")",
        );
    }
    let mut zone = None;
    match said.month_zone.parse::<Tz>() {
        Ok(known) => zone = Some(known),
        Err(_) => add(
            "month-zone",
            format!("{:?} is no IANA time zone", said.month_zone),
            "the zone whose calendar months the upstream reports in, e.g. UTC or Asia/Taipei",
        ),
    }
    if let Some(text) = &said.first_month {
        match text.parse::<Month>() {
            Err(why) => add("first-month", why.to_string(), "YYYY-MM, or leave it out"),
            Ok(first) => {
                let this = Month::of(now, zone.unwrap_or(Tz::UTC));
                if this.is_ok_and(|this| first > this) {
                    add(
                        "first-month",
                        format!("{first} is in the future"),
                        "the first month with history; leave it out where there is none",
                    );
                }
            }
        }
    }
    if said.publication_lag_days > LONGEST_LAG_DAYS {
        add(
            "publication-lag-days",
            format!("{} days", said.publication_lag_days),
            "days after a month's end until it is normally complete, at most 400",
        );
    }
    hosts(said, &mut found);
    settings(said, &mut found);
    found
}

/// Settings that ask for a secret, by name.
pub(super) fn secrets(said: &Said) -> Vec<&str> {
    let names = said.settings.iter().map(|setting| setting.name.as_str());
    names.filter(|name| is_secret(name)).collect()
}

/// Whether a name, of a setting or a parameter, is that of a credential.
pub(super) fn is_secret(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (before.is_ascii_lowercase() && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    let is_key = match words.as_slice() {
        [only] => only == "key",
        words => words.windows(2).any(|two| two[1] == "key" && OF_A_KEY.contains(&two[0].as_str())),
    };
    is_key || words.iter().any(|word| SECRETS.contains(&word.as_str()))
}

fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = core.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

fn hosts(said: &Said, found: &mut Vec<Fault>) {
    let mut add = |what: String, mend| found.push(Fault { field: "hosts", what, mend });
    for host in &said.hosts {
        match Grant::parse(host) {
            Err(why) => add(why, "a name such as api.example.org, or https://api.example.org:8443"),
            Ok(_) if is_inner(host) => add(
                format!("{host:?} is this machine or a private network"),
                "name the upstream; operators point a setting `base_url` elsewhere, and grant that",
            ),
            Ok(_) => {}
        }
    }
    let default = |value: &String| Url::parse(value).is_ok_and(|url| url.has_host());
    let addressed = said.settings.iter().any(|it| it.default.as_ref().is_none_or(default));
    if said.hosts.is_empty() && !addressed {
        add(
            "there is none, and no setting could name one".to_owned(),
            "name every host that the source asks; it reaches no other",
        );
    }
}

/// Whether a host is one that only its own network reaches.
fn is_inner(host: &str) -> bool {
    let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    match Url::parse(&text).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        Some(Host::Ipv6(ip)) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local(),
        None => false,
    }
}

fn settings(said: &Said, found: &mut Vec<Fault>) {
    let mut add = |what: String, mend| found.push(Fault { field: "settings", what, mend });
    let mut seen: Vec<&str> = Vec::new();
    for setting in &said.settings {
        let name = setting.name.as_str();
        let is_key =
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c));
        if !is_key {
            add(
                format!("{name:?} is no name"),
                "letters, digits, `_` and `-`: it is a key of [source.settings] in backfill.toml",
            );
        } else if seen.contains(&name) {
            add(format!("{name:?} is there twice"), "one setting for one thing");
        }
        if setting.summary.trim().is_empty() {
            add(format!("{name:?} has no summary"), "say what it does, for who writes backfill.toml");
        }
        seen.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Setting;

    fn setting(name: &str) -> Setting {
        Setting { name: name.into(), summary: "does something".into(), default: None }
    }

    fn good() -> Said {
        Said {
            name: "parks".into(),
            version: "1.2.3-rc.1".into(),
            summary: "Parks".into(),
            unit_code: "a name".into(),
            hosts: vec!["parks.example.org".into(), "*.example.com".into()],
            settings: vec![setting("base_url"), setting("keyboard")],
            month_zone: "Asia/Taipei".into(),
            publication_lag_days: 45,
            first_month: Some("2026-05".into()),
        }
    }

    fn fields(change: impl FnOnce(&mut Said)) -> Vec<&'static str> {
        let mut said = good();
        change(&mut said);
        let now = "2026-05-01T00:00:00Z".parse().unwrap();
        faults(&said, now).into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn each_field_that_the_host_can_not_rely_on_is_named() {
        assert_eq!(fields(|_| ()), [""; 0]);
        assert_eq!(fields(|it| it.name = " ".into()), ["name"]);
        assert_eq!(fields(|it| it.unit_code.clear()), ["unit-code"]);
        for version in ["", "1.0", "v1.0.0", "1.0.x"] {
            assert_eq!(fields(|it| it.version = version.into()), ["version"], "{version}");
        }
        assert_eq!(fields(|it| it.month_zone = "Taipei".into()), ["month-zone"]);
        assert_eq!(fields(|it| it.first_month = Some("May".into())), ["first-month"]);
        assert_eq!(fields(|it| it.first_month = Some("2026-06".into())), ["first-month"]);
        assert_eq!(fields(|it| it.publication_lag_days = 401), ["publication-lag-days"]);
        for host in ["localhost", "http://127.0.0.1:80", "10.0.0.1", "https://[::1]", "a b"] {
            assert_eq!(fields(|it| it.hosts = vec![host.into()]), ["hosts"], "{host}");
        }
        assert_eq!(fields(|it| (it.hosts, it.settings) = Default::default()), ["hosts"]);
        assert_eq!(
            fields(|it| it.settings = vec![setting("a"), setting("a"), setting("a b")]),
            ["settings"; 2]
        );
        assert_eq!(fields(|it| it.settings[0].summary.clear()), ["settings"]);
    }

    #[test]
    fn a_setting_that_asks_for_a_secret_is_known_by_the_words_of_its_name() {
        let mut said = good();
        let names = [
            "api_key",
            "securityToken",
            "X-Subscription-Key",
            "key",
            "monkey",
            "sort_key",
            "PASSWORD",
            "author",
        ];
        said.settings.extend(names.map(setting));
        let asking = ["api_key", "securityToken", "X-Subscription-Key", "key", "PASSWORD"];
        assert_eq!(secrets(&said), asking);
    }
}
