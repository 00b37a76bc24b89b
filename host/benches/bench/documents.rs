//! Documents of ENTSO-E to parse: a recorded day, repeated as every day of a month.

use std::path::PathBuf;

use anyhow::Context;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::sources;

/// The month that the documents are of. It has 31 days.
pub(crate) const MONTH: &str = "2024-10";

/// How the platform writes instants.
const MINUTE: &str = "%Y-%m-%dT%H:%MZ";

const END: &str = "</GL_MarketDocument>";

/// A recorded document of the Netherlands for one day: A73 (per unit) or A75 (per type).
pub(crate) async fn recorded(item: &str) -> anyhow::Result<String> {
    let folder = std::env::var_os("BACKFILL_FIXTURES")
        .map_or_else(|| sources::path("../../shared/fixtures"), PathBuf::from);
    let file = folder.join(format!("entsoe/{}_NL_2024-09-02.xml", item.to_lowercase()));
    if file.is_file() {
        return Ok(std::fs::read_to_string(file)?);
    }
    println!("  no recorded answers in {} (BACKFILL_FIXTURES); the simulator's instead", folder.display());
    let simulator = simulator::start(simulator::Options::default()).await?;
    let url = format!(
        "{}/api?documentType={item}&processType=A16&in_Domain=10YNL----------L\
         &periodStart=202409012200&periodEnd=202409022200",
        simulator.url()
    );
    let document =
        reqwest::Client::new().get(url).header("SECURITY_TOKEN", "any").send().await?.text().await?;
    simulator.stop().await;
    Ok(document)
}

/// Every day of [`MONTH`] with a document of its own, all instants moved to that day.
pub(crate) fn days(document: &str) -> anyhow::Result<Vec<(NaiveDate, String)>> {
    let first: NaiveDate = format!("{MONTH}-01").parse()?;
    let start = text_of(document, "start").context("the document has no start")?;
    let start = NaiveDateTime::parse_from_str(start, MINUTE)?;
    let days = first.iter_days().take(31);
    Ok(days.map(|day| (day, moved(document, day.and_time(chrono::NaiveTime::MIN) - start))).collect())
}

/// One document with the series of all days.
pub(crate) fn joined(days: &[(NaiveDate, String)]) -> anyhow::Result<String> {
    let mut whole = String::new();
    for (index, (_, day)) in days.iter().enumerate() {
        let series = day.find("<TimeSeries").context("the document has no TimeSeries")?;
        let end = day.rfind(END).context("the document has no end")?;
        whole += &day[if index == 0 { 0 } else { series }..end];
    }
    Ok(whole + END)
}

/// The unit of the series in the middle of a document.
pub(crate) fn middle_unit(document: &str) -> Option<&str> {
    let units: Vec<_> = document.split("<PowerSystemResources>").skip(1).collect();
    let unit = units.get(units.len() / 2)?.split_once('>')?.1;
    unit.split('<').next()
}

fn text_of<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    document.split_once(&format!("<{name}>"))?.1.split('<').next()
}

/// The document with every instant that is written to the minute moved.
fn moved(document: &str, by: TimeDelta) -> String {
    let mut parts = document.split('>');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result.push('>');
        let text = part.split('<').next().unwrap_or_default();
        match NaiveDateTime::parse_from_str(text, MINUTE) {
            Ok(at) => {
                result += &(at + by).format(MINUTE).to_string();
                result += &part[text.len()..];
            }
            Err(_) => result += part,
        }
    }
    result
}
