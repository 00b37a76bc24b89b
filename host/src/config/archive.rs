//! `[archive]`: where upstream answers are kept.

use std::path::{Path, PathBuf};

use super::reading::Section;

/// `[archive]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Whether answers are kept, and reused where a source allows it.
    pub enabled: bool,
    /// The folder; it need not exist yet.
    pub path: PathBuf,
}

impl Archive {
    pub(super) fn read(section: Section<'_>, folder: &Path) -> Self {
        let path: Option<String> = section.text("path");
        let archive = Self {
            enabled: section.flag("enabled", true),
            path: folder.join(path.as_deref().unwrap_or(".backfill/archive")),
        };
        section.finish();
        archive
    }
}
