//! One unit and one month, from ids to series, or why there are none.

use backfill_guest::{Failure, Month, Series, Unit, time};

use crate::PUBLICATION_LAG_DAYS;
use crate::answer::Answer;
use crate::bm_unit::BmUnit;
use crate::bmunits::{self, Listing};
use crate::dataset::Dataset;
use crate::notes::Notes;
use crate::upstream::{self, Upstream};
use crate::{b1610, pn};

/// What to fetch, and when it is now.
pub(crate) struct Task<'a> {
    pub(crate) unit: &'a Unit,
    pub(crate) month: &'a Month,
    pub(crate) datasets: &'a [Dataset],
    pub(crate) base_url: &'a str,
    /// Seconds since 1970.
    pub(crate) now: i64,
}

/// Whether the list of BM units has the unit.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Listed,
    NotListed,
}

/// The series of all datasets, and what to log. One request per dataset, and one for the list of units where the
/// Elexon id isn't known beforehand or nothing came: an empty answer is never proof, as upstream answers a
/// misspelt unit in the same way.
pub(crate) fn fetch(upstream: &impl Upstream, task: &Task<'_>) -> (Result<Vec<Series>, Failure>, Notes) {
    let mut notes = Notes::default();
    let outcome = run(upstream, task, &mut notes);
    (outcome, notes)
}

fn run(upstream: &impl Upstream, task: &Task<'_>, notes: &mut Notes) -> Result<Vec<Series>, Failure> {
    let mut unit = BmUnit::of(task.unit).map_err(Failure::InvalidUnit)?;
    let download =
        |bm_unit: &str| upstream::download(upstream, task.base_url, task.datasets, bm_unit, task.month);
    let mut known = None;
    if unit.elexon.is_none() {
        known = Some(look_up(upstream, task, &mut unit)?);
    }
    let mut answers = download(unit.asked_as())?;
    let mut series = normalize(&answers, &mut unit, task, notes)?;
    if series.is_empty() && notes.contradiction().is_none() && known.is_none() {
        let asked = unit.asked_as().to_owned();
        known = Some(look_up(upstream, task, &mut unit)?);
        if unit.asked_as() != asked {
            answers = download(unit.asked_as())?;
        }
        // Also of the same answers: rows that carry only the National Grid id are recognised by now.
        series = normalize(&answers, &mut unit, task, notes)?;
    }
    if !series.is_empty() {
        return Ok(series);
    }
    Err(match notes.contradiction() {
        Some(contradiction) => Failure::Malformed(format!("no value can be used: {contradiction}")),
        None => nothing(&unit, known, task),
    })
}

fn look_up(upstream: &impl Upstream, task: &Task<'_>, unit: &mut BmUnit) -> Result<Known, Failure> {
    let answer = upstream::download_list(upstream, task.base_url)?;
    match bmunits::resolve(unit, &upstream::listed(&answer)?) {
        Listing::Found => Ok(Known::Listed),
        Listing::Missing => Ok(Known::NotListed),
        Listing::Ambiguous(ids) => Err(Failure::InvalidUnit(format!(
            "National Grid id {} belongs to several BM units ({}); name one in the attribute elexon_bm_unit",
            unit.key,
            ids.join(", ")
        ))),
    }
}

/// Series of every dataset; `notes` begins anew.
fn normalize(
    answers: &[(Dataset, Answer)],
    unit: &mut BmUnit,
    task: &Task<'_>,
    notes: &mut Notes,
) -> Result<Vec<Series>, Failure> {
    *notes = Notes::default();
    let (mut metered, mut notified) = (Vec::new(), Vec::new());
    for (dataset, answer) in answers {
        match dataset {
            Dataset::B1610 => metered.extend(answer.rows::<b1610::Row<'_>>(dataset.name())?),
            Dataset::Pn => notified.extend(answer.rows::<pn::Row<'_>>(dataset.name())?),
        }
    }
    for row in metered.iter().map(b1610::Row::ids).chain(notified.iter().map(pn::Row::ids)) {
        unit.learn(row);
    }
    let mut all = Vec::new();
    for dataset in task.datasets {
        let series = match dataset {
            Dataset::B1610 => b1610::series(&metered, unit, task.month, notes)?,
            Dataset::Pn => pn::series(&notified, unit, task.month, notes)?,
        };
        if series.is_empty() {
            let (name, month) = (dataset.name(), task.month.label());
            notes.info(format!("{name} has no value of {} in {month}", unit.asked_as()));
        }
        all.extend(series);
    }
    Ok(all)
}

/// Why nothing came, though every request was answered.
fn nothing(unit: &BmUnit, known: Option<Known>, task: &Task<'_>) -> Failure {
    let names: Vec<_> = task.datasets.iter().map(|dataset| dataset.name()).collect();
    let (names, id, month) = (names.join(" and "), unit.asked_as(), task.month.label());
    if known == Some(Known::NotListed) {
        return Failure::NoData(format!(
            "Elexon knows no BM unit {}: it is not in reference/bmunits/all and has no row in {names} for {month}. \
             Check the code; a retired unit is not listed, its Elexon id can be given in the attribute elexon_bm_unit",
            unit.key
        ));
    }
    let complete = task.month.end + i64::from(PUBLICATION_LAG_DAYS) * 86_400;
    if task.now < complete {
        let complete = time::format_utc(complete);
        return Failure::NotYetPublished(format!(
            "no row of {id} in {names} for {month} yet; the first settlement run is expected by {complete}"
        ));
    }
    Failure::NoData(format!("{names} have no row of {id} for {month}, though the unit is listed"))
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
