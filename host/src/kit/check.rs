//! `source check`: what can be told of a component by looking at its file.

use std::{io, path::Path};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::described;
use crate::source::{
    CONTRACT, Engine, Inspection, Kind, Provided, Said, Small, contract as versions, inspect,
};

/// What was found, point by point.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The contract of this host.
    pub contract: &'static str,
    /// The host's own version.
    pub host: &'static str,
    /// sha256 of the file, hex.
    pub digest: String,
    /// Size of the file.
    pub bytes: u64,
    /// Milliseconds to compile it; none where it is no component.
    pub compile_ms: Option<f64>,
    /// Milliseconds to a fresh instance.
    pub start_ms: Option<f64>,
    /// Bytes of memory after `describe`.
    pub memory: Option<usize>,
    /// What it imports.
    pub imports: Vec<String>,
    /// Interfaces of the contract that it exports, without `adapter`.
    pub optional: Vec<String>,
    /// Each point.
    pub points: Vec<Point>,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub verdict: Mark,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// How a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Good.
    Ok,
    /// Good, if the configuration says something.
    Note,
    /// The host refuses it, or would rely on something wrong.
    Bad,
}

impl Report {
    /// Whether the component can be used.
    pub fn is_good(&self) -> bool {
        self.points.iter().all(|point| point.verdict != Mark::Bad)
    }
}

/// Looks at a file; `now` is the time by which a first month is in the future.
///
/// # Errors
/// The file can't be read.
pub async fn check(path: &Path, engine: &Engine, now: DateTime<Utc>) -> io::Result<Report> {
    let found = inspect(path, engine).await?;
    let is_component = found.kind == Kind::Component;
    let ms = |time: std::time::Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
    let optional = exported(&found).filter(|name| *name != "adapter").map(str::to_owned).collect();
    Ok(Report {
        contract: CONTRACT,
        host: env!("CARGO_PKG_VERSION"),
        digest: found.digest.clone(),
        bytes: found.bytes,
        compile_ms: is_component.then(|| ms(found.compile)),
        start_ms: found.start.map(ms),
        memory: found.said.as_ref().map(|said| said.peak_memory),
        imports: found.imports.iter().map(|import| import.name.clone()).collect(),
        optional,
        points: points(&found, now),
    })
}

fn points(found: &Inspection, now: DateTime<Utc>) -> Vec<Point> {
    if let Kind::Other(why) = &found.kind {
        let next = "build it as a component: `cargo build --release --target wasm32-wasip2`";
        return vec![bad("component", why.clone(), next)];
    }
    let mut points = vec![ok("component", format!("{} bytes, sha256 {}", found.bytes, found.digest))];
    points.push(contract(found));
    points.extend(imports(found));
    match &found.said {
        Some(said) => describe(said, now, &mut points),
        None => {
            let why = found.unfit.clone().unwrap_or_default();
            let next = "mend what is said above, or read the cause: the host makes a trial instance of every component";
            points.push(bad("start", why, next));
        }
    }
    points
}

/// The interfaces of the contract that it exports, by their names.
fn exported(found: &Inspection) -> impl Iterator<Item = &str> {
    let of_contract = |name: &'_ str| name.starts_with("backfill:source/");
    found.exports.iter().filter(move |name| of_contract(name)).map(|name| interface(name))
}

fn interface(name: &str) -> &str {
    let name = name.split_once('/').map_or(name, |(_, interface)| interface);
    name.split('@').next().unwrap_or(name)
}

fn contract(found: &Inspection) -> Point {
    let names = found.imports.iter().map(|import| &import.name).chain(&found.exports);
    let spoken = versions::spoken(names.map(String::as_str));
    let Some(newest) = spoken.last() else {
        let what = format!("it neither imports nor exports anything of {CONTRACT}");
        return bad("contract", what, "build it against wit/source.wit, world `source`");
    };
    let theirs = format!("backfill:source@{}", spoken.join(" and @"));
    let is_newer = versions::is_newer(newest, versions::own_version());
    if !spoken.iter().all(|version| versions::same_major(version, versions::own_version())) {
        let what = format!("it speaks {theirs}, and this host speaks {CONTRACT}");
        let next = if is_newer {
            "update the host, or build the component against this host's wit/source.wit"
        } else {
            "build it again against this host's wit/source.wit; wit/CHANGES.md says what changed"
        };
        return bad("contract", what, next);
    }
    if !exported(found).any(|name| name == "adapter") {
        let what = format!("it speaks {theirs}, but exports no `adapter`, which every source has");
        return bad("contract", what, "export the interface `adapter` of world `source`");
    }
    if is_newer && found.unfit.is_some() {
        let what = format!("it speaks {theirs}, which is newer than this host's {CONTRACT}");
        return bad("contract", what, "update the host, or build against this host's wit/source.wit");
    }
    let optional: Vec<_> = exported(found).filter(|name| *name != "adapter").collect();
    let also = if optional.is_empty() { "no optional interface".to_owned() } else { optional.join(", ") };
    ok("contract", format!("{theirs}; exports adapter and {also}"))
}

fn imports(found: &Inspection) -> Vec<Point> {
    let of = |provided: Provided| {
        let names = found.imports.iter().filter(move |import| import.provided == provided);
        names.map(|import| import.name.as_str()).collect::<Vec<_>>()
    };
    let mut points = Vec::new();
    let never = of(Provided::Never);
    if !never.is_empty() {
        let next = "leave out what needs it: a source reaches the network through `http` and nothing else";
        points.push(bad("imports", format!("the host has no {}", never.join(", ")), next));
    }
    let other: Vec<_> =
        of(Provided::OtherVersion).into_iter().filter(|name| !name.starts_with("backfill:")).collect();
    if !other.is_empty() {
        let next = "build for WASI 0.2 (`--target wasm32-wasip2`); the host has no other";
        points.push(bad("imports", format!("the host has another version of {}", other.join(", ")), next));
    }
    let http = of(Provided::WithWasiHttp);
    if !http.is_empty() {
        points.push(Point {
            name: "imports",
            verdict: Mark::Note,
            found: format!("needs `wasi_http = true` for {}", http.join(", ")),
            next: Some("add `wasi_http = true` to its [[source]] in backfill.toml".to_owned()),
        });
    }
    if points.is_empty() {
        points.push(ok("imports", format!("{}, all of which the host has", found.imports.len())));
    }
    points
}

fn describe(said: &Small<Said>, now: DateTime<Utc>, points: &mut Vec<Point>) {
    let answer = match &said.outcome {
        Ok(answer) => answer,
        Err(fault) => {
            let next =
                "describe is called without settings and may make no request; it only returns a record";
            return points.push(bad("describe", fault.to_string(), next));
        }
    };
    if said.asked > 0 {
        let what = format!("it tried to make {} requests", said.asked);
        points.push(bad("describe", what, "move them to `fetch`: describe may make none"));
    }
    for fault in described::faults(answer, now) {
        points.push(bad("describe", format!("{}: {}", fault.field, fault.what), fault.mend));
    }
    for name in described::secrets(answer) {
        let what = format!("the setting {name:?} asks for a secret");
        points.push(bad(
            "describe",
            what,
            "take it out: `credential` in backfill.toml adds it outside the sandbox",
        ));
    }
    if points.iter().all(|point| point.name != "describe") {
        let Said { name, version, month_zone, .. } = answer;
        points.push(ok("describe", format!("{name} {version}, months of {month_zone}")));
    }
}

const fn ok(name: &'static str, found: String) -> Point {
    Point { name, verdict: Mark::Ok, found, next: None }
}

fn bad(name: &'static str, found: String, next: &str) -> Point {
    Point { name, verdict: Mark::Bad, found, next: Some(next.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::source::Import;

    fn inspection(imports: &[(&str, Provided)], exports: &[&str]) -> Inspection {
        Inspection {
            digest: "0".repeat(64),
            bytes: 100,
            kind: Kind::Component,
            imports: imports
                .iter()
                .map(|(name, provided)| Import { name: (*name).into(), provided: *provided })
                .collect(),
            exports: exports.iter().map(|name| (*name).to_owned()).collect(),
            compile: Duration::ZERO,
            unfit: Some("import is not there".to_owned()),
            start: None,
            said: None,
        }
    }

    fn of(name: &str, found: &Inspection) -> Point {
        points(found, DateTime::UNIX_EPOCH).into_iter().find(|point| point.name == name).unwrap()
    }

    #[test]
    fn another_contract_is_refused_with_both_versions_and_the_way_out() {
        let old = inspection(&[], &["backfill:source/adapter@0.9.0"]);
        let point = of("contract", &old);
        assert_eq!(point.verdict, Mark::Bad);
        assert!(point.found.contains("@0.9.0") && point.found.contains(CONTRACT), "{}", point.found);
        assert!(point.next.unwrap().contains("build it again"));
        let new = inspection(&[], &["backfill:source/adapter@2.0.0"]);
        assert!(of("contract", &new).next.unwrap().starts_with("update the host"));
        assert!(of("contract", &inspection(&[], &["wasi:cli/run@0.2.6"])).found.contains("neither"));
        assert!(
            of("contract", &inspection(&[], &["backfill:source/catalog@1.0.0"])).found.contains("adapter")
        );
    }

    #[test]
    fn imports_that_will_be_refused_are_named_and_those_that_need_a_word_too() {
        let adapter = ["backfill:source/adapter@1.0.0"];
        let found = inspection(
            &[("wasi:keyvalue/store@0.2.0", Provided::Never), ("wasi:io/poll@0.3.0", Provided::OtherVersion)],
            &adapter,
        );
        let all: Vec<_> = points(&found, DateTime::UNIX_EPOCH)
            .into_iter()
            .filter(|point| point.name == "imports")
            .collect();
        assert!(all[0].found.contains("keyvalue") && all[1].found.contains("poll@0.3.0"), "{all:?}");
        let http = inspection(&[("wasi:http/types@0.2.4", Provided::WithWasiHttp)], &adapter);
        let point = of("imports", &http);
        assert_eq!(point.verdict, Mark::Note);
        assert!(point.found.contains("wasi_http = true"));
    }
}
