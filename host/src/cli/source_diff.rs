//! `backfill source diff`: another component over the answers that are kept.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::bail;
use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{
    context, logging,
    other_component::{configured, with_component},
    output::Report,
    shadow_totals::{Totals, table},
};
use crate::{
    domain::Month,
    kit::shadow::{Compared, Shadow, ShadowVerdict},
    store::{RegisteredUnit, Store},
};

/// So many unit-months that differ are told of measurement by measurement; all are counted.
const TOLD: u64 = 20;

/// Run another component of a source over the answers that the archive holds, beside the active one. Nothing is
/// written, no upstream is asked.
///
/// Reports added, removed and changed measurements of every unit and month, the requests that each component makes,
/// failures, and the time of both. Each request is served by the newest answer to it, however old: a good one that the
/// source could read, if there is one. Clock and span of a month are those of the last attempt that found records
/// (else of the last one). A month in which the candidate asks something that the archive has no answer to can't be
/// judged, and is counted as such.
///
/// For example:
///   backfill source diff elexon --candidate new.wasm --windfarm "Hornsea One" --from 2024-01 --to 2024-12
///   backfill source diff elexon --candidate new.wasm --windfarm Howard --from 2024-01 --to 2024-12 --fail-on-change
///   backfill source diff elexon --candidate new.wasm --windfarm Howard --from 2024-01 --to 2024-01 --against stored
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Diff {
    /// Id of a source in backfill.toml.
    id: String,

    /// The component that is to take the place of the active one; it gets the source's settings.
    #[arg(long, value_name = "FILE.wasm")]
    candidate: PathBuf,

    /// A wind farm, as imported; as many as are wanted.
    #[arg(long = "windfarm", required = true, value_name = "NAME")]
    windfarms: Vec<String>,

    /// The first month.
    #[arg(long, value_name = "YYYY-MM")]
    from: Month,

    /// The last month, included.
    #[arg(long, value_name = "YYYY-MM")]
    to: Month,

    /// Only units of this code; may be given several times.
    #[arg(long = "unit", value_name = "CODE")]
    codes: Vec<String>,

    /// With what to compare.
    #[arg(long, value_enum, default_value_t = Against::Active)]
    against: Against,

    /// Run both as a task that begins now would: with the present clock, and for whole months.
    #[arg(long)]
    as_now: bool,

    /// Exit code 1 if anything differs, if the candidate asks what the archive has no answer to, or if nothing could
    /// be compared at all.
    #[arg(long)]
    fail_on_change: bool,

    /// How to print it; as JSON, a line for every unit's month, and a last one with the totals.
    #[arg(long, value_enum, default_value_t = Report::Table)]
    format: Report,
}

/// What a candidate is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Against {
    /// What the active component makes of the same answers.
    Active,
    /// The measurements that are stored.
    Stored,
}

impl Diff {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        if self.to < self.from {
            bail!("--to {} is before --from {}; swap them", self.to, self.from);
        }
        let config = context::load(config)?;
        let own = configured(&config, &self.id)?;
        if !config.archive.enabled {
            bail!("the archive is off, so there are no answers to run over; see `[archive] enabled`");
        }
        let store = context::store(&config).await?;
        let units = self.units(&store).await?;
        let (engine, shared) = (context::engine(&config)?, context::shared(&config, &store)?);
        let active = match self.against {
            Against::Active => Some(with_component(own, None, &engine, &shared).await?),
            Against::Stored => None,
        };
        let candidate = with_component(own, Some(&self.candidate), &engine, &shared).await?;
        let now = store.now();
        let shadow = Shadow { store: store.clone(), active, candidate, now, as_now: self.as_now };
        let totals = self.compare(shadow, units).await?;
        store.close().await;
        let changed = self.fail_on_change && totals.all.fails();
        Ok(if changed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// The active units of these wind farms that the source serves.
    async fn units(&self, store: &Store) -> anyhow::Result<Vec<RegisteredUnit>> {
        let mut units = Vec::new();
        for name in &self.windfarms {
            let windfarm = store.windfarm_by_name(name).await?;
            units.extend(store.units(windfarm.id, std::slice::from_ref(&self.id)).await?);
        }
        let known: Vec<_> = units.iter().map(|unit| unit.unit.code.clone()).collect();
        if let Some(unknown) = self.codes.iter().find(|code| !known.contains(code)) {
            bail!("--unit {unknown}: no such active unit of {}; there are {}", self.id, known.join(", "));
        }
        units.retain(|unit| self.codes.is_empty() || self.codes.contains(&unit.unit.code));
        if units.is_empty() {
            bail!("{} has no active unit of {}", self.windfarms.join(", "), self.id);
        }
        Ok(units)
    }

    async fn compare(&self, shadow: Shadow, units: Vec<RegisteredUnit>) -> anyhow::Result<Totals> {
        let months = self.from.through(self.to).count() as u64;
        let bar = bar(units.len() as u64 * months);
        let begun = Instant::now();
        let mut totals = Totals::default();
        let mut found = std::pin::pin!(Arc::new(shadow).compare(units, (self.from, self.to)));
        while let Some(compared) = found.try_next().await? {
            totals.add(&compared);
            // The bar must not tear what is told on the same terminal.
            logging::bars().suspend(|| self.tell(&compared, &totals))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        totals.seconds = begun.elapsed().as_secs_f64();
        match self.format {
            Report::Json => say!("{}", json!({ "total": totals }))?,
            Report::Table => {
                say!("{}", table(&totals))?;
                say!("{totals}")?;
            }
        }
        Ok(totals)
    }

    fn tell(&self, compared: &Compared, totals: &Totals) -> io::Result<()> {
        if self.format == Report::Json {
            return say!("{}", json!(compared));
        }
        let Compared { unit, month, verdict, .. } = compared;
        match verdict {
            ShadowVerdict::Same | ShadowVerdict::NeverAsked => Ok(()),
            ShadowVerdict::Unknown(why) => say!("{unit} {month}: can't be judged: {why}"),
            ShadowVerdict::Different(difference) if totals.all.different <= TOLD => {
                say!("{unit} {month}: {}", difference.to_string().trim_end().replace('\n', "\n  "))
            }
            ShadowVerdict::Different(difference) => say!("{unit} {month}: {}", difference.summary()),
        }
    }
}

fn bar(unit_months: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("[{bar:32}] {pos}/{len} {per_sec} {elapsed}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    logging::bars().add(ProgressBar::new(unit_months)).with_style(style)
}
