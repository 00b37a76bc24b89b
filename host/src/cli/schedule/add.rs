//! `backfill schedule add`.

use anyhow::bail;
use clap::Args;
use serde_json::{Map, Value, json};

use super::say_firings;
use crate::{
    cli::deed::Deed,
    config::Config,
    domain::{Age, Overlap, Priority, ScheduleKind},
    store::{NewSchedule, Store},
};

/// Add a schedule, and show when it fires.
///
/// The kinds:
///   incremental   fetches what is missing of the months that lie behind the publication lag of each source
///   revise        fetches months again when they reach certain ages, since upstreams correct themselves; a month
///                 in which nothing changed writes nothing
///   collect       asks sources without history what their upstreams show now
///
/// A firing that was missed since no host ran is made up for once, and reported.
///
/// For example:
///   backfill schedule add nightly --kind incremental --cron "30 2 * * *" --zone Europe/Berlin
///   backfill schedule add corrections --kind revise --cron "0 6 * * *" --revise-after 1d,10d,45d,14mo
///   backfill schedule add taipower-now --kind collect --cron "*/10 * * * *" --source taipower
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Add {
    /// Its name.
    name: String,

    /// What it does: incremental, revise or collect.
    #[arg(long)]
    kind: ScheduleKind,

    /// When it fires: minute, hour, day of month, month, day of week.
    #[arg(long, value_name = "FIVE FIELDS")]
    cron: String,

    /// The time zone whose clocks the cron expression means.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,

    /// What becomes of a firing while the one before is under way: it is skipped, or queued behind it.
    #[arg(long, value_name = "skip|queue", default_value_t = Overlap::Skip)]
    overlap: Overlap,

    /// Only for this wind farm; may be given several times. All if none is named.
    #[arg(long = "windfarm", value_name = "NAME")]
    windfarms: Vec<String>,

    /// Only for this generation unit; may be given several times. All if none is named.
    #[arg(long = "unit", value_name = "ID")]
    units: Vec<i64>,

    /// Only for units of this source; may be given several times. All if none is named.
    #[arg(long = "source", value_name = "ID")]
    sources: Vec<String>,

    /// How soon its jobs run: backfill_high, backfill or default.
    #[arg(long)]
    priority: Option<Priority>,

    /// How many months an incremental schedule looks back for what is missing [default: 3].
    #[arg(long, value_name = "MONTHS")]
    look_back: Option<u16>,

    /// Let an incremental schedule ask for the days of a month that is not over.
    #[arg(long)]
    under_way: bool,

    /// How long after their ends a revising schedule fetches months again [default: 1d,10d,45d,14mo].
    #[arg(long, value_name = "AGES", value_delimiter = ',')]
    revise_after: Vec<Age>,

    /// Add it disabled.
    #[arg(long)]
    disabled: bool,
}

impl Add {
    pub(in crate::cli) async fn act(self, config: &Config, store: &Store) -> anyhow::Result<()> {
        let known: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
        if let Some(unknown) = self.sources.iter().find(|id| !known.contains(&id.as_str())) {
            bail!("--source {unknown}: the configuration has no such source; it has {}", known.join(", "));
        }
        let new = NewSchedule {
            settings: self.settings(store).await?,
            name: self.name,
            kind: self.kind,
            cron: self.cron,
            time_zone: self.zone,
            overlap: self.overlap,
            enabled: !self.disabled,
            created_by_id: None,
        };
        let now = store.now();
        let detail =
            json!({ "name": new.name, "kind": new.kind, "cron": new.cron, "settings": new.settings });
        let adding = Deed::new("schedule add", "/schedules").with(detail);
        let added = store.create_schedule(&new, now);
        let made = adding.making(store, added, |made| Some(format!("/schedules/{}", made.id))).await?;
        say!("added schedule {:?}{}", made.name, if made.enabled { "" } else { ", disabled" })?;
        say_firings(&made, now)
    }

    /// What was said, and nothing else: the rest has the defaults of its kind.
    async fn settings(&self, store: &Store) -> anyhow::Result<Value> {
        let mut windfarm_ids = Vec::new();
        for name in &self.windfarms {
            windfarm_ids.push(store.windfarm_by_name(name).await?.id);
        }
        let mut settings = Map::new();
        let mut set = |name: &str, given: bool, value: Value| {
            if given {
                settings.insert(name.to_owned(), value);
            }
        };
        set("windfarm_ids", !windfarm_ids.is_empty(), json!(windfarm_ids));
        set("generation_unit_ids", !self.units.is_empty(), json!(self.units));
        set("sources", !self.sources.is_empty(), json!(self.sources));
        set("priority", self.priority.is_some(), json!(self.priority));
        set("look_back_months", self.look_back.is_some(), json!(self.look_back));
        set("under_way", self.under_way, json!(true));
        set("revise_after", !self.revise_after.is_empty(), json!(self.revise_after));
        Ok(Value::Object(settings))
    }
}
