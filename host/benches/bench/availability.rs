//! What is stored of 20 units and twelve years, month by month, with the history of years stored.

use std::time::{Duration, Instant};

use anyhow::ensure;
use backfill::{
    domain::{Calendar, PlanUnit, Range},
    store::Store,
};
use chrono_tz::Tz;

use crate::{
    databases::{Kind, Raw},
    history, planned,
    report::Report,
    turns,
};

const UNITS: usize = 20;
const MONTHS: usize = 144;
const TURNS: usize = 7;

pub(crate) async fn measure(
    report: &mut Report,
    kind: Kind,
    store: &Store,
    raw: &mut Raw,
) -> anyhow::Result<()> {
    report.progress(&format!("what is stored of 20 units and twelve years, {kind:?}"));
    let windfarm = store.windfarm_by_name("farm 1").await?;
    let units: Vec<_> = store.units(windfarm.id, &[]).await?.into_iter().take(UNITS).collect();
    let ids: Vec<_> = units.iter().map(|unit| unit.id.to_string()).collect();
    let units: Vec<_> = units
        .into_iter()
        .map(|unit| PlanUnit {
            unit_id: unit.id,
            source: unit.source,
            calendar: Calendar { zone: Tz::UTC, first_month: None, publication_lag_days: 0 },
            refused: None,
        })
        .collect();
    let months = planned::months(history::FIRST_YEAR, MONTHS)?;
    let range = Range::of_months(months[0], months[MONTHS - 1])?;
    let known = async || {
        let began = Instant::now();
        let known = store.known(&units, range).await?;
        let took = began.elapsed();
        let empty = known.values().filter(|month| month.empty.is_some()).count();
        ensure!(known.len() == UNITS * MONTHS && empty == UNITS * 12, "{} months", known.len());
        Ok(took)
    };
    let sql = format!(
        "SELECT m.* FROM series_months m JOIN series s ON s.id = m.series_id WHERE s.generation_unit_id IN ({})",
        ids.join(", ")
    );
    let plain = async || -> anyhow::Result<Duration> {
        let began = Instant::now();
        let rows = raw.read(&sql).await?;
        ensure!(rows == UNITS * MONTHS);
        Ok(began.elapsed())
    };
    let (known, plain) = turns::best(TURNS, known, plain).await?;
    let against = "a plain SELECT of the months' counts";
    report.add(kind.figure("availability"), "ms", turns::ms(known), turns::ms(plain), against);
    Ok(())
}
