//! The file `upstream.toml`: units, what is expected of them, and what the upstream answers to which request.

use std::{collections::BTreeMap, path::Path};

use chrono_tz::Tz;
use serde::Deserialize;

use super::{FILE, pack::Pack, pattern::Pattern, rows::Step};
use crate::domain::{Labels, Month, Quantity, Unit};

/// A whole made-up upstream.
#[derive(Debug)]
pub struct Script {
    /// Settings of the source under which it is asked.
    pub settings: BTreeMap<String, String>,
    /// Whether it asks for a credential.
    pub credential: bool,
    /// Days after which a month is old: the time it is when a whole month is asked for.
    pub settled_after_days: u16,
    /// Units that a source takes, or refuses.
    pub units: Vec<UnitCase>,
    /// What comes of a unit's month.
    pub series: Vec<Expected>,
    /// What is answered, the first that fits.
    pub(super) answers: Vec<Answer>,
    /// What it says in place of data, by the name of the failure.
    pub says: BTreeMap<String, Plain>,
    /// Checks that don't apply, and why.
    pub skip: BTreeMap<String, String>,
}

/// A unit and whether the source should take it.
#[derive(Clone, Debug)]
pub struct UnitCase {
    /// The unit.
    pub unit: Unit,
    /// Whether the source must refuse it.
    pub refused: bool,
}

/// A series that a whole month must have.
#[derive(Clone, Debug)]
pub struct Expected {
    /// How templates name it.
    pub name: String,
    /// As the source reports it.
    pub kind: String,
    /// As the source reports it.
    pub quantity: Quantity,
    /// As the source reports them.
    pub labels: Labels,
    /// The upstream's intervals.
    pub step: Step,
    /// Whose calendar days and months they are.
    pub zone: Tz,
    /// The first instant that the upstream has.
    pub since: Option<i64>,
    /// Codes of the units that have it; none are all.
    units: Vec<String>,
    value: String,
    pub(super) most: Option<f64>,
    pub(super) decimals: u32,
}

/// An answer that needs no template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plain {
    /// HTTP status.
    pub status: Option<u16>,
    /// Names in any case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, or its template.
    #[serde(default)]
    pub body: String,
    /// What the body is put into before it is sent.
    pub pack: Option<Pack>,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) method: Option<String>,
    pub(super) host: Option<String>,
    pub(super) path: Pattern,
    pub(super) query: BTreeMap<String, Pattern>,
    pub(super) plain: Plain,
    /// How a missing value is written; without it, its row is left out.
    pub(super) null: Option<String>,
    pub(super) empty: Option<Plain>,
    pub(super) unknown: Option<Plain>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScript {
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default = "yes")]
    credential: bool,
    #[serde(default = "settled")]
    settled_after_days: u16,
    #[serde(default, rename = "unit")]
    units: Vec<RawUnit>,
    #[serde(default)]
    series: Vec<RawSeries>,
    #[serde(default, rename = "answer")]
    answers: Vec<RawAnswer>,
    #[serde(default)]
    says: BTreeMap<String, Plain>,
    #[serde(default)]
    skip: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUnit {
    code: String,
    name: Option<String>,
    capacity_mw: Option<f64>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    refused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSeries {
    #[serde(default)]
    name: String,
    kind: String,
    quantity: String,
    #[serde(default)]
    labels: Labels,
    step: String,
    zone: Option<String>,
    since: Option<String>,
    #[serde(default)]
    units: Vec<String>,
    #[serde(default = "unchanged")]
    value: String,
    most: Option<f64>,
    #[serde(default = "thousandths")]
    decimals: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAnswer {
    method: Option<String>,
    host: Option<String>,
    path: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    pack: Option<Pack>,
    null: Option<String>,
    empty: Option<Plain>,
    unknown: Option<Plain>,
}

const fn yes() -> bool {
    true
}

const fn settled() -> u16 {
    400
}

const fn thousandths() -> u32 {
    3
}

fn unchanged() -> String {
    "value".to_owned()
}

impl Expected {
    /// The source's value of an upstream's, an expression of `value` and `seconds`.
    pub fn conversion(&self) -> &str {
        &self.value
    }

    /// Whether a unit has it.
    pub fn is_of(&self, unit: &Unit) -> bool {
        self.units.is_empty() || self.units.contains(&unit.code)
    }
}

impl Script {
    /// Reads the file of a folder of cases; none where the folder has no such file. `zone` is whose months the source
    /// reports.
    ///
    /// # Errors
    /// For people: what is wrong with the file, and where.
    pub fn open(cases: &Path, zone: Tz) -> Result<Option<Self>, String> {
        let path = cases.join(FILE);
        let named = |why: String| format!("{}: {why}", path.display());
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, zone).map(Some).map_err(named),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(named(error.to_string())),
        }
    }

    pub(super) fn parse(text: &str, zone: Tz) -> Result<Self, String> {
        let raw: RawScript = toml::from_str(text).map_err(|error| error.to_string())?;
        let refused = |unit: &RawUnit| unit.refused;
        if raw.units.iter().all(refused) || raw.series.is_empty() || raw.answers.is_empty() {
            return Err(
                "expected at least one [[unit]] that is taken, one [[series]] and one [[answer]]".to_owned()
            );
        }
        let script = Self {
            settings: raw.settings,
            credential: raw.credential,
            settled_after_days: raw.settled_after_days,
            units: raw.units.into_iter().map(unit).collect(),
            series: numbered("series", raw.series, |series| expected(series, zone))?,
            answers: numbered("answer", raw.answers, answer)?,
            says: raw.says,
            skip: raw.skip,
        };
        let homeless = script.taken().find(|unit| !script.series.iter().any(|series| series.is_of(unit)));
        match homeless {
            Some(unit) => Err(format!("unit {:?} has no [[series]]: no `units` names it", unit.code)),
            None => Ok(script),
        }
    }

    /// The units that the source should take.
    pub fn taken(&self) -> impl Iterator<Item = &Unit> {
        self.units.iter().filter(|case| !case.refused).map(|case| &case.unit)
    }
}

fn numbered<T, U>(what: &str, all: Vec<T>, read: impl Fn(T) -> Result<U, String>) -> Result<Vec<U>, String> {
    let numbered = all.into_iter().enumerate();
    numbered
        .map(|(at, one)| read(one).map_err(|why| format!("[[{what}]] number {}: {why}", at + 1)))
        .collect()
}

fn unit(raw: RawUnit) -> UnitCase {
    let RawUnit { code, name, capacity_mw, attributes, refused } = raw;
    let unit = Unit { name: name.unwrap_or_else(|| code.clone()), code, capacity_mw, attributes };
    UnitCase { unit, refused }
}

fn expected(raw: RawSeries, zone: Tz) -> Result<Expected, String> {
    let zone = match raw.zone {
        None => zone,
        Some(name) => name.parse().map_err(|_| format!("zone {name:?} is no IANA time zone"))?,
    };
    let since = match raw.since {
        None => None,
        Some(text) => Some(text.parse::<Month>().map_err(|why| format!("since: {why}"))?.window(zone).start),
    };
    Ok(Expected {
        name: raw.name,
        kind: raw.kind,
        quantity: raw.quantity.parse()?,
        labels: raw.labels,
        step: raw.step.parse().map_err(|why| format!("step: {why}"))?,
        zone,
        since,
        units: raw.units,
        value: raw.value,
        most: raw.most,
        decimals: raw.decimals,
    })
}

fn answer(raw: RawAnswer) -> Result<Answer, String> {
    let query = raw.query.into_iter().map(|(name, value)| Ok((name, Pattern::parse(&value)?)));
    Ok(Answer {
        method: raw.method,
        host: raw.host,
        path: Pattern::parse(&raw.path)?,
        query: query.collect::<Result<_, String>>()?,
        plain: Plain { status: raw.status, headers: raw.headers, body: raw.body, pack: raw.pack },
        null: raw.null,
        empty: raw.empty,
        unknown: raw.unknown,
    })
}
