//! How each source fares, over all hosts: whether its tasks may be claimed.

use std::time::Duration;

use serde_json::json;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    claim::DOING as CLAIMING,
    connection::{Connection, Transaction},
    error::Doing,
    events::{self, EventKind, Subject},
    limits, sql,
};
use crate::domain::{Admission, Circuit, CircuitPolicy, Heard};

const DOING: &str = "recording how a source fares";

#[derive(Debug, Default, FromRow)]
struct Row {
    #[sqlx(try_from = "i64")]
    failures_in_row: u32,
    open_until: Option<Instant>,
    on_trial: bool,
    #[sqlx(try_from = "i64")]
    opened_count: u32,
    open_cause: Option<String>,
}

impl From<Row> for Circuit {
    fn from(row: Row) -> Self {
        Self {
            failures_in_row: row.failures_in_row,
            open_until: row.open_until.map(Instant::utc),
            on_trial: row.on_trial,
            opened_count: row.opened_count,
            cause: row.open_cause,
        }
    }
}

/// What the end of an attempt tells of its source's upstream, and what that means.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What was heard.
    pub heard: Heard<'a>,
    /// When that pauses the source.
    pub policy: &'a CircuitPolicy,
}

impl Store {
    /// Lets a paused source be asked again at once, with one task on trial. False if it was not paused.
    pub async fn resume_source(&self, source: &str, now: impl Into<Instant>) -> Result<bool, StoreError> {
        const DOING: &str = "resuming a source";
        let now = now.into();
        let mut tx = self.write(DOING).await?;
        let lock = tx.lock_rows();
        let circuit = read(&mut tx, source, lock).await.doing(DOING)?;
        if circuit.open_until.is_none() {
            return Ok(false);
        }
        let half_open = Circuit { open_until: Some(now.utc()), on_trial: false, ..circuit };
        write(&mut tx, source, &half_open).await.doing(DOING)?;
        tx.announce_work().await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        Ok(true)
    }

    /// How a source fares.
    pub async fn circuit(&self, source: &str) -> Result<Circuit, StoreError> {
        const DOING: &str = "reading how a source fares";
        let mut conn = self.read(DOING).await?;
        read(&mut conn, source, "").await.doing(DOING)
    }
}

/// Takes in what is heard of a source's upstream, within the transaction that ends what heard it; says until when that
/// paused the source, if it did. Sources are locked last.
pub(super) async fn hear(
    tx: &mut Transaction,
    source: &str,
    Told { heard, policy }: Told<'_>,
    now: Instant,
) -> Result<Option<Instant>, StoreError> {
    if heard == Heard::Nothing {
        return Ok(None);
    }
    let known = read(tx, source, "").await.doing(DOING)?;
    // An upstream that answers, as it always did, is no news: nothing is locked for it.
    if known.clone().after(heard, policy, now.utc()) == known {
        return Ok(None);
    }
    limits::make(tx, source).await.doing(DOING)?;
    let lock = tx.lock_rows();
    let before = read(tx, source, lock).await.doing(DOING)?;
    let after = before.clone().after(heard, policy, now.utc());
    let paused = after.open_until.filter(|_| after.opened_count > before.opened_count);
    let resumed = before.open_until.is_some() && after.open_until.is_none();
    write(tx, source, &after).await.doing(DOING)?;
    let subject = Subject { source: Some(source), ..Subject::default() };
    if let Some(until) = paused {
        let data = json!({ "until": until, "cause": after.cause });
        events::append(tx, EventKind::SourcePaused, subject, data, now).await?;
    } else if resumed {
        events::append(tx, EventKind::SourceResumed, subject, json!({}), now).await?;
        tx.announce_work().await.doing(DOING)?;
    }
    Ok(paused.map(Instant::from))
}

/// Whether the circuit of a source lets tasks through, given that the queue is locked. Who claims one that is let through
/// on trial calls [`on_trial`].
pub(super) async fn admission(
    conn: &mut Connection,
    source: &str,
    now: Instant,
) -> Result<Admission, StoreError> {
    Ok(read(conn, source, "").await.doing(CLAIMING)?.admits(now.utc()))
}

/// Whether somebody who asks a source besides its tasks may do so now. On trial it is the one that is let through, and
/// that is recorded.
pub(super) async fn admits_one(
    conn: &mut Connection,
    source: &str,
    lease: Duration,
    now: Instant,
) -> Result<bool, StoreError> {
    const DOING: &str = "looking whether a source may be asked";
    let known = read(conn, source, "").await.doing(DOING)?;
    if known.admits(now.utc()) != Admission::HalfOpen {
        return Ok(known.admits(now.utc()) == Admission::Closed);
    }
    let lock = conn.lock_rows();
    let circuit = read(conn, source, lock).await.doing(DOING)?;
    Ok(match circuit.admits(now.utc()) {
        Admission::Closed => true,
        Admission::OpenUntil(_) => false,
        Admission::HalfOpen => {
            let policy = CircuitPolicy { trial: lease, ..CircuitPolicy::default() };
            write(conn, source, &circuit.trying(&policy, now.utc())).await.doing(DOING)?;
            true
        }
    })
}

/// Records that a task was let through on trial: none follows until something was heard of it, or for the length of
/// a lease, in case its worker dies.
pub(super) async fn on_trial(
    conn: &mut Connection,
    source: &str,
    lease: Duration,
    now: Instant,
) -> Result<(), StoreError> {
    let lock = conn.lock_rows();
    let circuit = read(conn, source, lock).await.doing(CLAIMING)?;
    if circuit.admits(now.utc()) != Admission::HalfOpen {
        return Ok(());
    }
    let policy = CircuitPolicy { trial: lease, ..CircuitPolicy::default() };
    write(conn, source, &circuit.trying(&policy, now.utc())).await.doing(CLAIMING)
}

async fn read(conn: &mut Connection, source: &str, lock: &str) -> sqlx::Result<Circuit> {
    let text = format!(
        "SELECT failures_in_row, open_until, on_trial, opened_count, open_cause FROM source_limits
         WHERE source = $1 {lock}"
    );
    let row: Option<Row> = sql::query(text).bind(source).optional(conn).await?;
    Ok(row.unwrap_or_default().into())
}

async fn write(conn: &mut Connection, source: &str, circuit: &Circuit) -> sqlx::Result<()> {
    sql::query(
        "UPDATE source_limits SET failures_in_row = $2, open_until = $3, on_trial = $4, opened_count = $5,
                                  open_cause = $6
         WHERE source = $1",
    )
    .bind(source)
    .bind(circuit.failures_in_row)
    .bind(circuit.open_until.map(Instant::from))
    .bind(circuit.on_trial)
    .bind(circuit.opened_count)
    .bind(&circuit.cause)
    .execute(conn)
    .await?;
    Ok(())
}
