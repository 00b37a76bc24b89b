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

    pub(super) fn from_wit(said: wit::Description) -> Result<Self, String> {
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
        let settings = said
            .settings
            .into_iter()
            .map(|setting| Setting { name: setting.name, summary: setting.summary, default: setting.default })
            .collect();
        Ok(Self {
            name: said.name,
            version: said.version,
            summary: said.summary,
            unit_code: said.unit_code,
            hosts: said.hosts,
            settings,
            month_zone,
            publication_lag_days: said.publication_lag_days,
            first_month,
        })
    }
}
