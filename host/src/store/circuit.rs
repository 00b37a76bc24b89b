//! How each source fares, over all hosts.

use super::{Instant, StoreError, claim::DOING, connection::Connection, error::Doing, sql};

/// How many tasks of a source its circuit lets through at once; none is no bound.
pub(super) async fn admitted(
    conn: &mut Connection,
    source: &str,
    now: Instant,
) -> Result<Option<u32>, StoreError> {
    let open_until: Option<Option<Instant>> =
        sql::query("SELECT open_until FROM source_limits WHERE source = $1")
            .bind(source)
            .scalar_optional(conn)
            .await
            .doing(DOING)?;
    Ok(match open_until.flatten() {
        Some(until) if until > now => Some(0),
        Some(_) => Some(1),
        None => None,
    })
}
