//! `backfill source test`: conformance of a component, in the real sandbox and through the real gate, without network,
//! database or configuration.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::{context, one_source::pair};
use crate::{
    domain::Unit,
    kit::{
        cases::{CaseOutcome, Cases},
        conformance::{CHECKS, Check, Exam, Outcome, Verdict},
        upstream::FILE,
    },
    source::{self, Engine, LoadError, Source, Unusable},
};

/// Test a component's conformance, in the real sandbox, without network, database or configuration.
///
/// Checks that need no knowledge of the upstream are always made; those of months need a made-up upstream,
/// `upstream.toml` in the folder of cases (docs/conformance.md explains both). Recorded cases in that folder are
/// replayed and compared with what was accepted.
///
/// For example:
///   backfill source test target/wasm32-wasip2/release/parks.wasm --cases cases
///   backfill source test parks.wasm --cases cases --only month --only failure.garbage
///   backfill source test parks.wasm --cases cases --only case   the recorded cases alone
///   backfill source test parks.wasm --cases cases --accept      what differs is as it should be
///   backfill source test parks.wasm --unit north-ridge          without an upstream.toml
///   backfill source test parks.wasm --cases cases --format junit > conformance.xml
///   backfill source test --list                                 all checks and their rules
///
/// Exit code 1 if a check fails.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Test {
    /// The component.
    #[arg(value_name = "FILE.wasm", required_unless_present = "list")]
    file: Option<PathBuf>,

    /// The folder of the source's cases: `upstream.toml`, and what `source fetch --record` recorded.
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,

    /// Take what the recorded cases come to now for what is expected of them; look at the difference first.
    #[arg(long, requires = "cases")]
    accept: bool,

    /// A setting of the source, over those of upstream.toml.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,

    /// Code of a unit that the source takes, where no upstream.toml names one.
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,

    /// An attribute of that unit.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair, requires = "unit")]
    attributes: Vec<(String, String)>,

    /// Only the check of this id, or all whose ids begin so: `month`, `failure.garbage`.
    #[arg(long, value_name = "CHECK")]
    only: Vec<String>,

    /// List the checks and their rules.
    #[arg(long)]
    list: bool,

    /// How to print the verdict.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,

    /// Write the verdict as JSON into a file as well.
    #[arg(long, value_name = "FILE")]
    verdict: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line per check, for people.
    Text,
    /// One JSON document.
    Json,
    /// JUnit's XML, as continuous integration reads it.
    Junit,
}

impl Test {
    pub(super) async fn act(self) -> anyhow::Result<ExitCode> {
        let exam = self.exam();
        let of_cases = |only: &String| self.cases.is_some() && (only == "case" || only.starts_with("case."));
        let is_known = |only: &String| of_cases(only) || CHECKS.iter().any(|check| check.is(only));
        if let Some(unknown) = self.only.iter().find(|only| !is_known(only)) {
            bail!("--only {unknown}: no check begins so; `--list` shows all");
        }
        let Some(file) = self.file.as_deref().filter(|_| !self.list) else { return list(&exam) };
        if let Some(cases) = self.cases.as_deref().filter(|cases| !cases.is_dir()) {
            bail!("--cases {}: there is no such folder", cases.display());
        }
        let engine = Engine::new(cache().as_deref())?;
        let opened =
            source::open_file(file, &BTreeMap::new(), &engine, &context::shared_without_store()).await;
        let source = match opened {
            Ok(source) => source,
            Err(why @ Unusable::Load(LoadError::Unreadable { .. })) => {
                bail!("{why}");
            }
            Err(why) => bail!("{why}\n`backfill source check {}` tells more", file.display()),
        };
        let progress = bar(exam.checks().count() as u64);
        let watch = |check: &'static Check| {
            progress.set_message(check.id);
            progress.inc(1);
        };
        let checked = Exam { watch: Some(&watch), ..exam }.judge(&source).await;
        let cases = self.recorded(&source).await?;
        progress.finish_and_clear();
        let verdict = checked.with_cases(&cases);
        if let Some(path) = &self.verdict {
            let json = serde_json::to_string_pretty(&verdict)?;
            std::fs::write(path, json).with_context(|| format!("writing {}", path.display()))?;
        }
        match self.format {
            Form::Text => print(&verdict)?,
            Form::Json => say!("{}", serde_json::to_string_pretty(&verdict)?)?,
            Form::Junit => say!("{}", junit(&verdict))?,
        }
        Ok(if verdict.passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What the recorded cases come to, once what they differ in has been accepted if that was asked for.
    async fn recorded(&self, source: &Source) -> anyhow::Result<Vec<CaseOutcome>> {
        let Some(folder) = &self.cases else { return Ok(Vec::new()) };
        let cases = || {
            let mut cases = Cases::open(folder).map_err(|problems| anyhow!("{problems}"))?;
            let mut named = self.only.iter().filter_map(|only| only.strip_prefix("case."));
            if let Some(unknown) = named.find(|named| !cases.names().any(|name| name.starts_with(*named))) {
                bail!("--only case.{unknown}: no case in {} begins so", folder.display());
            }
            cases.retain(|name| {
                let id = format!("case.{name}");
                self.only.is_empty() || self.only.iter().any(|only| id.starts_with(only.as_str()))
            });
            anyhow::Ok(cases)
        };
        let outcomes = cases()?.run(source).await;
        let mut accepted = false;
        for outcome in outcomes.iter().filter(|outcome| self.accept && !outcome.passed()) {
            match outcome.accept() {
                Ok(_) => {
                    accepted = true;
                    eprintln!("accepted {}", outcome.name);
                }
                Err(why) => eprintln!("{why}"),
            }
        }
        if accepted { Ok(cases()?.run(source).await) } else { Ok(outcomes) }
    }

    fn exam(&self) -> Exam<'_> {
        let unit = self.unit.as_ref().map(|code| Unit {
            code: code.clone(),
            name: code.clone(),
            capacity_mw: None,
            attributes: self.attributes.iter().cloned().collect(),
        });
        Exam {
            cases: self.cases.as_deref(),
            settings: self.settings.iter().cloned().collect(),
            unit,
            only: self.only.clone(),
            watch: None,
        }
    }
}

/// Compiled code of components on trial, so that testing again begins at once: in a folder of the user's own, since
/// what is there runs.
fn cache() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = named.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    Some(folder.join("backfill"))
}

fn bar(checks: u64) -> ProgressBar {
    let bar = ProgressBar::new(checks);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn list(exam: &Exam<'_>) -> anyhow::Result<ExitCode> {
    for check in exam.checks() {
        say!("{:<24} {}", check.id, check.rule)?;
    }
    say!("{} of {} checks", exam.checks().count(), CHECKS.len())?;
    Ok(ExitCode::SUCCESS)
}

fn print(verdict: &Verdict) -> anyhow::Result<()> {
    let component = &verdict.component;
    let digest: String = component.digest.chars().take(12).collect();
    say!("{} {} ({digest}), {}", component.name, component.version, verdict.contract)?;
    let mut skipped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for check in &verdict.checks {
        match &check.outcome {
            Outcome::Passed => say!("  ✓ {:<24} {}", check.id, check.rule)?,
            Outcome::Skipped { why } => skipped.entry(why.as_str()).or_default().push(&check.id),
            Outcome::Failed { evidence, mend } => {
                say!("  ✗ {:<24} {}", check.id, check.rule)?;
                for line in evidence {
                    say!("      {line}")?;
                }
                say!("      to mend: {mend}")?;
            }
        }
    }
    for (why, ids) in &skipped {
        say!("  - skipped: {why}\n      {}", ids.join(", "))?;
    }
    let counts = verdict.counts;
    say!(
        "{}: {} passed, {} failed, {} skipped, in {:.1} s",
        if verdict.passed { "PASSED" } else { "FAILED" },
        counts.passed,
        counts.failed,
        counts.skipped,
        verdict.seconds
    )?;
    if skipped.keys().any(|why| why.starts_with("there is no")) {
        say!(
            "months are judged over a made-up upstream: write cases/{FILE}, and say --cases cases (docs/conformance.md)"
        )?;
    }
    Ok(())
}

fn junit(verdict: &Verdict) -> String {
    let counts = verdict.counts;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{}\">\n",
        escaped(&verdict.component.name),
        verdict.checks.len(),
        counts.failed,
        counts.skipped,
        verdict.seconds
    );
    for check in &verdict.checks {
        let (group, name) = check.id.split_once('.').unwrap_or(("", &check.id));
        let inside = match &check.outcome {
            Outcome::Passed => String::new(),
            Outcome::Skipped { why } => format!("<skipped message=\"{}\"/>", escaped(why)),
            Outcome::Failed { evidence, mend } => format!(
                "<failure message=\"{}\">{}</failure>",
                escaped(&check.rule),
                escaped(&format!("{}\nto mend: {mend}", evidence.join("\n")))
            ),
        };
        xml += &format!("  <testcase classname=\"{group}\" name=\"{name}\">{inside}</testcase>\n");
    }
    xml + "</testsuite>"
}

/// Text within XML; control characters, which XML can't hold, are replaced.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_source_can_not_break_the_xml() {
        assert_eq!(escaped("a<b>&\"\u{0}\n"), "a&lt;b&gt;&amp;&quot;\u{fffd}\n");
    }
}
