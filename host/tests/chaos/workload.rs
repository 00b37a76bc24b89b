//! What there is to do: units of all four sources, month by month, each asked for by one job.

use backfill::domain::Month;

use crate::support::{month, work_folder::source_at};

/// Hours and quarter hours, with consumption and gaps, whose documents the units share; half hours; months.
pub(crate) const REGISTRY: &str = "\
windfarm,source,code,name,area,fuel2002
Denmark,entsoe,45W000000000046I,Anholt,10Y1001A1001A796,
Denmark,entsoe,45W000000000023U,Horns Rev A,10Y1001A1001A796,
Denmark,entsoe,45W000000000126K,Kriegers Flak,10Y1001A1001A796,
Denmark,entsoe,45W000000000207K,Vesterhav Syd,10Y1001A1001A796,
Britain,elexon,T_HOWAO-1,Hornsea 1 A,,
Britain,elexon,T_SIMW-1,Simulated 1,,
America,eia,61014,Santa Isabel,,WND
America,eia,80001,Offshore,,WND
America,eia,80002,Prairie,,WND
America,eia,90001,Plant 1,,WND
America,eia,90002,Plant 2,,
America,eia,90004,Plant 4,,WND
America,eia,90005,Plant 5,,
America,eia,90007,Plant 7,,WND
America,eia,90008,Plant 8,,
America,eia,90010,Plant 10,,WND
Taiwan,taipower,雲林四湖風力,Sihu,,
Taiwan,taipower,離岸一期,Offshore 1,,
";

/// How long each upstream takes for an answer, so that workers are disturbed in the middle of something: some times the
/// usual.
pub(crate) fn slowness(times: u32) -> [String; 4] {
    [("entsoe", 30), ("elexon", 200), ("eia", 300), ("taipower", 200)]
        .map(|(api, usual)| format!("kind=latency,milliseconds={},api={api}", usual * times))
}

/// A month of some wind farms, for one job.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) windfarms: Vec<&'static str>,
    pub(crate) month: Month,
}

/// Months that are long published, the newest first. Taiwan's begin in 2024.
pub(crate) fn batches() -> impl Iterator<Item = Batch> {
    let months: Vec<_> = month("2019-01").through(month("2024-06")).collect();
    months.into_iter().rev().map(|month| {
        let mut windfarms = vec!["Denmark", "Britain", "America"];
        if month >= "2024-01".parse().expect("a month") {
            windfarms.push("Taiwan");
        }
        Batch { windfarms, month }
    })
}

/// The four sources at one upstream, with further lines each.
pub(crate) fn sources(url: &str, more: &str) -> String {
    ["entsoe", "elexon", "eia", "taipower"].map(|id| source_at(id, url, more)).concat()
}
