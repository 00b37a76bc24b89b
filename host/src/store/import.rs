//! Filling the registry: wind farms and units, all of an import or none of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::types::Json;

use super::{
    Instant, Store, StoreError,
    connection::{Connection, Transaction},
    error::Doing,
    registry::{RegisteredUnit, UnitRow},
    sql,
};
use crate::domain::Unit;

pub(super) const DOING: &str = "changing the registry";

/// Rounding of decimal fractions, as in 0.1 + 0.2 + 0.7.
const SHARE_SLACK: f64 = 1e-9;

/// A wind farm to bring in, known by its name.
#[derive(Clone, Debug, Default)]
pub struct NewWindfarm {
    /// Its name.
    pub name: String,
    /// What else is known of it; replaces what was known. Without it, what was known stays.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its units. Units that the registry has and that are not named here stay as they are.
    pub units: Vec<NewUnit>,
}

/// A unit to bring in, known by wind farm, source and code, and by name where several share a code.
#[derive(Clone, Debug)]
pub struct NewUnit {
    /// Id of the source that serves it.
    pub source: String,
    /// The unit. An attribute `share`, above 0 and at most 1, is its part of what the upstream reports for the
    /// code; units that have a code in common must have it, and must not sum to more than 1.
    pub unit: Unit,
    /// Whether it is to be planned for. Without it a unit that is known stays as it is, and a new one is planned for.
    pub active: Option<bool>,
}

/// What an import did to one kind of row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ImportCounts {
    /// New rows.
    pub created: u64,
    /// Rows that were different.
    pub updated: u64,
    /// Rows that were the same.
    pub unchanged: u64,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// To wind farms.
    pub windfarms: ImportCounts,
    /// To units.
    pub units: ImportCounts,
}

impl Store {
    /// Brings in wind farms and their units: creates what is new, updates what differs. An import that breaks a
    /// rule (see [`NewUnit::unit`]) is refused whole, with the code that breaks it.
    pub async fn import(
        &self,
        windfarms: &[NewWindfarm],
        now: impl Into<Instant>,
    ) -> Result<Imported, StoreError> {
        let mut tx = self.change_registry().await?;
        let done = import(&mut tx, windfarms, now.into()).await?;
        tx.commit().await.doing(DOING)?;
        Ok(done)
    }

    /// What [`Store::import`] would do, and whether it would be refused. Changes nothing.
    pub async fn try_import(
        &self,
        windfarms: &[NewWindfarm],
        now: impl Into<Instant>,
    ) -> Result<Imported, StoreError> {
        let mut tx = self.change_registry().await?;
        let would = import(&mut tx, windfarms, now.into()).await?;
        tx.rollback().await.doing(DOING)?;
        Ok(would)
    }

    /// A transaction that changes the registry, one at a time: what is looked up before something is written (names,
    /// shares) still holds when it is.
    pub(super) async fn change_registry(&self) -> Result<Transaction, StoreError> {
        let mut tx = self.write(DOING).await?;
        tx.lock_registry().await.doing(DOING)?;
        Ok(tx)
    }
}

async fn import(
    tx: &mut Transaction,
    windfarms: &[NewWindfarm],
    now: Instant,
) -> Result<Imported, StoreError> {
    let mut done = Imported::default();
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for windfarm in windfarms {
        let id = upsert_windfarm(tx, windfarm, now, &mut done.windfarms).await?;
        for unit in &windfarm.units {
            match stored_unit(tx, id, unit, &windfarm.units).await? {
                Some(stored) => known.push((stored, unit)),
                None => new.push((id, unit)),
            }
        }
    }
    // Known units first: one that gets a share makes room for a new one with the same code.
    for (stored, unit) in &known {
        update_unit(tx, stored, unit, now, &mut done.units).await?;
    }
    for (windfarm_id, unit) in &new {
        insert_unit(tx, *windfarm_id, unit, now).await?;
        done.units.created += 1;
    }
    let codes: BTreeSet<_> =
        windfarms.iter().flat_map(|farm| &farm.units).map(|unit| (&unit.source, &unit.unit.code)).collect();
    for (source, code) in codes {
        check_shares(tx, source, code).await?;
    }
    Ok(done)
}

async fn upsert_windfarm(
    conn: &mut Connection,
    windfarm: &NewWindfarm,
    now: Instant,
    counts: &mut ImportCounts,
) -> Result<i64, StoreError> {
    if windfarm.name.trim().is_empty() {
        return Err(StoreError::refused(DOING, "a wind farm has no name"));
    }
    let stored: Option<(i64, Json<BTreeMap<String, String>>)> =
        sql::query("SELECT id, metadata FROM windfarms WHERE name = $1")
            .bind(&windfarm.name)
            .optional(conn)
            .await
            .doing(DOING)?;
    match stored {
        Some((id, known)) if windfarm.metadata.as_ref().is_none_or(|metadata| known.0 == *metadata) => {
            counts.unchanged += 1;
            Ok(id)
        }
        Some((id, _)) => {
            counts.updated += 1;
            sql::query("UPDATE windfarms SET metadata = $2, updated_at = $3 WHERE id = $1")
                .bind(id)
                .bind(Json(&windfarm.metadata))
                .bind(now)
                .execute(conn)
                .await
                .doing(DOING)?;
            Ok(id)
        }
        None => {
            counts.created += 1;
            sql::query(
                "INSERT INTO windfarms (name, metadata, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id",
            )
            .bind(&windfarm.name)
            .bind(Json(windfarm.metadata.clone().unwrap_or_default()))
            .bind(now)
            .scalar(conn)
            .await
            .doing(DOING)
        }
    }
}

/// The stored unit that an incoming one is: of the same name; or, where neither the registry nor the import has
/// several of the code in this wind farm, the one of the code, renamed.
async fn stored_unit(
    conn: &mut Connection,
    windfarm_id: i64,
    new: &NewUnit,
    siblings: &[NewUnit],
) -> Result<Option<RegisteredUnit>, StoreError> {
    let same_code = |other: &&NewUnit| other.source == new.source && other.unit.code == new.unit.code;
    let incoming = siblings.iter().filter(same_code).count();
    if siblings.iter().filter(same_code).filter(|other| other.unit.name == new.unit.name).count() > 1 {
        let why =
            format!("{} unit {:?} named {:?} is listed twice", new.source, new.unit.code, new.unit.name);
        return Err(StoreError::refused(DOING, why));
    }
    let mut stored: Vec<UnitRow> = sql::query(
        "SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active FROM generation_units
         WHERE windfarm_id = $1 AND source = $2 AND code = $3",
    )
    .bind(windfarm_id)
    .bind(&new.source)
    .bind(&new.unit.code)
    .all(conn)
    .await
    .doing(DOING)?;
    let named = stored.iter().position(|row| row.name == new.unit.name);
    let only = (stored.len() == 1 && incoming == 1).then_some(0);
    Ok(named.or(only).map(|at| stored.swap_remove(at).into()))
}

async fn update_unit(
    conn: &mut Connection,
    stored: &RegisteredUnit,
    new: &NewUnit,
    now: Instant,
    counts: &mut ImportCounts,
) -> Result<(), StoreError> {
    let active = new.active.unwrap_or(stored.active);
    if stored.unit == new.unit && stored.active == active {
        counts.unchanged += 1;
        return Ok(());
    }
    let share = checked(conn, new, Some(stored.id)).await?;
    counts.updated += 1;
    sql::query(
        "UPDATE generation_units SET name = $2, capacity_mw = $3, attributes = $4, share = $5, active = $6,
                                     updated_at = $7 WHERE id = $1",
    )
    .bind(stored.id)
    .bind(&new.unit.name)
    .bind(new.unit.capacity_mw)
    .bind(Json(&new.unit.attributes))
    .bind(share)
    .bind(active)
    .bind(now)
    .execute(conn)
    .await
    .doing(DOING)?;
    Ok(())
}

pub(super) async fn insert_unit(
    conn: &mut Connection,
    windfarm_id: i64,
    new: &NewUnit,
    now: Instant,
) -> Result<i64, StoreError> {
    let share = checked(conn, new, None).await?;
    sql::query(
        "INSERT INTO generation_units (windfarm_id, source, code, name, capacity_mw, attributes, share, active,
                                       created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id",
    )
    .bind(windfarm_id)
    .bind(&new.source)
    .bind(&new.unit.code)
    .bind(&new.unit.name)
    .bind(new.unit.capacity_mw)
    .bind(Json(&new.unit.attributes))
    .bind(share)
    .bind(new.active.unwrap_or(true))
    .bind(now)
    .scalar(conn)
    .await
    .doing(DOING)
}

/// The unit's share, once the unit has passed every rule that can be checked before it is written.
pub(super) async fn checked(
    conn: &mut Connection,
    new: &NewUnit,
    id: Option<i64>,
) -> Result<Option<f64>, StoreError> {
    let unit = &new.unit;
    let refused =
        |why: String| StoreError::refused(DOING, format!("{} unit {:?}: {why}", new.source, unit.code));
    if new.source.is_empty() || unit.code.is_empty() {
        return Err(refused("a unit needs a source and a code".to_owned()));
    }
    if unit.capacity_mw.is_some_and(|capacity| !(capacity > 0.0 && capacity.is_finite())) {
        return Err(refused("a capacity is above 0 MW; leave it out where it is not known".to_owned()));
    }
    let share = unit.share().map_err(refused)?;
    let other: Option<String> = sql::query(
        "SELECT name FROM generation_units
         WHERE source = $1 AND code = $2 AND ($3 IS NULL OR id <> $3) AND ($4 IS NULL OR share IS NULL)",
    )
    .bind(&new.source)
    .bind(&unit.code)
    .bind(id)
    .bind(share)
    .scalar_optional(conn)
    .await
    .doing(DOING)?;
    match other {
        Some(other) => Err(refused(format!(
            "{:?} and {other:?} have this code; give each a `share` attribute (together at most 1), else each is \
             given the whole",
            unit.name
        ))),
        None => Ok(share),
    }
}

pub(super) async fn check_shares(conn: &mut Connection, source: &str, code: &str) -> Result<(), StoreError> {
    let sum: Option<f64> =
        sql::query("SELECT SUM(share) FROM generation_units WHERE source = $1 AND code = $2")
            .bind(source)
            .bind(code)
            .scalar(conn)
            .await
            .doing(DOING)?;
    match sum {
        Some(sum) if sum > 1.0 + SHARE_SLACK => Err(StoreError::refused(
            DOING,
            format!("{source} unit {code:?}: the shares of the units with this code sum to {sum}, above 1"),
        )),
        _ => Ok(()),
    }
}
