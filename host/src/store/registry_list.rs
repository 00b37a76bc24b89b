//! Pages of the registry: wind farms and units, in the order of their ids, with everything that is known of them.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError, conditions::Conditions, connection::Connection, error::Doing,
    job_list::LONGEST_PAGE, registry::RegisteredUnit, registry::UnitRow, sql,
};
use crate::domain::Unit;

/// A wind farm with everything that is known of it.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct WindfarmRecord {
    /// Row id.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// What else is known of it.
    #[sqlx(json)]
    pub metadata: BTreeMap<String, String>,
    /// How many units it has, active or not.
    pub unit_count: i64,
    /// When it was entered.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

/// A generation unit with everything that is known of it.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct UnitRecord {
    /// Row id.
    pub id: i64,
    /// The wind farm that it belongs to.
    pub windfarm_id: i64,
    /// Id of the source that serves it.
    pub source: String,
    /// The upstream's own identifier: an EIC, a BM unit, a plant code, a station name.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// Rated capacity in MW, where it is known.
    pub capacity_mw: Option<f64>,
    /// What the source reads, e.g. `area` = `10Y1001A1001A796`.
    #[sqlx(json)]
    pub attributes: BTreeMap<String, String>,
    /// Whether it is planned for.
    pub active: bool,
    /// When it was entered.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl UnitRecord {
    /// The unit as its source sees it.
    pub fn unit(&self) -> Unit {
        Unit {
            code: self.code.clone(),
            name: self.name.clone(),
            capacity_mw: self.capacity_mw,
            attributes: self.attributes.clone(),
        }
    }
}

/// Which wind farms or units, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct RegistryFilter {
    /// Only those whose name holds this, in upper or lower case.
    pub name: Option<String>,
    /// Only units of this wind farm.
    pub windfarm_id: Option<i64>,
    /// Only units that this source serves, and wind farms with such units.
    pub source: Option<String>,
    /// Only units that are planned for, or only those that are not.
    pub active: Option<bool>,
    /// Only those after this one: the last of the page before.
    pub after: Option<i64>,
    /// Passes over so many.
    pub offset: u32,
    /// At most so many; [`LONGEST_PAGE`] if none is given or more are asked for.
    pub limit: Option<u32>,
}

/// A page, and how many the filter lets through on all pages.
#[derive(Clone, Debug, PartialEq)]
pub struct RegistryPage<T> {
    /// In the order of their ids.
    pub items: Vec<T>,
    /// On all pages.
    pub total: i64,
}

const WINDFARMS: &str = "SELECT f.id, f.name, f.metadata, f.created_at, f.updated_at,
            (SELECT COUNT(*) FROM generation_units u WHERE u.windfarm_id = f.id) AS unit_count
     FROM windfarms f";

const UNITS: &str =
    "SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active, created_at, updated_at
     FROM generation_units";

impl Store {
    /// Wind farms that a filter lets through.
    pub async fn windfarm_list(
        &self,
        filter: &RegistryFilter,
    ) -> Result<RegistryPage<WindfarmRecord>, StoreError> {
        const DOING: &str = "listing wind farms";
        let conditions = || {
            let mut conditions = Conditions::default();
            conditions.contains("f.name", filter.name.as_deref());
            conditions.maybe(
                "EXISTS (SELECT 1 FROM generation_units u WHERE u.windfarm_id = f.id AND u.source = {})",
                filter.source.as_ref(),
            );
            conditions
        };
        let mut conn = self.read(DOING).await?;
        let total = conditions().query("SELECT COUNT(*) FROM windfarms f", |_| String::new());
        let total = total.scalar(&mut conn).await.doing(DOING)?;
        let mut page = conditions();
        page.maybe("f.id > {}", filter.after);
        let items = page.query(WINDFARMS, |next| end("f.id", next));
        let items = filter.bounded(items).all(&mut conn).await.doing(DOING)?;
        Ok(RegistryPage { items, total })
    }

    /// Units that a filter lets through.
    pub async fn unit_list(&self, filter: &RegistryFilter) -> Result<RegistryPage<UnitRecord>, StoreError> {
        const DOING: &str = "listing units";
        let conditions = || {
            let mut conditions = Conditions::default();
            conditions.contains("name", filter.name.as_deref());
            conditions.maybe("windfarm_id = {}", filter.windfarm_id);
            conditions.maybe("source = {}", filter.source.as_ref());
            conditions.maybe("active = {}", filter.active);
            conditions
        };
        let mut conn = self.read(DOING).await?;
        let total = conditions().query("SELECT COUNT(*) FROM generation_units", |_| String::new());
        let total = total.scalar(&mut conn).await.doing(DOING)?;
        let mut page = conditions();
        page.maybe("id > {}", filter.after);
        let items = page.query(UNITS, |next| end("id", next));
        let items = filter.bounded(items).all(&mut conn).await.doing(DOING)?;
        Ok(RegistryPage { items, total })
    }

    /// A wind farm with everything that is known of it.
    pub async fn windfarm_record(&self, id: i64) -> Result<WindfarmRecord, StoreError> {
        const DOING: &str = "reading a wind farm";
        let mut conn = self.read(DOING).await?;
        windfarm_in(&mut conn, id).await.doing(DOING)?.ok_or_else(|| StoreError::not_found("wind farm", id))
    }

    /// A unit with everything that is known of it.
    pub async fn unit_record(&self, id: i64) -> Result<UnitRecord, StoreError> {
        const DOING: &str = "reading a unit";
        let mut conn = self.read(DOING).await?;
        unit_in(&mut conn, id).await.doing(DOING)?.ok_or_else(|| StoreError::not_found("unit", id))
    }

    /// The codes of all units that a source serves.
    pub async fn unit_codes(&self, source: &str) -> Result<Vec<String>, StoreError> {
        const DOING: &str = "listing the units of a source";
        let mut conn = self.read(DOING).await?;
        sql::query("SELECT DISTINCT code FROM generation_units WHERE source = $1")
            .bind(source)
            .scalars(&mut conn)
            .await
            .doing(DOING)
    }

    /// All units that a source serves, each with the name of its wind farm, by code and name.
    pub async fn units_of_source(&self, source: &str) -> Result<Vec<(String, RegisteredUnit)>, StoreError> {
        #[derive(FromRow)]
        struct Row {
            windfarm: String,
            #[sqlx(flatten)]
            unit: UnitRow,
        }
        const DOING: &str = "listing the units of a source";
        let mut conn = self.read(DOING).await?;
        let rows: Vec<Row> = sql::query(
            "SELECT f.name AS windfarm, u.id, u.windfarm_id, u.source, u.code, u.name, u.capacity_mw, u.attributes,
                    u.active
             FROM generation_units u JOIN windfarms f ON f.id = u.windfarm_id
             WHERE u.source = $1 ORDER BY u.code, u.name",
        )
        .bind(source)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        Ok(rows.into_iter().map(|row| (row.windfarm, row.unit.into())).collect())
    }

    /// A unit of a source: the one of a code, or else the first that is active.
    pub async fn unit_of_source(
        &self,
        source: &str,
        code: Option<&str>,
    ) -> Result<Option<UnitRecord>, StoreError> {
        const DOING: &str = "looking for a unit of a source";
        let mut conn = self.read(DOING).await?;
        let mut conditions = Conditions::default();
        conditions.add("source = {}", source);
        conditions.maybe("code = {}", code);
        conditions.maybe("active = {}", code.is_none().then_some(true));
        let found = conditions.query(UNITS, |_| "ORDER BY id LIMIT 1".to_owned());
        found.optional(&mut conn).await.doing(DOING)
    }
}

impl RegistryFilter {
    fn bounded(&self, query: sql::Query) -> sql::Query {
        query.bind(self.limit.unwrap_or(LONGEST_PAGE).min(LONGEST_PAGE)).bind(self.offset)
    }
}

fn end(id: &str, next: usize) -> String {
    format!("ORDER BY {id} LIMIT ${next} OFFSET ${}", next + 1)
}

pub(super) async fn windfarm_in(conn: &mut Connection, id: i64) -> sqlx::Result<Option<WindfarmRecord>> {
    sql::query(format!("{WINDFARMS} WHERE f.id = $1")).bind(id).optional(conn).await
}

pub(super) async fn unit_in(conn: &mut Connection, id: i64) -> sqlx::Result<Option<UnitRecord>> {
    sql::query(format!("{UNITS} WHERE id = $1")).bind(id).optional(conn).await
}
