//! What a schedule is told, as JSON: who, and what its kind needs to know.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Age, ScheduleKind};
use crate::domain::Priority;

/// The most wind farms, units or sources that settings name.
const MOST_NAMED: usize = 1000;

/// The settings of a schedule, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ScheduleSettings {
    /// Of [`ScheduleKind::Incremental`].
    Incremental(IncrementalSettings),
    /// Of [`ScheduleKind::Revise`].
    Revise(ReviseSettings),
    /// Of [`ScheduleKind::Collect`].
    Collect(CollectSettings),
}

/// What an incremental schedule fetches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IncrementalSettings {
    /// Of which wind farms; none named is all.
    pub windfarm_ids: Vec<i64>,
    /// Of which units of these; none named is all.
    pub generation_unit_ids: Vec<i64>,
    /// Of which sources; none named is all.
    pub sources: Vec<String>,
    /// How soon its jobs run.
    pub priority: Priority,
    /// How many months, 1 to 120, it looks back for what is missing.
    pub look_back_months: u16,
    /// Whether it asks for days of a month that is not over.
    pub under_way: bool,
}

impl Default for IncrementalSettings {
    fn default() -> Self {
        Self {
            windfarm_ids: Vec::new(),
            generation_unit_ids: Vec::new(),
            sources: Vec::new(),
            priority: Priority::Default,
            look_back_months: 3,
            under_way: false,
        }
    }
}

/// What a revising schedule fetches again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReviseSettings {
    /// Of which wind farms; none named is all.
    pub windfarm_ids: Vec<i64>,
    /// Of which units of these; none named is all.
    pub generation_unit_ids: Vec<i64>,
    /// Of which sources; none named is all.
    pub sources: Vec<String>,
    /// How soon its jobs run.
    pub priority: Priority,
    /// How long after its end a month is fetched again; 1 to 20 ages.
    pub revise_after: Vec<Age>,
}

impl Default for ReviseSettings {
    /// A day, for what was late; ten and 45 days, and 14 months, as settlement runs come.
    fn default() -> Self {
        Self {
            windfarm_ids: Vec::new(),
            generation_unit_ids: Vec::new(),
            sources: Vec::new(),
            priority: Priority::Default,
            revise_after: vec![Age::Days(1), Age::Days(10), Age::Days(45), Age::Months(14)],
        }
    }
}

/// What a collecting schedule asks about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectSettings {
    /// Of which wind farms; none named is all.
    pub windfarm_ids: Vec<i64>,
    /// Of which units of these; none named is all.
    pub generation_unit_ids: Vec<i64>,
    /// Of which sources; none named is all that collect.
    pub sources: Vec<String>,
}

/// Whom a schedule is for; an empty list restricts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subjects<'a> {
    /// Wind farms.
    pub windfarm_ids: &'a [i64],
    /// Units.
    pub generation_unit_ids: &'a [i64],
    /// Sources.
    pub sources: &'a [String],
}

impl Subjects<'_> {
    /// Whether a unit is among them.
    pub fn include(&self, windfarm_id: i64, unit_id: i64, source: &str) -> bool {
        (self.windfarm_ids.is_empty() || self.windfarm_ids.contains(&windfarm_id))
            && (self.generation_unit_ids.is_empty() || self.generation_unit_ids.contains(&unit_id))
            && (self.sources.is_empty() || self.sources.iter().any(|id| id == source))
    }
}

/// Why settings can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("settings{}{field}: {why}", if field.is_empty() { "" } else { "." })]
pub struct SettingsError {
    /// The field; empty if it is the settings as a whole.
    pub field: String,
    /// What is wrong with it, and what to do.
    pub why: String,
}

impl ScheduleSettings {
    /// Reads the settings of a kind. A field that is left out has its default.
    ///
    /// # Errors
    /// The first field that is wrong or unknown.
    pub fn parse(kind: ScheduleKind, settings: &Value) -> Result<Self, SettingsError> {
        let Value::Object(fields) = settings else {
            return Err(wrong("", format!("expected an object, found {settings}")));
        };
        let settings = match kind {
            ScheduleKind::Incremental => Self::Incremental(read(fields)?),
            ScheduleKind::Revise => Self::Revise(read(fields)?),
            ScheduleKind::Collect => Self::Collect(read(fields)?),
        };
        settings.check()?;
        Ok(settings)
    }

    /// Whom the schedule is for.
    pub fn subjects(&self) -> Subjects<'_> {
        let (windfarm_ids, generation_unit_ids, sources) = match self {
            Self::Incremental(own) => (&own.windfarm_ids, &own.generation_unit_ids, &own.sources),
            Self::Revise(own) => (&own.windfarm_ids, &own.generation_unit_ids, &own.sources),
            Self::Collect(own) => (&own.windfarm_ids, &own.generation_unit_ids, &own.sources),
        };
        Subjects { windfarm_ids, generation_unit_ids, sources }
    }

    fn check(&self) -> Result<(), SettingsError> {
        let Subjects { windfarm_ids, generation_unit_ids, sources } = self.subjects();
        for (field, count) in [
            ("windfarm_ids", windfarm_ids.len()),
            ("generation_unit_ids", generation_unit_ids.len()),
            ("sources", sources.len()),
        ] {
            if count > MOST_NAMED {
                return Err(wrong(
                    field,
                    format!("{count} are named; name up to {MOST_NAMED}, or none for all"),
                ));
            }
        }
        for (field, ids) in [("windfarm_ids", windfarm_ids), ("generation_unit_ids", generation_unit_ids)] {
            if let Some(id) = ids.iter().find(|id| **id < 1) {
                return Err(wrong(field, format!("{id} is no id; ids are numbers from 1")));
            }
            no_duplicate(field, ids)?;
        }
        if sources.iter().any(|source| source.trim().is_empty()) {
            return Err(wrong("sources", "a source without a name; give ids as in the configuration".into()));
        }
        no_duplicate("sources", sources)?;
        match self {
            Self::Incremental(own) if !(1..=120).contains(&own.look_back_months) => {
                let found = own.look_back_months;
                Err(wrong("look_back_months", format!("{found} is out of range; give 1 to 120")))
            }
            Self::Revise(own) if !(1..=20).contains(&own.revise_after.len()) => {
                let found = own.revise_after.len();
                Err(wrong("revise_after", format!("{found} ages; give 1 to 20, e.g. [\"10d\", \"14mo\"]")))
            }
            Self::Revise(own) => no_duplicate("revise_after", &own.revise_after),
            Self::Incremental(_) | Self::Collect(_) => Ok(()),
        }
    }
}

/// Reads each field by itself first: an error of serde's does not say which field it is about.
fn read<T: DeserializeOwned>(fields: &Map<String, Value>) -> Result<T, SettingsError> {
    for (name, value) in fields {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        serde_json::from_value::<T>(alone.into()).map_err(|error| wrong(name, error.to_string()))?;
    }
    serde_json::from_value(fields.clone().into()).map_err(|error| wrong("", error.to_string()))
}

fn no_duplicate<T: PartialEq + Serialize>(field: &str, items: &[T]) -> Result<(), SettingsError> {
    match items.iter().enumerate().find(|(index, item)| items[..*index].contains(item)) {
        Some((_, item)) => {
            let item = serde_json::to_string(item).unwrap_or_default();
            Err(wrong(field, format!("{item} stands there twice; leave one out")))
        }
        None => Ok(()),
    }
}

fn wrong(field: &str, why: String) -> SettingsError {
    SettingsError { field: field.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error(kind: ScheduleKind, settings: Value) -> String {
        ScheduleSettings::parse(kind, &settings).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        for (kind, expected) in [
            (ScheduleKind::Incremental, ScheduleSettings::Incremental(IncrementalSettings::default())),
            (ScheduleKind::Revise, ScheduleSettings::Revise(ReviseSettings::default())),
            (ScheduleKind::Collect, ScheduleSettings::Collect(CollectSettings::default())),
        ] {
            assert_eq!(ScheduleSettings::parse(kind, &json!({})), Ok(expected));
        }
    }

    #[test]
    fn subjects_are_those_named_and_all_where_none_is() {
        let of = |settings: Value| {
            let settings = ScheduleSettings::parse(ScheduleKind::Collect, &settings).unwrap();
            let units = [(1, 10, "a"), (1, 11, "b"), (2, 20, "a")];
            let kept = units
                .into_iter()
                .filter(|(farm, unit, source)| settings.subjects().include(*farm, *unit, source));
            kept.map(|(_, unit, _)| unit).collect::<Vec<_>>()
        };
        assert_eq!(of(json!({})), [10, 11, 20]);
        assert_eq!(of(json!({ "windfarm_ids": [1] })), [10, 11]);
        assert_eq!(of(json!({ "windfarm_ids": [1], "sources": ["a"] })), [10]);
        assert_eq!(of(json!({ "generation_unit_ids": [20, 11] })), [11, 20]);
    }

    #[test]
    fn settings_are_written_as_they_are_read() {
        let given = json!({
            "windfarm_ids": [3], "generation_unit_ids": [], "sources": ["elexon"],
            "priority": "backfill", "revise_after": ["5d", "28mo"],
        });
        let settings = ScheduleSettings::parse(ScheduleKind::Revise, &given).unwrap();
        let ScheduleSettings::Revise(own) = &settings else { panic!() };
        assert_eq!(own.revise_after, [Age::Days(5), Age::Months(28)]);
        assert_eq!(own.priority, Priority::Normal);
        assert_eq!(serde_json::to_value(&settings).unwrap(), given);
    }

    #[test]
    fn an_error_names_its_field() {
        use ScheduleKind::*;
        for (kind, settings, field) in [
            (Incremental, json!({ "look_back_months": 0 }), "look_back_months"),
            (Incremental, json!({ "look_back_months": 121 }), "look_back_months"),
            (Incremental, json!({ "look_back_months": "3" }), "look_back_months"),
            (Incremental, json!({ "look_back_months": -1 }), "look_back_months"),
            (Incremental, json!({ "under_way": 1 }), "under_way"),
            (Incremental, json!({ "priority": "urgent" }), "priority"),
            (Incremental, json!({ "revise_after": ["1d"] }), "revise_after"),
            (Revise, json!({ "revise_after": [] }), "revise_after"),
            (Revise, json!({ "revise_after": vec!["1d"; 21] }), "revise_after"),
            (Revise, json!({ "revise_after": ["1d", "1d"] }), "revise_after"),
            (Revise, json!({ "revise_after": ["14m"] }), "revise_after"),
            (Collect, json!({ "priority": "backfill" }), "priority"),
            (Collect, json!({ "windfarm_ids": [0] }), "windfarm_ids"),
            (Collect, json!({ "windfarm_ids": null }), "windfarm_ids"),
            (Collect, json!({ "generation_unit_ids": [7, 7] }), "generation_unit_ids"),
            (Collect, json!({ "sources": [" "] }), "sources"),
            (Collect, json!({ "sources": ["a", "a"] }), "sources"),
            (Collect, json!({ "windfarm_ids": (1..=1001).collect::<Vec<_>>() }), "windfarm_ids"),
            (Collect, json!({ "": 1 }), ""),
        ] {
            let error = error(kind, settings.clone());
            let expected = if field.is_empty() { "settings: ".into() } else { format!("settings.{field}: ") };
            assert!(error.starts_with(&expected), "{settings}: {error}");
        }
        for settings in [json!(null), json!([]), json!("x")] {
            assert!(error(Collect, settings).starts_with("settings: expected an object"));
        }
    }

    #[test]
    fn an_error_says_what_to_do() {
        use ScheduleKind::*;
        assert_eq!(
            error(Revise, json!({ "revise_after": ["10d", "14m"] })),
            "settings.revise_after: \"14m\" is no age; expected 1d to 3650d for days or 1mo to 120mo for months, e.g. 45d"
        );
        let unknown = error(Collect, json!({ "windfarms": [1] }));
        assert!(unknown.contains("unknown field `windfarms`, expected one of `windfarm_ids`"), "{unknown}");
    }
}
