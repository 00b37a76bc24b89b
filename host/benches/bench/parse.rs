//! Parsing in the sandbox against the same code on the same bytes, native.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Context, ensure};
use backfill::{
    domain::{Month, Unit},
    egress::Reuse,
    source::Source,
};
use serde::Deserialize;

use crate::{documents, kept, report::Report, sources, turns};

const TURNS: usize = 12;
const CALLS: usize = 15;

/// A month's fetch: what is asked for, and the documents that answer it.
struct Load {
    code: String,
    attribute: (&'static str, String),
    /// By the `periodStart` that asks for it.
    documents: Vec<(String, Vec<u8>)>,
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    report.progress("a month of one unit: 31 documents with all units of a control area");
    let day = documents::recorded("A73").await?;
    let unit = Load {
        code: documents::middle_unit(&day).context("the document names no unit")?.to_owned(),
        attribute: ("area", "NL".to_owned()),
        documents: documents::days(&day)?
            .into_iter()
            .map(|(day, text)| (day.format("%Y%m%d0000").to_string(), text.into_bytes()))
            .collect(),
    };
    let (inside, wall, native) = unit.measure().await?;
    let (bytes, points) = (unit.bytes(), unit.points());
    let megabytes = |time| turns::rate(bytes, time) / 1e6;
    let against = "the same code on the same bytes, native";
    report.add("parse-guest", "ms", turns::ms(inside), turns::ms(native), against);
    report.add("parse-guest-bytes", "MB/s", megabytes(inside), megabytes(native), against);
    report.add(
        "parse-guest-points",
        "points/s",
        turns::rate(points, inside),
        turns::rate(points, native),
        against,
    );
    let whole = "the same, native: no sandbox, archive or host around it";
    report.add("parse-guest-wall", "ms", turns::ms(wall), turns::ms(native), whole);

    report.progress("a month of an area, every series wanted: one document");
    let days = documents::days(&documents::recorded("A75").await?)?;
    let types: Vec<_> = (1..=25).map(|number| format!("B{number:02}")).collect();
    let area = Load {
        code: "NL".to_owned(),
        attribute: ("production_type", types.join(",")),
        documents: vec![(days[0].0.format("%Y%m%d0000").to_string(), documents::joined(&days)?.into_bytes())],
    };
    let (inside, _, native) = area.measure().await?;
    report.add("parse-guest-area", "ms", turns::ms(inside), turns::ms(native), against);
    report.add(
        "parse-guest-area-points",
        "points/s",
        turns::rate(area.points(), inside),
        turns::rate(area.points(), native),
        against,
    );
    Ok(())
}

impl Load {
    fn bytes(&self) -> usize {
        self.documents.iter().map(|(_, document)| document.len()).sum()
    }

    fn points(&self) -> usize {
        let points = |document: &[u8]| document.windows(7).filter(|window| window == b"<Point>").count();
        self.documents.iter().map(|(_, document)| points(document)).sum()
    }

    /// Best times inside the guest, from call to return, and native.
    async fn measure(&self) -> anyhow::Result<(Duration, Duration, Duration)> {
        let folder = tempfile::tempdir()?;
        let upstream = kept::upstream(self.documents.clone()).await?;
        let text = sources::entry("entsoe", &sources::plugin("entsoe"))
            + &format!(
                "hosts = [{{ host = {upstream:?}, private = true }}]\nrate = \"1000/s burst 1000\"\n\
                 [source.settings]\nbase_url = {upstream:?}\n"
            );
        let shared = kept::shared(&folder.path().join("archive"))?;
        let source = sources::open(&text, &sources::engine()?, &shared).await?;
        let native = Native::new(self, folder.path())?;
        // The first fetch asks upstream and keeps the answers; all others find them kept.
        self.fetch(&source).await?;

        let mut wall = Duration::MAX;
        let guest = async || {
            let mut inside = Duration::MAX;
            for _ in 0..CALLS {
                let (measurements, took) = self.fetch(&source).await?;
                ensure!(measurements == native.measurements, "guest and native disagree: {measurements}");
                (inside, wall) = (inside.min(took.0), wall.min(took.1));
            }
            Ok(inside)
        };
        let (inside, native) = turns::best(TURNS, guest, async || native.run().map(|run| run.0)).await?;
        Ok((inside, wall, native))
    }

    /// How many measurements a fetch gave, its time inside the guest, and its time in all.
    async fn fetch(&self, source: &Source) -> anyhow::Result<(usize, (Duration, Duration))> {
        let (name, value) = &self.attribute;
        let unit = Unit {
            code: self.code.clone(),
            name: self.code.clone(),
            capacity_mw: None,
            attributes: [((*name).to_owned(), value.clone())].into(),
        };
        let month: Month = documents::MONTH.parse()?;
        let report = source.fetch(&unit, month, source.window(month), Reuse::Fresh).await;
        let series = report.outcome?.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
        let measurements = series.iter().map(|series| series.measurements.len()).sum();
        Ok((measurements, (report.cpu, report.wall)))
    }
}

/// The reference: an example of the plugin, a process of its own.
struct Native {
    arguments: Vec<String>,
    measurements: usize,
}

#[derive(Deserialize)]
struct Printed {
    seconds: f64,
    measurements: usize,
}

impl Native {
    fn new(load: &Load, folder: &std::path::Path) -> anyhow::Result<Self> {
        let (name, value) = &load.attribute;
        let mut arguments =
            vec![load.code.clone(), format!("{name}={value}"), documents::MONTH.into(), CALLS.to_string()];
        for (start, document) in &load.documents {
            let file = folder.join(start);
            std::fs::write(&file, document)?;
            arguments.push(file.display().to_string());
        }
        let mut native = Self { arguments, measurements: 0 };
        native.measurements = native.run()?.1;
        Ok(native)
    }

    fn run(&self) -> anyhow::Result<(Duration, usize)> {
        let program: PathBuf = sources::path("../plugins/target/release/examples/parse_native");
        let output = Command::new(&program)
            .args(&self.arguments)
            .output()
            .with_context(|| format!("{}; `make bench` builds it", program.display()))?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let Printed { seconds, measurements } = serde_json::from_slice(&output.stdout)?;
        Ok((Duration::from_secs_f64(seconds), measurements))
    }
}
