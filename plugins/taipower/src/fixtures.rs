//! Recorded answers, for tests only: read where they are, never copied here.

use std::path::PathBuf;

/// A recorded answer of Taipower; nothing, said aloud, where the recordings are absent.
pub(crate) fn recorded(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("BACKFILL_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let path = folder.join("taipower").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!(
            "SKIPPED: no recorded answer at {}; set BACKFILL_FIXTURES to the folder of them",
            path.display()
        );
    }
    bytes
}
