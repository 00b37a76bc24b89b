//! Ten years of 24 units out of kept answers: 2,880 tasks and 2.1 million rows, through the program itself in a process
//! of its own, and the most memory that it had.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use backfill::{
    clock,
    config::{self, Config},
    domain::{Month, Unit},
    egress::{Answers, Archive, Reuse},
    source::{Registry, Source},
    store::{NewUnit, NewWindfarm, Store},
    worker::StoredAnswers,
};
use futures::{StreamExt, TryStreamExt, stream};
use simulator::catalogue::{entsoe, entsoe_areas};

use crate::{
    databases::{Database, Kind},
    planned, raw_rows,
    report::Report,
    sources, turns,
};

const UNITS: usize = 24;
const FROM: u16 = 2015;
const MONTHS: usize = 120;
const HOURS: i64 = 3653 * 24;
const ROWS: i64 = UNITS as i64 * HOURS;

/// Made-up units of the area: more than are wanted, since some publish quarter hours, and some not all hours.
const OF_AREA: usize = 40;
const AREA: &str = "10YNL----------L";

pub(crate) async fn measure(report: &mut Report, kind: Kind) -> anyhow::Result<()> {
    report.progress(&format!("keeping the answers of ten years, {kind:?}"));
    let database = kind.database().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("backfill.toml");
    let months = planned::months(FROM, MONTHS)?;
    prepare(&database, &file, &months).await?;

    report.progress(&format!("filling ten years of 24 units from them, {kind:?}"));
    let idle = run(&file, &["source", "list"])?;
    let (from, to) = (months[0].to_string(), months[MONTHS - 1].to_string());
    let filled = run(&file, &["run", "--windfarm", "bench", "--from", &from, "--to", &to])?;

    let mut raw = database.beside().await?;
    let tasks = raw.number("SELECT COUNT(*) FROM backfill_tasks WHERE outcome = 'written'").await?;
    let rows = raw.number("SELECT COUNT(*) FROM measurements").await?;
    ensure!(tasks == (UNITS * MONTHS) as i64 && rows == ROWS, "{tasks} tasks, {rows} rows");
    raw_rows::make_table(&mut raw).await?;
    let began = Instant::now();
    raw.execute("INSERT INTO raw_measurements SELECT * FROM measurements").await?;
    let copied = began.elapsed();
    raw.close().await?;

    let against = "the same rows copied into another table by one statement";
    report.add(kind.figure("backfill-2m"), "s", filled.took.as_secs_f64(), copied.as_secs_f64(), against);
    let rate = turns::rate(ROWS as usize, filled.took);
    report.add(kind.figure("backfill-2m-rate"), "rows/s", rate, turns::rate(ROWS as usize, copied), against);
    if let (Some(peak), Some(idle)) = (filled.peak_mb, idle.peak_mb) {
        let against = "the same program listing its sources";
        report.add(kind.figure("backfill-2m-rss"), "MB", peak, idle, against);
    }
    Ok(())
}

/// Writes the configuration, imports the units, and has every answer kept that their months need.
async fn prepare(database: &Database, file: &Path, months: &[Month]) -> anyhow::Result<()> {
    let options =
        simulator::Options { units_per_area: OF_AREA, entsoe_rate_limit: None, ..Default::default() };
    let simulator = simulator::start(options).await?;
    let upstream = simulator.url();
    let text = format!(
        "[database]\nurl = {:?}\n[archive]\npath = \"archive\"\n{}\
         hosts = [{{ host = {upstream:?}, private = true }}]\nrate = \"100000/s burst 1000\"\n\
         [source.settings]\nbase_url = {upstream:?}\n",
        database.url(),
        sources::entry("entsoe", &sources::plugin("entsoe"))
    );
    fs::write(file, text)?;
    let config = config::load(file, &|_| None).map_err(|problems| anyhow::anyhow!("{problems}"))?;

    let store = database.store().await?;
    let units = units()?;
    let windfarm = NewWindfarm {
        name: "bench".into(),
        units: units
            .iter()
            .map(|unit| NewUnit { source: "entsoe".into(), unit: unit.clone(), active: None })
            .collect(),
        ..NewWindfarm::default()
    };
    store.import(&[windfarm], clock::now()).await?;
    let source = open(&config, &store, &file.with_file_name("archive")).await?;
    // All units of an area are in the same documents.
    stream::iter(months)
        .map(Ok)
        .try_for_each_concurrent(4, async |month| {
            let fetched = source.fetch(&units[0], *month, source.window(*month), Reuse::Fresh).await;
            fetched.outcome?.map_err(|failure| anyhow::anyhow!("{month}: {failure:?}"))?;
            anyhow::Ok(())
        })
        .await?;
    simulator.stop().await;
    store.close().await;
    Ok(())
}

/// The source as the program opens it, with the same archive and index.
async fn open(config: &Config, store: &Store, archive: &Path) -> anyhow::Result<Arc<Source>> {
    let index = Arc::new(StoredAnswers(store.clone()));
    let shared = sources::shared().keeping(Answers { archive: Archive::local(archive)?, index });
    let registry = Registry::load(config, &|_| None, &sources::engine()?, &shared).await;
    let source = registry.get("entsoe").context("the configuration has no entsoe")?;
    Ok(source?)
}

/// Units that publish every hour, generation alone.
fn units() -> anyhow::Result<Vec<Unit>> {
    let area = entsoe_areas::find(AREA).context("the simulator knows no such area")?;
    let hourly = entsoe::units(area, OF_AREA)
        .into_iter()
        .filter(|unit| unit.resolution_minutes == 60 && !unit.consumes && !unit.has_gaps);
    let units: Vec<_> = hourly
        .take(UNITS)
        .map(|unit| Unit {
            code: unit.eic,
            name: unit.name,
            capacity_mw: Some(unit.capacity_mw),
            attributes: [("area".to_owned(), AREA.to_owned())].into(),
        })
        .collect();
    ensure!(units.len() == UNITS);
    Ok(units)
}

/// How a process of the program went.
struct Ran {
    took: Duration,
    /// The most resident memory, where the system tells.
    peak_mb: Option<f64>,
}

fn run(config: &Path, arguments: &[&str]) -> anyhow::Result<Ran> {
    let said = config.with_file_name("said");
    let began = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_backfill"))
        .arg("--config")
        .arg(config)
        .args(["--log", "warn"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&said)?)
        .spawn()
        .context("starting backfill")?;
    let mut peak_mb = None;
    let status = loop {
        // The system forgets it with the process; it only ever grows.
        peak_mb = peak(process.id()).or(peak_mb);
        if let Some(status) = process.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    let took = began.elapsed();
    ensure!(status.success(), "backfill {}: {status}\n{}", arguments.join(" "), fs::read_to_string(said)?);
    Ok(Ran { took, peak_mb })
}

fn peak(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
