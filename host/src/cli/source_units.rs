//! `backfill source units`: what an upstream knows, to look through, and to fill the registry from.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::bail;
use clap::{ArgGroup, Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;

use super::{
    context,
    deed::Deed,
    logging,
    one_source::{OneSource, pair},
    output,
};
use crate::{
    domain::Unit,
    importing::{
        self,
        catalogue::{self, Grouping, PRODUCTION_TYPE, SITE, Selection, Sorted},
    },
    source::Source,
    store::{RegisteredUnit, Store},
};

/// So many units are named where many have something in common.
const NAMED: usize = 10;

/// List the units that a source's upstream knows, or register them.
///
/// Each unit comes with the attributes that the source reads, so that what is registered can be fetched at once. Where
/// there is a database, the requests count against the source's allowance, and kept answers serve them.
///
/// For example:
///   backfill source units elexon --wind --filter hornsea
///   backfill source units entsoe --set areas=DK_1,DK_2 | less
///   backfill source units eia --attribute state=TX --format csv > texas.csv    # edit it, then: backfill import
///   backfill source units elexon --wind --filter HOWAO --import --windfarm "Hornsea One"
///   backfill source units elexon --wind --import --dry-run
///   backfill source units eia --import --windfarm "{site} ({state})"
///
/// A unit that is registered keeps its wind farm, its name, and what the catalogue does not know of it; a second import
/// changes nothing.
#[derive(Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("into").args(["windfarm", "group_by"]))]
pub(super) struct Units {
    #[command(flatten)]
    source: OneSource,

    /// Only units with this text in their code, name or attributes, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Only what the wind turns: units whose `production_type` begins with `wind`.
    #[arg(long)]
    wind: bool,

    /// Only units with this attribute; as many as are wanted, all of which must hold.
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,

    /// How to print them. csv has the columns of `backfill import`.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    /// Register them, and say what was done: a wind farm for each site, unless --windfarm or --group-by says otherwise.
    #[arg(long)]
    import: bool,

    /// The wind farm that they belong to. {site}, {name}, {code} or another attribute in braces stands for what a unit
    /// has there.
    #[arg(long, value_name = "NAME", value_parser = Grouping::parse)]
    windfarm: Option<Grouping>,

    /// A wind farm for each value of an attribute; without one, for each site as the upstream has it.
    #[arg(long, value_name = "ATTRIBUTE", num_args = 0..=1, default_missing_value = SITE)]
    group_by: Option<String>,

    /// With --import: only say what would be done.
    #[arg(long, requires = "import")]
    dry_run: bool,
}

/// How to print units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON document.
    Json,
    /// The columns of `backfill import`.
    Csv,
    /// A line per unit.
    Table,
}

impl Units {
    pub(super) async fn act(self, path: &Path) -> anyhow::Result<ExitCode> {
        if self.source.file().is_some() {
            if self.import {
                bail!(
                    "--import: a component file is no source of the configuration; name it in {}",
                    path.display()
                );
            }
            return self.list(&self.source.open(path).await?, None, &[]).await;
        }
        let config = context::load(path)?;
        let store = match self.import {
            true => Some(context::store(&config).await?),
            false => context::store_if_any(&config).await?,
        };
        let shared = match &store {
            Some(store) => context::shared(&config, store)?,
            None => context::shared_without_store(),
        };
        let source = self.source.load(&config, &shared).await?;
        let registered = match &store {
            Some(store) => store.units_of_source(source.id()).await?,
            None => Vec::new(),
        };
        let code = self.list(&source, store.as_ref(), &registered).await?;
        if let Some(store) = store {
            store.close().await;
        }
        Ok(code)
    }

    async fn list(
        &self,
        source: &Source,
        store: Option<&Store>,
        registered: &[(String, RegisteredUnit)],
    ) -> anyhow::Result<ExitCode> {
        let spinner = logging::bars().add(ProgressBar::new_spinner());
        spinner.set_message(format!("asking the upstream of {}", source.id()));
        spinner.enable_steady_tick(Duration::from_millis(250));
        let report = source.list_units().await;
        spinner.finish_and_clear();
        let Some(report) = report else {
            bail!("source {} can't list the units of its upstream", source.id());
        };
        let units = match report.outcome {
            Ok(Ok(units)) => units,
            Ok(Err(failure)) => return self.fail(failure.case().as_str(), &failure.message()),
            Err(fault) => return self.fail(fault.code(), &fault.to_string()),
        };
        let all = units.len();
        let selection =
            Selection { text: self.filter.clone(), wind: self.wind, attributes: self.attributes.clone() };
        let units = selection.of(units);
        match (self.import, store) {
            (true, Some(store)) => self.import(source, store, units, registered).await?,
            _ => self.print(source, units, all, registered)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn fail(&self, case: &str, message: &str) -> anyhow::Result<ExitCode> {
        let format = if self.format == Format::Json { output::Format::Json } else { output::Format::Table };
        output::failure(case, message, format)
    }

    /// How the units come together: as the command line says, else by site.
    fn grouping(&self) -> Grouping {
        let said = self.windfarm.clone().or_else(|| self.group_by.as_deref().map(Grouping::by));
        said.unwrap_or_else(Grouping::by_site)
    }

    async fn import(
        &self,
        source: &Source,
        store: &Store,
        units: Vec<Unit>,
        registered: &[(String, RegisteredUnit)],
    ) -> anyhow::Result<()> {
        let grouping = self.grouping();
        let sorted = catalogue::sort(source.id(), units, &grouping, registered);
        if let Some((_, field)) = sorted.ungrouped.first() {
            let codes = named(sorted.ungrouped.iter().map(|(code, _)| code));
            bail!(
                "nothing was imported: no {field:?} to group by: {codes}; leave them out (--filter, --attribute) or \
                 group by something else"
            );
        }
        let refused = catalogue::check(source, &sorted.windfarms).await;
        if !refused.is_empty() {
            bail!("nothing was imported:\n{}", refused.join("\n"));
        }
        self.tell_of_the_rest(&sorted);
        let windfarms = importing::new_windfarms(sorted.windfarms);
        if self.dry_run {
            let would = store.try_import(&windfarms, store.now()).await?;
            for windfarm in &windfarms {
                let codes = named(windfarm.units.iter().map(|unit| &unit.unit.code));
                say!("{}: {codes}", windfarm.name)?;
            }
            say!("nothing was changed; an import would come to:")?;
            return output::imported(&would);
        }
        let importing = Deed::new("source units --import", &format!("/sources/{}/units", source.id()));
        output::imported(&importing.done(store, store.import(&windfarms, store.now())).await?)
    }

    /// What was asked for and is not in the wind farms as one might expect.
    fn tell_of_the_rest(&self, sorted: &Sorted) {
        if !sorted.elsewhere.is_empty() {
            eprintln!(
                "these stay in the wind farms that they are registered in: {}",
                named(&sorted.elsewhere)
            );
        }
        if !sorted.shared.is_empty() {
            eprintln!("left as they are, since several units share the code: {}", named(&sorted.shared));
        }
        if !sorted.repeated.is_empty() {
            eprintln!("listed more than once, of which the first is taken: {}", named(&sorted.repeated));
        }
    }

    fn print(
        &self,
        source: &Source,
        units: Vec<Unit>,
        all: usize,
        registered: &[(String, RegisteredUnit)],
    ) -> anyhow::Result<()> {
        let shown = units.len();
        let home: BTreeMap<_, _> = registered
            .iter()
            .map(|(windfarm, known)| (known.unit.code.as_str(), windfarm.as_str()))
            .collect();
        match self.format {
            Format::Csv => return self.csv(source, units, registered),
            Format::Json => {
                let units = units.iter().map(|unit| {
                    json!({
                        "code": unit.code, "name": unit.name, "capacity_mw": unit.capacity_mw,
                        "attributes": unit.attributes, "windfarm": home.get(unit.code.as_str()),
                    })
                });
                say!("{}", json!({ "units": units.collect::<Vec<_>>(), "of": all }))?;
            }
            Format::Table => {
                let mut table =
                    output::table(["code", "name", "MW", PRODUCTION_TYPE, SITE, "wind farm (if registered)"]);
                for unit in &units {
                    let attribute = |name: &str| unit.attributes.get(name).cloned().unwrap_or_default();
                    table.add_row([
                        unit.code.clone(),
                        unit.name.clone(),
                        unit.capacity_mw.map(|capacity| capacity.to_string()).unwrap_or_default(),
                        attribute(PRODUCTION_TYPE),
                        attribute(SITE),
                        home.get(unit.code.as_str()).map(ToString::to_string).unwrap_or_default(),
                    ]);
                }
                say!("{table}")?;
                say!("{shown} of {all} units")?;
            }
        }
        Ok(())
    }

    /// A registry as `backfill import` reads it: wind farms as the command line groups them, else by site.
    fn csv(
        &self,
        source: &Source,
        units: Vec<Unit>,
        registered: &[(String, RegisteredUnit)],
    ) -> anyhow::Result<()> {
        let grouping = self.grouping();
        let sorted = catalogue::sort(source.id(), units, &grouping, registered);
        if !sorted.ungrouped.is_empty() {
            let codes = named(sorted.ungrouped.iter().map(|(code, _)| code));
            eprintln!("left out, having nothing to be grouped by: {codes}");
        }
        self.tell_of_the_rest(&sorted);
        let entries = || {
            sorted.windfarms.iter().flat_map(|farm| farm.units.iter().map(move |entry| (&farm.name, entry)))
        };
        let attributes: BTreeSet<&str> =
            entries().flat_map(|(_, entry)| entry.unit.attributes.keys().map(String::as_str)).collect();
        let mut out = csv::Writer::from_writer(io::BufWriter::new(io::stdout().lock()));
        let columns = ["windfarm", "source", "code", "name", "capacity_mw"];
        out.write_record(columns.into_iter().chain(attributes.iter().copied()))?;
        for (windfarm, entry) in entries() {
            let unit = &entry.unit;
            let capacity = unit.capacity_mw.map(|capacity| capacity.to_string()).unwrap_or_default();
            let fixed = [windfarm.as_str(), source.id(), &unit.code, &unit.name, &capacity];
            let more = attributes.iter().map(|name| unit.attributes.get(*name).map_or("", String::as_str));
            out.write_record(fixed.into_iter().chain(more))?;
        }
        out.flush()?;
        Ok(())
    }
}

/// The first few of many codes, and how many more there are.
fn named<'a>(codes: impl IntoIterator<Item = &'a String>) -> String {
    let codes: Vec<_> = codes.into_iter().map(String::as_str).collect();
    let shown = codes.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match codes.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
