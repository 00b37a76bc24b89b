//! What was found when something was tried, step by step.

use std::time::Duration;

use serde::Serialize;

use super::words::words;

words! {
    /// How one step of a check went.
    CheckVerdict, "verdict" {
        /// As it should.
        Ok = "ok",
        /// Not as it should.
        Failed = "failed",
        /// It could not be told, or there was nothing to try.
        Skipped = "skipped",
    }
}

/// What one step of a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// How it went.
    pub verdict: CheckVerdict,
    /// How long it took.
    pub milliseconds: u64,
    /// What was found, for people.
    pub text: String,
}

impl Finding {
    /// A step that went well.
    pub fn ok(took: Duration, text: impl Into<String>) -> Self {
        Self::new(CheckVerdict::Ok, took, text)
    }

    /// A step that did not.
    pub fn failed(took: Duration, text: impl Into<String>) -> Self {
        Self::new(CheckVerdict::Failed, took, text)
    }

    /// A step that tells nothing.
    pub fn skipped(text: impl Into<String>) -> Self {
        Self::new(CheckVerdict::Skipped, Duration::ZERO, text)
    }

    /// Whether it failed.
    pub fn has_failed(&self) -> bool {
        self.verdict == CheckVerdict::Failed
    }

    /// One finding of many, each about something with a name: failed if one failed, ok if one is and none failed.
    /// They ran side by side.
    pub fn of_all<'a>(all: impl Iterator<Item = (&'a str, &'a Self)> + Clone) -> Self {
        let any = |verdict| all.clone().any(|(_, one)| one.verdict == verdict);
        let verdict = [CheckVerdict::Failed, CheckVerdict::Ok].into_iter().find(|verdict| any(*verdict));
        let texts: Vec<_> = all.clone().map(|(name, one)| format!("{name}: {}", one.text)).collect();
        Self {
            verdict: verdict.unwrap_or(CheckVerdict::Skipped),
            milliseconds: all.map(|(_, one)| one.milliseconds).max().unwrap_or(0),
            text: if texts.is_empty() { "there is none".to_owned() } else { texts.join("; ") },
        }
    }

    fn new(verdict: CheckVerdict, took: Duration, text: impl Into<String>) -> Self {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { verdict, milliseconds, text: text.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_of_many_is_a_failure_and_nothing_is_nothing() {
        let (ok, bad) = (Finding::ok(Duration::from_millis(5), "a"), Finding::failed(Duration::ZERO, "b"));
        let none = Finding::skipped("c");
        let of = |findings: &[&Finding]| {
            let all = Finding::of_all(findings.iter().map(|one| ("h", *one)));
            (all.verdict, all.milliseconds)
        };
        assert_eq!(of(&[&ok, &bad, &none]), (CheckVerdict::Failed, 5));
        assert_eq!(of(&[&none, &ok]), (CheckVerdict::Ok, 5));
        assert_eq!(of(&[&none]), (CheckVerdict::Skipped, 0));
        assert_eq!(of(&[]), (CheckVerdict::Skipped, 0));
        assert_eq!(Finding::of_all([("x", &ok), ("y", &bad)].into_iter()).text, "x: a; y: b");
    }
}
