//! Writing a case: a folder that appears whole, or not at all.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};

use super::{
    answer::Answer,
    case::{Ask, CaseFile, Notes},
    expected,
};
use crate::{egress::Recording, kit::Made};

/// No name is longer, in characters.
const LONGEST: usize = 80;

/// What a call asked, was answered and made of it.
pub struct NewCase {
    /// What it is called.
    pub name: String,
    /// What was asked of the source.
    pub ask: Ask,
    /// What it took for the present.
    pub clock: DateTime<Utc>,
    /// The settings that it was given over its own defaults.
    pub settings: BTreeMap<String, String>,
    /// Where it comes from.
    pub notes: Notes,
    /// What it made of it.
    pub made: Made,
}

/// A case that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its folder.
    pub folder: PathBuf,
    /// How many answers it holds.
    pub answers: usize,
}

impl NewCase {
    /// Writes it into a folder of cases. One of that name that is there already is replaced only with `force`.
    ///
    /// # Errors
    /// It is there already, the call was broken off, or something can't be written.
    pub fn write(self, cases: &Path, recording: &Recording, force: bool) -> anyhow::Result<Recorded> {
        may_write(cases, &self.name, force)?;
        let folder = cases.join(&self.name);
        if let Made::Failure { case, message } = &self.made
            && case == "host"
        {
            bail!("the call was broken off, so there is nothing to record: {message}");
        }
        fs::create_dir_all(cases).with_context(|| format!("making {}", cases.display()))?;
        // Under another name until it is whole; on the same disk, so that it can be renamed. Hidden, so no case.
        let part = tempfile::Builder::new()
            .prefix(&format!(".{}-", self.name))
            .tempdir_in(cases)
            .with_context(|| format!("making a folder in {}", cases.display()))?;
        let exchanges = recording.exchanges();
        let answers = part.path().join("answers");
        fs::create_dir(&answers)?;
        let digits = exchanges.len().to_string().len().max(3);
        for (place, exchange) in exchanges.iter().enumerate() {
            Answer::write(&answers, &format!("{:0digits$}", place + 1), exchange)
                .with_context(|| format!("recording the answer to {}", exchange.asked.url))?;
        }
        let file = CaseFile::new(None, &self.ask, self.clock, self.settings, self.notes);
        let file = toml::to_string_pretty(&file).context("writing case.toml")?;
        fs::write(part.path().join("case.toml"), format!("{HEAD}{file}"))?;
        fs::write(part.path().join("expected.json"), expected::text(&self.made))?;
        open_to_others(part.path())?;
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        fs::rename(part.keep(), &folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Recorded { folder, answers: exchanges.len() })
    }
}

/// Whether a case may be written under this name.
///
/// # Errors
/// Says why not, and what to do instead.
pub fn may_write(cases: &Path, name: &str, force: bool) -> anyhow::Result<()> {
    if name != safe(name) {
        let better = safe(name);
        bail!(
            "{name:?} can't be the name of a case; expected letters, digits, `-`, `_` and `.`, such as {better:?}"
        );
    }
    let folder = cases.join(name);
    if folder.exists() && !force {
        let folder = folder.display();
        bail!("{folder} is there already; --case NAME chooses another name, --force records it again");
    }
    Ok(())
}

const HEAD: &str =
    "# Replayed by `backfill source test FILE.wasm --cases DIR`. `about = \"…\"` may say what it shows.\n\n";

/// Temporary folders are the owner's alone; a case is like any file that is committed.
fn open_to_others(folder: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A name for a case of a source: from these parts, safe for a folder.
pub fn case_name(parts: &[&str]) -> String {
    safe(&parts.join("-"))
}

/// Letters and digits of any script, `-`, `_` and `.`; anything else becomes one `-`. Never hidden, never empty.
fn safe(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars() {
        let kept = c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if kept {
            safe.push(c);
        } else if !safe.ends_with('-') {
            safe.push('-');
        }
    }
    let safe: String = safe.trim_start_matches(['-', '.']).chars().take(LONGEST).collect();
    let safe = safe.trim_end_matches(['-', '.']);
    if safe.is_empty() { "case".to_owned() } else { safe.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_for_a_folder() {
        assert_eq!(case_name(&["elexon", "T_HOWAO-1", "2024-02"]), "elexon-T_HOWAO-1-2024-02");
        assert_eq!(case_name(&["taipower", "觀園", "now"]), "taipower-觀園-now");
        assert_eq!(case_name(&["x", "../../etc/passwd"]), "x-..-..-etc-passwd");
        for (name, expected) in [("..", "case"), (".git", "git"), ("a//b c", "a-b-c"), ("", "case")] {
            assert_eq!(safe(name), expected, "{name}");
            assert_eq!(safe(expected), expected, "what is safe stays");
        }
        assert_eq!(safe(&"é".repeat(200)).chars().count(), LONGEST);
    }
}
