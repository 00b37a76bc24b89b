//! What running a case came to, and accepting it.

use std::{fmt, fs, path::PathBuf};

use serde::Serialize;

use super::{expected, upstream::NotRecorded};
use crate::kit::{Difference, Made};

/// A case that was run.
#[derive(Clone, Debug, Serialize)]
pub struct CaseOutcome {
    /// The name of its folder.
    pub name: String,
    /// What it shows, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    #[serde(skip)]
    pub(super) folder: PathBuf,
    /// What the source made of it; none if it could not be run.
    #[serde(skip)]
    pub made: Option<Made>,
    /// How it compares.
    #[serde(flatten)]
    pub verdict: CaseVerdict,
    /// Answers that were recorded and not asked for; that alone is no fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<String>,
    /// Requests that the source made.
    pub requests: u32,
}

/// How a case compares with what is expected of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", content = "detail", rename_all = "kebab-case")]
pub enum CaseVerdict {
    /// As expected.
    Same,
    /// Nothing was accepted yet.
    New,
    /// Something else than expected.
    Different(Difference),
    /// The source asked what was not recorded.
    NotRecorded(Vec<NotRecorded>),
    /// It could not be run: why.
    NotRun(String),
}

impl CaseOutcome {
    /// Whether it is as expected.
    pub const fn passed(&self) -> bool {
        matches!(self.verdict, CaseVerdict::Same)
    }

    /// Takes what the source made of it for what is expected from now on. False if it was expected already.
    ///
    /// # Errors
    /// Nothing came of it that could be expected, or the file can't be written.
    pub fn accept(&self) -> anyhow::Result<bool> {
        match (&self.verdict, &self.made) {
            (CaseVerdict::Same, _) => Ok(false),
            (CaseVerdict::New | CaseVerdict::Different(_), Some(made)) => {
                let path = self.folder.join("expected.json");
                let part = self.folder.join("expected.json.part");
                fs::write(&part, expected::text(made))
                    .and_then(|()| fs::rename(&part, &path))
                    .map_err(|error| anyhow::anyhow!("{}: can't be written: {error}", path.display()))?;
                Ok(true)
            }
            _ => anyhow::bail!("case {} can't be accepted: {}", self.name, self.told()),
        }
    }

    fn told(&self) -> String {
        match &self.verdict {
            CaseVerdict::Same => "as expected".to_owned(),
            CaseVerdict::New => {
                "nothing is expected yet; review what came, and accept it with --accept".to_owned()
            }
            CaseVerdict::Different(difference) => format!("differs\n{difference}").trim_end().to_owned(),
            CaseVerdict::NotRecorded(missing) => {
                let each: Vec<_> = missing.iter().map(ToString::to_string).collect();
                format!(
                    "asked for what was not recorded\n{}\nrecord it again: backfill source fetch … --record {} --case {} --force",
                    each.join("\n"),
                    self.folder.parent().unwrap_or(&self.folder).display(),
                    self.name,
                )
            }
            CaseVerdict::NotRun(why) => format!("can't be run: {why}"),
        }
    }
}

impl fmt::Display for CaseOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.told().replace('\n', "\n  ");
        write!(f, "{}: {told}", self.name)?;
        if let Some(Made::Failure { case, message }) = &self.made
            && matches!(self.verdict, CaseVerdict::New)
        {
            write!(f, "\n  it failed: {case}: {message}")?;
        } else if let (Some(made), CaseVerdict::New) = (&self.made, &self.verdict) {
            write!(f, "\n  {} measurements in {} series", made.records(), made.series().len())?;
        }
        for answer in &self.unused {
            write!(f, "\n  recorded and not asked for: {answer}")?;
        }
        Ok(())
    }
}
