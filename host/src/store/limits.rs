//! The allowance of each source, one for all hosts. What the state means is the caller's: a function of (state,
//! now), run while the row is locked.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    connection::Connection,
    error::Doing,
    events::{self, EventKind, Subject},
    sql,
};

/// What holds a source back.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct SourceLimits {
    /// Its id.
    pub source: String,
    /// The state of its allowance.
    pub arrival: Option<Instant>,
    /// Nobody asks the upstream before.
    pub held_until: Option<Instant>,
    /// Nothing is claimed before: the upstream failed too often in a row.
    pub open_until: Option<Instant>,
}

impl Store {
    /// Reserves a slot in one atomic step: `next` is given the stored arrival time (none for a source that has
    /// never asked) and the end of a hold-off, and says which slot that makes, and which arrival time to store.
    pub async fn reserve_slot<Slot>(
        &self,
        source: &str,
        next: impl FnOnce(Option<DateTime<Utc>>, Option<DateTime<Utc>>) -> (Slot, DateTime<Utc>) + Send,
    ) -> Result<Slot, StoreError> {
        const DOING: &str = "reserving a request of a source";
        let mut tx = self.write_own(DOING).await?;
        let (arrival, held_until) = locked(&mut tx, source).await.doing(DOING)?;
        let (slot, arrival) = next(arrival.map(Instant::utc), held_until.map(Instant::utc));
        sql::query(
            "INSERT INTO source_limits (source, tat) VALUES ($1, $2)
             ON CONFLICT (source) DO UPDATE SET tat = excluded.tat",
        )
        .bind(source)
        .bind(Instant::from(arrival))
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(slot)
    }

    /// Lets nobody ask a source before an instant; never shortens an earlier hold-off.
    pub async fn hold_off(
        &self,
        source: &str,
        until: impl Into<Instant>,
        now: impl Into<Instant>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "holding off a source";
        let (until, now) = (until.into(), now.into());
        let mut tx = self.write(DOING).await?;
        let (_, before) = locked(&mut tx, source).await.doing(DOING)?;
        sql::query(
            "INSERT INTO source_limits (source, held_until) VALUES ($1, $2)
             ON CONFLICT (source) DO UPDATE SET held_until = excluded.held_until
             WHERE source_limits.held_until IS NULL OR source_limits.held_until < excluded.held_until",
        )
        .bind(source)
        .bind(until)
        .execute(&mut tx)
        .await
        .doing(DOING)?;
        // Requests under way are refused together; the first one tells.
        if before.is_none_or(|before| before <= now) {
            let subject = Subject { source: Some(source), ..Subject::default() };
            events::append(&mut tx, EventKind::SourceHeld, subject, json!({ "until": until }), now).await?;
        }
        tx.commit().await.doing(DOING)
    }

    /// The limits of every source that was ever asked, by source.
    pub async fn limits(&self) -> Result<Vec<SourceLimits>, StoreError> {
        const DOING: &str = "reading the limits of sources";
        let mut conn = self.read(DOING).await?;
        sql::query("SELECT source, tat AS arrival, held_until, open_until FROM source_limits ORDER BY source")
            .all(&mut conn)
            .await
            .doing(DOING)
    }

    /// Until when a source is held off, if it ever was.
    pub async fn held_until(&self, source: &str) -> Result<Option<Instant>, StoreError> {
        const DOING: &str = "looking whether a source is held off";
        let mut conn = self.read(DOING).await?;
        let held: Option<Option<Instant>> =
            sql::query("SELECT held_until FROM source_limits WHERE source = $1")
                .bind(source)
                .scalar_optional(&mut conn)
                .await
                .doing(DOING)?;
        Ok(held.flatten())
    }
}

/// The state of a source that nobody else changes until the transaction ends; its row is made if it is new.
async fn locked(conn: &mut Connection, source: &str) -> sqlx::Result<(Option<Instant>, Option<Instant>)> {
    let text = format!("SELECT tat, held_until FROM source_limits WHERE source = $1 {}", conn.lock_rows());
    if let Some(state) = sql::query(text.clone()).bind(source).optional(conn).await? {
        return Ok(state);
    }
    make(conn, source).await?;
    sql::query(text).bind(source).one(conn).await
}

/// Makes the row of a source that is new.
pub(super) async fn make(conn: &mut Connection, source: &str) -> sqlx::Result<()> {
    sql::query("INSERT INTO source_limits (source) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(source)
        .execute(conn)
        .await?;
    Ok(())
}
