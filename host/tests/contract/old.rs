//! The component of contract 1.0.0 in the host as it is.

use backfill::{
    domain::{Failure, Quantity, Unit},
    egress::Reuse,
    source::{LogLevel, Source},
};

use crate::support::{Upstream, manifest, month, open, text, unit};

pub(crate) const OLD: &str = "tests/contract/source-1.0.0.wasm";

async fn upstream() -> Upstream {
    Upstream::start(|asked| match asked.path.as_str() {
        "/first" => text(200, "1 2.5"),
        "/second" => text(200, "-3 4"),
        "/third" => text(200, "5"),
        "/units" => text(200, "a\nb\n"),
        _ => text(404, ""),
    })
    .await
}

async fn source(url: &str, hosts: &str) -> Source {
    let component = manifest(OLD);
    let toml = format!(
        "[[source]]\nid = \"old\"\ncomponent = {component:?}\nhosts = [{hosts}]\n[source.settings]\nbase_url = {url:?}\n"
    );
    open(&toml, &[]).await.unwrap()
}

#[tokio::test]
async fn it_is_small_and_says_what_it_is() {
    assert!(std::fs::metadata(manifest(OLD)).unwrap().len() <= 150_000);
    let upstream = upstream().await;
    let source = source(&upstream.url(), &format!("{:?}", upstream.url())).await;
    let said = source.description();
    assert_eq!((said.name.as_str(), said.publication_lag_days), ("old", 3));
    assert_eq!(said.first_month, Some(month("2020-01")));
    assert!(source.collects() && source.has_catalog());
    assert_eq!(source.check_unit(&unit("x", &[])).await.unwrap(), Ok(()));
    assert_eq!(source.check_unit(&unit("", &[])).await.unwrap(), Err("a code, please".into()));
}

#[tokio::test]
async fn it_fetches_through_the_gate_by_every_function_that_there_was() {
    let upstream = upstream().await;
    let source = source(&upstream.url(), &format!("{:?}", upstream.url())).await;
    for (way, quantity) in
        [("mean", Quantity::MeanPower), ("spot", Quantity::SpotPower), ("energy", Quantity::Energy)]
    {
        let unit = Unit { capacity_mw: Some(9.5), ..unit("x", &[("way", way)]) };
        let month = month("2024-02");
        let window = source.window(month);
        let report = source.fetch(&unit, month, window, Reuse::Never).await;
        assert!(report.log.iter().any(|line| line.level == LogLevel::Info && line.text == "x 2024-2"));
        let series = report.outcome.unwrap().unwrap();
        let [one] = &series[..] else { panic!("{series:?}") };
        assert_eq!((one.kind.as_str(), one.quantity), ("generation", quantity));
        assert_eq!(one.labels["capacity"], "Some(9.5)");
        let values: Vec<_> = one.measurements.iter().map(|m| m.value).collect();
        assert_eq!(values, [1.0, 2.5, -3.0, 4.0, 5.0]);
        assert_eq!(one.measurements[0].start, window.start, "its own month of Asia/Taipei");
    }
    assert!(upstream.asked().iter().all(|asked| asked.headers["x-old"] == "1"));
    let units = source.list_units().await.unwrap().outcome.unwrap().unwrap();
    assert_eq!((units.len(), units[1].name.as_str(), units[1].attributes["site"].as_str()), (2, "B", "Old"));
    let collected = source.collect(&units).await.unwrap().outcome.unwrap().unwrap();
    assert_eq!((collected.len(), collected[0].1[0].measurements[0].value), (2, 2.0));
}

#[tokio::test]
async fn each_of_its_failures_means_what_it_meant() {
    let upstream = upstream().await;
    let granted = source(&upstream.url(), &format!("{:?}", upstream.url())).await;
    let failure = async |source: &Source, code: &str| {
        let month = month("2024-02");
        let report = source.fetch(&unit(code, &[]), month, source.window(month), Reuse::Never).await;
        report.outcome.unwrap().unwrap_err()
    };
    let why = |code: &str| format!("{code} of {code}");
    for (code, expected) in [
        ("no-data", Failure::NoData(why("no-data"))),
        ("not-yet-published", Failure::NotYetPublished(why("not-yet-published"))),
        ("not-available", Failure::NotAvailable(why("not-available"))),
        ("invalid-unit", Failure::InvalidUnit(why("invalid-unit"))),
        ("unauthorized", Failure::Unauthorized(why("unauthorized"))),
        ("rate-limited", Failure::RateLimited(Some(7))),
        ("unavailable", Failure::Unavailable(why("unavailable"))),
        ("malformed", Failure::Malformed(why("malformed"))),
    ] {
        assert_eq!(failure(&granted, code).await, expected);
    }
    let denied = source(&upstream.url(), "").await;
    let asked = upstream.asked().len();
    assert!(matches!(failure(&denied, "x").await, Failure::NotAvailable(why) if why.contains("hosts")));
    assert_eq!(upstream.asked().len(), asked, "the gate let nothing through");
}
