//! Wind farms and their generation units, read.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, bulk::bulk, error::Doing, sql};
use crate::domain::Unit;

/// A wind farm of the registry.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct Windfarm {
    /// Row id.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// What else is known of it.
    #[sqlx(json)]
    pub metadata: BTreeMap<String, String>,
}

/// A generation unit of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RegisteredUnit {
    /// Row id.
    pub id: i64,
    /// The wind farm that it belongs to.
    pub windfarm_id: i64,
    /// Id of the source that serves it.
    pub source: String,
    /// The unit as its source sees it.
    pub unit: Unit,
    /// Whether it is planned for.
    pub active: bool,
}

#[derive(FromRow)]
pub(super) struct UnitRow {
    pub(super) id: i64,
    windfarm_id: i64,
    source: String,
    pub(super) code: String,
    pub(super) name: String,
    capacity_mw: Option<f64>,
    #[sqlx(json)]
    attributes: BTreeMap<String, String>,
    active: bool,
}

impl From<UnitRow> for RegisteredUnit {
    fn from(row: UnitRow) -> Self {
        let UnitRow { id, windfarm_id, source, code, name, capacity_mw, attributes, active } = row;
        Self { id, windfarm_id, source, unit: Unit { code, name, capacity_mw, attributes }, active }
    }
}

impl Store {
    /// The wind farm of a name, exactly; else an error that lists the names most like it.
    pub async fn windfarm_by_name(&self, name: &str) -> Result<Windfarm, StoreError> {
        const DOING: &str = "looking up a wind farm";
        let mut conn = self.read(DOING).await?;
        let found = sql::query("SELECT id, name, metadata FROM windfarms WHERE name = $1")
            .bind(name)
            .optional(&mut conn)
            .await
            .doing(DOING)?;
        if let Some(windfarm) = found {
            return Ok(windfarm);
        }
        let names: Vec<String> =
            sql::query("SELECT name FROM windfarms ORDER BY name").scalars(&mut conn).await.doing(DOING)?;
        Err(StoreError::NotFound {
            what: "wind farm",
            name: format!("{name:?}"),
            hint: Some(near(name, &names)),
        })
    }

    /// A wind farm.
    pub async fn windfarm(&self, id: i64) -> Result<Windfarm, StoreError> {
        const DOING: &str = "reading a wind farm";
        let mut conn = self.read(DOING).await?;
        sql::query("SELECT id, name, metadata FROM windfarms WHERE id = $1")
            .bind(id)
            .optional(&mut conn)
            .await
            .doing(DOING)?
            .ok_or_else(|| StoreError::not_found("wind farm", id))
    }

    /// Wind farms by their ids, in that order, each once.
    pub async fn windfarms_by_id(&self, ids: &[i64]) -> Result<Vec<Windfarm>, StoreError> {
        const DOING: &str = "reading wind farms";
        let ids = each_once(ids);
        let mut conn = self.read(DOING).await?;
        let rows: Vec<Windfarm> = bulk(
            "WITH wanted (wanted_id) AS ({rows}) SELECT id, name, metadata FROM wanted JOIN windfarms ON id = wanted_id",
        )
        .column(ids.iter().copied())
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let mut found: HashMap<_, _> = rows.into_iter().map(|windfarm| (windfarm.id, windfarm)).collect();
        let found =
            ids.iter().map(|id| found.remove(id).ok_or_else(|| StoreError::not_found("wind farm", id)));
        found.collect()
    }

    /// The wind farms of units, in the order in which the units are named, each once.
    pub async fn windfarms_of_units(&self, unit_ids: &[i64]) -> Result<Vec<i64>, StoreError> {
        const DOING: &str = "reading the wind farms of units";
        let ids = each_once(unit_ids);
        let mut conn = self.read(DOING).await?;
        let rows: Vec<(i64, i64)> = bulk(
            "WITH wanted (wanted_id) AS ({rows})
             SELECT id, windfarm_id FROM wanted JOIN generation_units ON id = wanted_id",
        )
        .column(ids.iter().copied())
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let found: HashMap<_, _> = rows.into_iter().collect();
        let of = |id| found.get(id).copied().ok_or_else(|| StoreError::not_found("unit", id));
        let windfarms: Result<Vec<_>, _> = ids.iter().map(of).collect();
        windfarms.map(|windfarms| each_once(&windfarms))
    }

    /// The active units of wind farms that these sources serve (any source if none is named): wind farm by wind farm,
    /// and by source, code and name.
    pub async fn units_of_windfarms(
        &self,
        windfarms: &[Windfarm],
        sources: &[String],
    ) -> Result<Vec<RegisteredUnit>, StoreError> {
        const DOING: &str = "listing the units of wind farms";
        let mut conn = self.read(DOING).await?;
        let rows: Vec<UnitRow> = bulk(
            "WITH wanted (wanted_id) AS ({rows})
             SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active
             FROM wanted JOIN generation_units ON windfarm_id = wanted_id WHERE active",
        )
        .column(windfarms.iter().map(|windfarm| windfarm.id))
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let place: HashMap<_, _> =
            windfarms.iter().enumerate().map(|(place, windfarm)| (windfarm.id, place)).collect();
        let wanted = |row: &UnitRow| sources.is_empty() || sources.contains(&row.source);
        let mut units: Vec<_> = rows.into_iter().filter(wanted).map(RegisteredUnit::from).collect();
        units.sort_by(|a, b| {
            let key = |unit: &'_ RegisteredUnit| place.get(&unit.windfarm_id).copied();
            (key(a), &a.source, &a.unit.code, &a.unit.name).cmp(&(
                key(b),
                &b.source,
                &b.unit.code,
                &b.unit.name,
            ))
        });
        Ok(units)
    }

    /// A unit, active or not.
    pub async fn unit(&self, id: i64) -> Result<RegisteredUnit, StoreError> {
        const DOING: &str = "reading a unit";
        let mut conn = self.read(DOING).await?;
        let row: Option<UnitRow> = sql::query(
            "SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active FROM generation_units
             WHERE id = $1",
        )
        .bind(id)
        .optional(&mut conn)
        .await
        .doing(DOING)?;
        row.map(RegisteredUnit::from).ok_or_else(|| StoreError::not_found("unit", id))
    }

    /// All wind farms, by name.
    pub async fn windfarms(&self) -> Result<Vec<Windfarm>, StoreError> {
        const DOING: &str = "listing wind farms";
        let mut conn = self.read(DOING).await?;
        sql::query("SELECT id, name, metadata FROM windfarms ORDER BY name").all(&mut conn).await.doing(DOING)
    }

    /// The active units of all wind farms, by wind farm, source, code and name.
    pub async fn active_units(&self) -> Result<Vec<RegisteredUnit>, StoreError> {
        const DOING: &str = "listing units";
        let mut conn = self.read(DOING).await?;
        let rows: Vec<UnitRow> = sql::query(
            "SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active FROM generation_units
             WHERE active ORDER BY windfarm_id, source, code, name",
        )
        .all(&mut conn)
        .await
        .doing(DOING)?;
        Ok(rows.into_iter().map(RegisteredUnit::from).collect())
    }

    /// The active units of a wind farm that these sources serve (any source if none is named), by source,
    /// code and name.
    pub async fn units(
        &self,
        windfarm_id: i64,
        sources: &[String],
    ) -> Result<Vec<RegisteredUnit>, StoreError> {
        const DOING: &str = "listing the units of a wind farm";
        let mut conn = self.read(DOING).await?;
        let rows: Vec<UnitRow> = sql::query(
            "SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active FROM generation_units
             WHERE windfarm_id = $1 AND active ORDER BY source, code, name",
        )
        .bind(windfarm_id)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let wanted = |row: &UnitRow| sources.is_empty() || sources.contains(&row.source);
        Ok(rows.into_iter().filter(wanted).map(RegisteredUnit::from).collect())
    }
}

/// Without those that came before.
fn each_once(ids: &[i64]) -> Vec<i64> {
    let mut seen = HashSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

/// The five names most like one, as a hint.
fn near(name: &str, names: &[String]) -> String {
    if names.is_empty() {
        return "there is none yet; `backfill import` brings them in".to_owned();
    }
    let wanted = name.to_lowercase();
    let mut ranked: Vec<(f64, &String)> = names
        .iter()
        .map(|known| {
            let lower = known.to_lowercase();
            let inside = lower.contains(&wanted) || wanted.contains(&lower);
            (if inside { 1.0 } else { strsim::jaro_winkler(&lower, &wanted) }, known)
        })
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shown: Vec<_> = ranked.iter().take(5).map(|(_, known)| format!("{known:?}")).collect();
    if shown.is_empty() {
        format!("none of the {} known is like it", names.len())
    } else {
        format!("did you mean {}?", shown.join(", "))
    }
}
