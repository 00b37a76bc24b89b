//! `case.toml`: what is asked of the source.

use std::{collections::BTreeMap, fmt::Display, path::Path, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::problem::Problems;
use crate::domain::{Month, Unit, Window};

/// What is asked of a source.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A month of a unit, or the part of it in the window.
    Fetch {
        /// The unit.
        unit: Unit,
        /// The month.
        month: Month,
        /// All of the month if none is given.
        window: Option<Window>,
    },
    /// What its upstream shows of these units now.
    Collect {
        /// The units.
        units: Vec<Unit>,
    },
}

/// Where a case comes from, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// The source's id, or the name of its file.
    pub source: String,
    /// SHA-256 of the component.
    pub component: String,
    /// The host that recorded it.
    pub host: String,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// What it shows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "month")]
    month: Option<Month>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<DateTime<Utc>>,
    /// What the source takes for the present as it is called.
    pub(super) clock: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<UnitTable>,
    /// In place of `unit` and `month`: what is collected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    units: Vec<UnitTable>,
    /// Settings over the source's own defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) settings: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<Notes>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitTable {
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capacity_mw: Option<f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

impl CaseFile {
    pub(super) fn new(
        about: Option<String>,
        ask: &Ask,
        clock: DateTime<Utc>,
        settings: BTreeMap<String, String>,
        notes: Notes,
    ) -> Self {
        let recorded = Some(notes);
        let file = Self {
            about,
            month: None,
            from: None,
            to: None,
            clock,
            unit: None,
            units: vec![],
            settings,
            recorded,
        };
        match ask {
            Ask::Fetch { unit, month, window } => {
                let at = |seconds| DateTime::from_timestamp(seconds, 0);
                let (from, to) = (window.and_then(|w| at(w.start)), window.and_then(|w| at(w.end)));
                Self { month: Some(*month), from, to, unit: Some(unit.into()), ..file }
            }
            Ask::Collect { units } => Self { units: units.iter().map(Into::into).collect(), ..file },
        }
    }

    /// Reads and checks it.
    pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<Self> {
        let known = problems.0.len();
        let Some(text) = problems.text(path) else {
            if problems.0.len() == known {
                let hint = "is missing; every folder here is a case: record it with `backfill source fetch --record`, or remove it";
                problems.add(path, None, hint);
            }
            return None;
        };
        let file: Self = problems.toml(path, &text)?;
        if let Err(why) = file.ask() {
            problems.add(path, None, why);
            return None;
        }
        Some(file)
    }

    /// What is asked.
    ///
    /// # Errors
    /// Says what is missing or too much.
    pub(super) fn ask(&self) -> Result<Ask, String> {
        match (&self.unit, self.month, self.units.as_slice()) {
            (Some(unit), Some(month), []) => {
                let window = match (self.from, self.to) {
                    (None, None) => None,
                    (Some(from), Some(to)) if from < to => {
                        Some(Window { start: from.timestamp(), end: to.timestamp() })
                    }
                    _ => return Err("`from` and `to` are a part of the month: both, `from` first".to_owned()),
                };
                Ok(Ask::Fetch { unit: fit(unit)?, month, window })
            }
            (None, None, units @ [_, ..]) if self.from.is_none() && self.to.is_none() => {
                Ok(Ask::Collect { units: units.iter().map(fit).collect::<Result<_, _>>()? })
            }
            _ => Err("expected either [unit] and `month` (what is fetched), or [[units]] alone (what is collected)"
                .to_owned()),
        }
    }
}

fn fit(table: &UnitTable) -> Result<Unit, String> {
    let unit = Unit {
        code: table.code.clone(),
        name: table.name.clone().unwrap_or_else(|| table.code.clone()),
        capacity_mw: table.capacity_mw,
        attributes: table.attributes.clone(),
    };
    match unit.unfit() {
        Some((field, why)) => Err(format!("unit {:?}: {field}: {why}", unit.code)),
        None => Ok(unit),
    }
}

impl From<&Unit> for UnitTable {
    fn from(unit: &Unit) -> Self {
        Self {
            code: unit.code.clone(),
            name: (unit.name != unit.code).then(|| unit.name.clone()),
            capacity_mw: unit.capacity_mw,
            attributes: unit.attributes.clone(),
        }
    }
}

/// `2024-03`.
mod month {
    use super::{Deserializer, Month, Serializer, text};

    pub(super) fn serialize<S: Serializer>(month: &Option<Month>, to: S) -> Result<S::Ok, S::Error> {
        match month {
            Some(month) => to.collect_str(month),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Month>, D::Error> {
        text(from).map(Some)
    }
}

/// A value that is written as text.
pub(super) fn text<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}
