//! The checks as a host demands them of a component with `require_conformance`.

use std::path::Path;

use super::{FILE, Outcome, judge};
use crate::source::{Examined, Source};

/// What the checks came to; those that failed come with their first evidence.
///
/// # Errors
/// The cases can't be read, or have no made-up upstream: without one, no month is looked at, and almost anything passes.
pub async fn demanded(source: &Source, cases: Option<&Path>) -> Result<Examined, String> {
    if !cases.is_some_and(|cases| cases.join(FILE).is_file()) {
        let lacks = cases.map_or_else(
            || "conformance_cases names no folder".to_owned(),
            |cases| format!("conformance_cases: {} has no {FILE}", cases.display()),
        );
        return Err(format!(
            "{lacks}, so that no month can be checked; name a folder with the source's {FILE} (docs/conformance.md \
             says how one is written), or leave require_conformance out"
        ));
    }
    let verdict = judge(source, cases).await.map_err(|problems| problems.to_string())?;
    let mut examined = Examined { passed: verdict.counts.passed, ..Examined::default() };
    for check in verdict.checks {
        match check.outcome {
            Outcome::Passed => {}
            Outcome::Skipped { .. } => examined.skipped.push(check.id.into_owned()),
            Outcome::Failed { evidence, .. } => {
                let first = evidence.first().map_or(check.rule.as_ref(), String::as_str);
                examined.failed.push(format!("{}: {first}", check.id));
            }
        }
    }
    Ok(examined)
}
