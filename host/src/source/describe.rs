//! What a source says of itself, checked: the host relies on every field.

use chrono_tz::Tz;

use super::bindings::types as wit;
use crate::domain::{Calendar, Month};

/// A setting that `backfill.toml` may give the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in `[source.settings]`.
    pub name: String,
    /// What it does, for people.
    pub summary: String,
    /// The value without configuration.
    pub default: Option<String>,
}

/// What a component says of itself, word by word: nothing is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The upstream, for people.
    pub name: String,
    /// Version of the source itself.
    pub version: String,
    /// What it fetches, for people.
    pub summary: String,
    /// What a unit code looks like, for people.
    pub unit_code: String,
    /// Hosts that it asks to reach.
    pub hosts: Vec<String>,
    /// Settings that it knows.
    pub settings: Vec<Setting>,
    /// An IANA zone, it should be.
    pub month_zone: String,
    /// Days after a month's end until it is normally complete.
    pub publication_lag_days: u16,
    /// `YYYY-MM`, it should be.
    pub first_month: Option<String>,
}

/// A source's description of itself (`adapter.describe`).
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The upstream, for people.
    pub name: String,
    /// Version of the source itself.
    pub version: String,
    /// What it fetches, for people.
    pub summary: String,
    /// What a unit code looks like, for people.
    pub unit_code: String,
    /// Hosts that it asks to reach.
    pub hosts: Vec<String>,
    /// Settings that it knows.
    pub settings: Vec<Setting>,
    /// Zone whose calendar months the upstream reports in.
    pub month_zone: Tz,
    /// Days after a month's end until it is normally complete.
    pub publication_lag_days: u16,
    /// First month with history.
    pub first_month: Option<Month>,
}

impl Description {
    /// When the upstream has what.
    pub const fn calendar(&self) -> Calendar {
        Calendar {
            zone: self.month_zone,
            first_month: self.first_month,
            publication_lag_days: self.publication_lag_days,
        }
    }

    /// The error says which field can't be used, and why.
    pub(super) fn of(said: Said) -> Result<Self, String> {
        if said.name.trim().is_empty() {
            return Err("name is empty".into());
        }
        let month_zone = said.month_zone.parse::<Tz>().map_err(|_| {
            format!("month-zone {:?} is no IANA time zone such as UTC or Asia/Taipei", said.month_zone)
        })?;
        let first_month = said
            .first_month
            .map(|text| text.parse::<Month>().map_err(|error| format!("first-month: {error}")))
            .transpose()?;
        Ok(Self {
            name: said.name,
            version: said.version,
            summary: said.summary,
            unit_code: said.unit_code,
            hosts: said.hosts,
            settings: said.settings,
            month_zone,
            publication_lag_days: said.publication_lag_days,
            first_month,
        })
    }
}

impl From<wit::Description> for Said {
    fn from(said: wit::Description) -> Self {
        let setting = |it: wit::Setting| Setting { name: it.name, summary: it.summary, default: it.default };
        Self {
            name: said.name,
            version: said.version,
            summary: said.summary,
            unit_code: said.unit_code,
            hosts: said.hosts,
            settings: said.settings.into_iter().map(setting).collect(),
            month_zone: said.month_zone,
            publication_lag_days: said.publication_lag_days,
            first_month: said.first_month,
        }
    }
}
