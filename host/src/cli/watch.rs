//! What a run looks like while it runs: bars on a terminal, a plain line per step otherwise.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::{logging, output};
use crate::{
    domain::{TaskOutcome, TaskStatus},
    store::Claim,
    worker::Progress,
};

/// Draws a bar per source, or writes lines.
pub(super) enum Watch {
    Bars(BTreeMap<String, ProgressBar>),
    Lines { ended: u64, total: u64 },
}

impl Watch {
    /// `tasks` are the tasks to run, by source.
    pub(super) fn new(tasks: &BTreeMap<String, u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines { ended: 0, total: tasks.values().sum() };
        }
        let style =
            ProgressStyle::with_template("{prefix:>12} [{bar:32}] {pos}/{len} {elapsed}, {eta} left {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> ");
        let bars = tasks.iter().map(|(source, tasks)| {
            let bar = logging::bars().add(ProgressBar::new(*tasks));
            bar.set_style(style.clone());
            bar.set_prefix(source.clone());
            bar.enable_steady_tick(Duration::from_millis(250));
            (source.clone(), bar)
        });
        Self::Bars(bars.collect())
    }

    /// Shows one step.
    pub(super) fn show(&mut self, step: &Progress, units: &HashMap<i64, String>) {
        let unit = |claim: &Claim| units.get(&claim.unit_id).map_or("", String::as_str).to_owned();
        let (claim, said) = match step {
            Progress::Started(claim) => {
                if let Self::Bars(bars) = self
                    && let Some(bar) = bars.get(&claim.source)
                {
                    bar.set_message(format!("{} {}", unit(claim), claim.month));
                }
                return;
            }
            Progress::Finished { claim, finished, message } => {
                let w = finished.written;
                let found = match (finished.status, finished.outcome) {
                    (TaskStatus::Completed, Some(TaskOutcome::Empty)) => "empty".to_owned(),
                    (TaskStatus::Completed, _) => format!(
                        "{} inserted, {} updated, {} unchanged, {} rejected",
                        w.inserted, w.updated, w.unchanged, w.rejected
                    ),
                    (TaskStatus::Pending, _) => "waits to be tried again".to_owned(),
                    (status, _) => status.as_str().to_owned(),
                };
                let message =
                    message.as_deref().map(|m| format!(": {}", output::first_line(m))).unwrap_or_default();
                (claim, format!("{found}{message}"))
            }
            Progress::Lost { claim, message } => {
                (claim, format!("nothing stored: {}", output::first_line(message)))
            }
        };
        self.line(claim, &unit(claim), &said, step);
    }

    fn line(&mut self, claim: &Claim, unit: &str, said: &str, step: &Progress) {
        match self {
            Self::Lines { ended, total } => {
                *ended += u64::from(step.ends_task());
                eprintln!("[{ended}/{total}] {} {unit} {}: {said}", claim.source, claim.month);
            }
            Self::Bars(bars) => {
                if let Some(bar) = bars.get(&claim.source).filter(|_| step.ends_task()) {
                    bar.inc(1);
                }
                let went_wrong = match step {
                    Progress::Finished { finished, .. } => finished.status != TaskStatus::Completed,
                    _ => true,
                };
                if went_wrong {
                    // A bar that can't be drawn must not end the run.
                    let _ =
                        logging::bars().println(format!("{} {unit} {}: {said}", claim.source, claim.month));
                }
            }
        }
    }

    /// Takes the bars away.
    pub(super) fn end(self) {
        if let Self::Bars(bars) = self {
            bars.into_values().for_each(|bar| bar.finish_and_clear());
        }
    }
}
