//! The registry, changed row by row: each change keeps the rules that an import keeps.

use std::collections::BTreeMap;

use sqlx::types::Json;

use super::{
    Fault, Instant, Store, StoreError, UnitRecord, WindfarmRecord,
    connection::Connection,
    error::Doing,
    import::{DOING, NewUnit, check_shares, checked, insert_unit},
    registry_list::{unit_in, windfarm_in},
    sql,
};
use crate::domain::Unit;

/// What to change of a wind farm; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct WindfarmChange {
    /// Its name.
    pub name: Option<String>,
    /// All that is known besides.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// What to change of a unit; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct UnitChange {
    /// Its code at the upstream; refused once something is stored for the unit.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its capacity, or that none is known.
    pub capacity_mw: Option<Option<f64>>,
    /// All of its attributes.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Whether it is planned for.
    pub active: Option<bool>,
}

impl UnitChange {
    /// A unit with the change made to it.
    pub fn applied(&self, mut unit: Unit) -> Unit {
        if let Some(code) = &self.code {
            unit.code.clone_from(code);
        }
        if let Some(name) = &self.name {
            unit.name.clone_from(name);
        }
        if let Some(capacity_mw) = self.capacity_mw {
            unit.capacity_mw = capacity_mw;
        }
        if let Some(attributes) = &self.attributes {
            unit.attributes.clone_from(attributes);
        }
        unit
    }
}

impl Store {
    /// Enters a wind farm. A name that exists is refused.
    pub async fn create_windfarm(
        &self,
        name: &str,
        metadata: &BTreeMap<String, String>,
        now: impl Into<Instant>,
    ) -> Result<WindfarmRecord, StoreError> {
        let mut tx = self.change_registry().await?;
        check_windfarm_name(&mut tx, name, None).await?;
        let id: i64 = sql::query(
            "INSERT INTO windfarms (name, metadata, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id",
        )
        .bind(name)
        .bind(Json(metadata))
        .bind(now.into())
        .scalar(&mut tx)
        .await
        .doing(DOING)?;
        let made = windfarm_in(&mut tx, id).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        made.ok_or_else(|| StoreError::not_found("wind farm", id))
    }

    /// Changes a wind farm.
    pub async fn change_windfarm(
        &self,
        id: i64,
        change: &WindfarmChange,
        now: impl Into<Instant>,
    ) -> Result<WindfarmRecord, StoreError> {
        let mut tx = self.change_registry().await?;
        let found = windfarm_in(&mut tx, id).await.doing(DOING)?;
        let old = found.ok_or_else(|| StoreError::not_found("wind farm", id))?;
        let name = change.name.as_ref().unwrap_or(&old.name);
        let metadata = change.metadata.as_ref().unwrap_or(&old.metadata);
        if (name, metadata) == (&old.name, &old.metadata) {
            return Ok(old);
        }
        check_windfarm_name(&mut tx, name, Some(id)).await?;
        sql::query("UPDATE windfarms SET name = $2, metadata = $3, updated_at = $4 WHERE id = $1")
            .bind(id)
            .bind(name)
            .bind(Json(metadata))
            .bind(now.into())
            .execute(&mut tx)
            .await
            .doing(DOING)?;
        let changed = windfarm_in(&mut tx, id).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        changed.ok_or_else(|| StoreError::not_found("wind farm", id))
    }

    /// Forgets a wind farm that no unit and no job refers to.
    pub async fn delete_windfarm(&self, id: i64) -> Result<(), StoreError> {
        let mut tx = self.change_registry().await?;
        let found = windfarm_in(&mut tx, id).await.doing(DOING)?;
        let farm = found.ok_or_else(|| StoreError::not_found("wind farm", id))?;
        if farm.unit_count > 0 {
            let why = format!(
                "wind farm {id} has {} units; delete them first, or deactivate them and keep it",
                farm.unit_count
            );
            return Err(StoreError::refused(DOING, why));
        }
        let deleted = sql::query("DELETE FROM windfarms WHERE id = $1").bind(id).execute(&mut tx).await;
        unless_referred_to(deleted.doing(DOING), || {
            format!("jobs refer to wind farm {id}; delete these first, or keep it")
        })?;
        tx.commit().await.doing(DOING)
    }

    /// Enters a unit. One that exists is refused, and one that breaks the rule of shares ([`NewUnit::unit`]).
    pub async fn create_unit(
        &self,
        windfarm_id: i64,
        new: &NewUnit,
        now: impl Into<Instant>,
    ) -> Result<UnitRecord, StoreError> {
        let mut tx = self.change_registry().await?;
        let found = windfarm_in(&mut tx, windfarm_id).await.doing(DOING)?;
        found.ok_or_else(|| StoreError::not_found("wind farm", windfarm_id))?;
        check_unit_name(&mut tx, windfarm_id, new, None).await?;
        let id = insert_unit(&mut tx, windfarm_id, new, now.into()).await?;
        check_shares(&mut tx, &new.source, &new.unit.code).await?;
        let made = unit_in(&mut tx, id).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        made.ok_or_else(|| StoreError::not_found("unit", id))
    }

    /// Changes a unit. What it failed with before is forgotten by the next plan, unless nothing changed. Its code stays
    /// while attempts of it run: what they find is of the code that they were claimed with.
    ///
    /// `now` is asked once nobody claims: an attempt that began before has the unit as it was.
    pub async fn change_unit<I: Into<Instant>>(
        &self,
        id: i64,
        change: &UnitChange,
        now: impl Fn() -> I,
    ) -> Result<UnitRecord, StoreError> {
        let mut tx = self.change_registry().await?;
        tx.lock_queue().await.doing(DOING)?;
        let now: Instant = now().into();
        let found = unit_in(&mut tx, id).await.doing(DOING)?;
        let old = found.ok_or_else(|| StoreError::not_found("unit", id))?;
        let unit = change.applied(old.unit());
        let active = change.active.unwrap_or(old.active);
        let new = NewUnit { source: old.source.clone(), unit, active: Some(active) };
        if new.unit == old.unit() && active == old.active {
            return Ok(old);
        }
        if new.unit.code != old.code {
            if has(&mut tx, UNDER_WAY, id).await.doing(DOING)? {
                let why = format!(
                    "a task of unit {id} is under way with code {:?}; cancel its job or wait for its end, then try again",
                    old.code
                );
                return Err(StoreError::refused(DOING, why));
            }
            if has(&mut tx, SERIES_OF, id).await.doing(DOING)? {
                let why = format!(
                    "unit {id} has stored measurements of code {:?}; deactivate it, and enter a new unit with the new \
                     code",
                    old.code
                );
                return Err(StoreError::refused(DOING, why));
            }
        }
        check_unit_name(&mut tx, old.windfarm_id, &new, Some(id)).await?;
        let share = checked(&mut tx, &new, Some(id)).await?;
        sql::query(
            "UPDATE generation_units SET code = $2, name = $3, capacity_mw = $4, attributes = $5, share = $6,
                                         active = $7, updated_at = $8 WHERE id = $1",
        )
        .bind(id)
        .bind(&new.unit.code)
        .bind(&new.unit.name)
        .bind(new.unit.capacity_mw)
        .bind(Json(&new.unit.attributes))
        .bind(share)
        .bind(active)
        .bind(now)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        check_shares(&mut tx, &new.source, &new.unit.code).await?;
        let changed = unit_in(&mut tx, id).await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        changed.ok_or_else(|| StoreError::not_found("unit", id))
    }

    /// Forgets a unit that nothing was ever asked or stored for.
    pub async fn delete_unit(&self, id: i64) -> Result<(), StoreError> {
        let mut tx = self.change_registry().await?;
        unit_in(&mut tx, id).await.doing(DOING)?.ok_or_else(|| StoreError::not_found("unit", id))?;
        let deleted =
            sql::query("DELETE FROM generation_units WHERE id = $1").bind(id).execute(&mut tx).await;
        unless_referred_to(deleted.doing(DOING), || {
            format!(
                "tasks or stored measurements refer to unit {id}; deactivate it instead (`\"active\": false`)"
            )
        })?;
        tx.commit().await.doing(DOING)
    }
}

/// What a deletion came to; where other rows refer to what was to be deleted, a refusal.
fn unless_referred_to(
    deleted: Result<u64, StoreError>,
    why: impl FnOnce() -> String,
) -> Result<u64, StoreError> {
    deleted.map_err(|error| match error.fault() {
        Some(Fault::Constraint) => StoreError::refused(DOING, why()),
        _ => error,
    })
}

async fn check_windfarm_name(conn: &mut Connection, name: &str, own: Option<i64>) -> Result<(), StoreError> {
    if name.trim().is_empty() {
        return Err(StoreError::refused(DOING, "a wind farm has no name"));
    }
    let of_name: Option<i64> = sql::query("SELECT id FROM windfarms WHERE name = $1")
        .bind(name)
        .scalar_optional(conn)
        .await
        .doing(DOING)?;
    match of_name {
        Some(id) if Some(id) != own => {
            Err(StoreError::refused(DOING, format!("wind farm {id} has the name {name:?} already")))
        }
        _ => Ok(()),
    }
}

async fn check_unit_name(
    conn: &mut Connection,
    windfarm_id: i64,
    new: &NewUnit,
    own: Option<i64>,
) -> Result<(), StoreError> {
    let same: Option<i64> = sql::query(
        "SELECT id FROM generation_units WHERE windfarm_id = $1 AND source = $2 AND code = $3 AND name = $4",
    )
    .bind(windfarm_id)
    .bind(&new.source)
    .bind(&new.unit.code)
    .bind(&new.unit.name)
    .scalar_optional(conn)
    .await
    .doing(DOING)?;
    match same {
        Some(id) if Some(id) != own => {
            let why = format!("unit {id} of this wind farm has this source, code and name already");
            Err(StoreError::refused(DOING, why))
        }
        _ => Ok(()),
    }
}

/// Rows that keep a unit's code from being changed.
const UNDER_WAY: &str = "backfill_tasks WHERE status = 'in_progress' AND generation_unit_id = $1";
const SERIES_OF: &str = "series WHERE generation_unit_id = $1";

async fn has(conn: &mut Connection, rows: &str, unit_id: i64) -> sqlx::Result<bool> {
    sql::query(format!("SELECT EXISTS (SELECT 1 FROM {rows})")).bind(unit_id).scalar(conn).await
}
