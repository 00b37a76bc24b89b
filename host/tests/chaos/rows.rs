//! Two histories, row for row.

use futures::TryStreamExt;

use crate::cluster::Cluster;

/// Every measurement with all that names it, and nothing of how it came about. Numbers are written so that they can
/// be read back as the same bits.
const ROWS: &str = "COPY (
    SELECT w.name, u.source, u.code, s.kind, s.quantity, s.labels, m.start, m.seconds, m.value
    FROM measurements m JOIN series s ON s.id = m.series_id
    JOIN generation_units u ON u.id = s.generation_unit_id JOIN windfarms w ON w.id = u.windfarm_id
    ORDER BY w.name, u.source, u.code, s.kind, s.quantity, s.labels::text, m.start
) TO STDOUT";

/// Makes sure that both hold the same rows, and returns how many.
pub(crate) async fn assert_same(disturbed: &Cluster, undisturbed: &Cluster) -> usize {
    let (mut disturbed, mut undisturbed) = (disturbed.database().await, undisturbed.database().await);
    let mut disturbed = disturbed.copy_out_raw(ROWS).await.unwrap();
    let mut undisturbed = undisturbed.copy_out_raw(ROWS).await.unwrap();
    let mut rows = 0;
    loop {
        let pair = (disturbed.try_next().await.unwrap(), undisturbed.try_next().await.unwrap());
        assert_eq!(pair.0, pair.1, "the disturbed run, and the one that was not, after {rows} equal rows");
        if pair.0.is_none() {
            return rows;
        }
        rows += 1;
    }
}
