//! What the checks came to, for people and machines.

use std::borrow::Cow;

use serde::Serialize;

use crate::kit::cases::CaseOutcome;

/// The verdict on one component.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// The contract that it was held to.
    pub contract: &'static str,
    /// The version of the host that judged.
    pub host: &'static str,
    /// What was judged.
    pub component: Component,
    /// Whether no check failed.
    pub passed: bool,
    /// How many checks came to what.
    pub counts: Counts,
    /// Seconds that it took.
    pub seconds: f64,
    /// Each check.
    pub checks: Vec<Judged>,
}

/// A component, by what it says of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// sha256 of its file, hex.
    pub digest: String,
}

/// Checks by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Those whose rule holds.
    pub passed: usize,
    /// Those whose rule is broken.
    pub failed: usize,
    /// Those that could not be judged.
    pub skipped: usize,
}

/// One check's outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Its stable id; `case.NAME` for a recorded case.
    pub id: Cow<'static, str>,
    /// Its rule, in a line; what a recorded case shows.
    pub rule: Cow<'static, str>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// The rule holds.
    Passed,
    /// The rule is broken.
    Failed {
        /// Which unit, month and window; what was returned and what was expected.
        evidence: Vec<String>,
        /// What to do about it.
        mend: &'static str,
    },
    /// It could not be judged.
    Skipped {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// Sums the checks up.
    pub(super) fn of(component: Component, seconds: f64, checks: Vec<Judged>) -> Self {
        let mut counts = Counts::default();
        for check in &checks {
            match check.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed { .. } => counts.failed += 1,
                Outcome::Skipped { .. } => counts.skipped += 1,
            }
        }
        let (contract, host) = (crate::source::CONTRACT, env!("CARGO_PKG_VERSION"));
        Self { contract, host, component, passed: counts.failed == 0, counts, seconds, checks }
    }

    /// The same with recorded cases, each as a check of its own.
    #[must_use]
    pub fn with_cases(mut self, cases: &[CaseOutcome]) -> Self {
        self.checks.extend(cases.iter().map(Judged::of_case));
        Self::of(self.component, self.seconds, self.checks)
    }

    /// The checks whose rule is broken.
    pub fn failures(&self) -> impl Iterator<Item = &Judged> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }
}

impl Judged {
    fn of_case(case: &CaseOutcome) -> Self {
        let outcome = if case.passed() {
            Outcome::Passed
        } else {
            let evidence = case.to_string().lines().map(|line| line.trim_start().to_owned()).collect();
            Outcome::Failed { evidence, mend: "mend the source, or review the difference and say --accept" }
        };
        let rule = case
            .about
            .clone()
            .unwrap_or_else(|| "the answers that were recorded give what was accepted".into());
        Self { id: format!("case.{}", case.name).into(), rule: rule.into(), outcome }
    }
}
