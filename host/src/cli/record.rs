//! `--record DIR`: what one call asked and was answered, kept as a case.

use std::{path::PathBuf, sync::Arc};

use chrono::{DateTime, SubsecRound, Utc};
use clap::Args;

use crate::{
    clock,
    egress::Recording,
    kit::{
        Made,
        cases::{self, Ask, NewCase, Notes},
    },
    source::{Source, World},
};

/// Whether to record, and as what.
#[derive(Args)]
pub(super) struct Record {
    /// Keep what was asked and answered as a case in this folder, which `source test --cases DIR` replays. No
    /// credential gets in; settings do, so never put a secret there.
    #[arg(long = "record", value_name = "DIR")]
    cases: Option<PathBuf>,

    /// What the case is called; by default after source, unit and month.
    #[arg(long = "case", value_name = "NAME", requires = "cases")]
    name: Option<String>,

    /// Replace a case of that name.
    #[arg(long, requires = "cases")]
    force: bool,
}

/// A call that is being recorded.
pub(super) struct Tape {
    cases: PathBuf,
    name: String,
    force: bool,
    clock: DateTime<Utc>,
    recording: Arc<Recording>,
}

impl Record {
    /// The source to call, and what records it if that is wanted. `parts` name the case.
    pub(super) fn begin(self, source: Source, parts: &[&str]) -> anyhow::Result<(Source, Option<Tape>)> {
        let Some(cases) = self.cases else { return Ok((source, None)) };
        let own_name = || cases::case_name(&[&[source.id()], parts].concat());
        // As the case can say it.
        let (clock, recording) = (clock::now().trunc_subsecs(3), Arc::<Recording>::default());
        let name = self.name.unwrap_or_else(own_name);
        // Before anything is asked: an upstream's allowance is not spent on what can't be kept.
        cases::may_write(&cases, &name, self.force)?;
        let world = World { clock: Some(clock), seed: Some(cases::SEED) };
        let source = source.recorded(Arc::clone(&recording), world);
        Ok((source, Some(Tape { cases, name, force: self.force, clock, recording })))
    }
}

impl Tape {
    /// Writes the case and says where it is.
    pub(super) fn keep(self, source: &Source, ask: Ask, made: Made) -> anyhow::Result<()> {
        let case = NewCase {
            name: self.name,
            ask,
            clock: self.clock,
            settings: source.given_settings(),
            notes: Notes {
                source: source.id().to_owned(),
                component: source.digest().to_owned(),
                host: concat!("backfill ", env!("CARGO_PKG_VERSION")).to_owned(),
            },
            made,
        };
        let recorded = case.write(&self.cases, &self.recording, self.force)?;
        eprintln!(
            "recorded with {} answers: {}\nreplay it: backfill source test FILE.wasm --cases {}",
            recorded.answers,
            recorded.folder.display(),
            self.cases.display()
        );
        Ok(())
    }
}
