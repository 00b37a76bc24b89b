//! A fifth source, written from nothing but `wit/`, is added by editing `backfill.toml` alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod support;

use support::{
    Upstream, guest, text,
    work_folder::{Row, WorkFolder},
};

const FEBRUARY: i64 = 1_706_745_600; // 2024-02-01T00:00:00Z

/// Hours of a leap year's February, the wind rising by a quarter of a MW each.
fn controller() -> String {
    (0..29 * 24).map(|hour| format!("{},{}\n", FEBRUARY + hour * 3600, hour as f64 / 4.0)).collect()
}

#[tokio::test]
async fn a_component_named_in_the_configuration_is_imported_run_and_exported_like_any_other() {
    let upstream = Upstream::start(|asked| match asked.path.as_str() {
        "/parks/north-ridge/2024-02.csv" => text(200, controller()),
        _ => text(404, ""),
    })
    .await;
    let url = upstream.url();
    let folder = WorkFolder::new("");
    folder.write(
        "registry.csv",
        "windfarm,source,code,name,capacity_mw\nRidge,parks,north-ridge,North ridge,200\n",
    );
    let unknown = folder.backfill(&["import", "registry.csv"]).await.failed();
    assert!(unknown.err.contains("\"parks\" is no source"), "{}", unknown.err);

    folder.write(
        "backfill.toml",
        &format!(
            "[[source]]\nid = \"parks\"\ncomponent = {:?}\nhosts = [{url:?}]\n[source.settings]\nbase_url = {url:?}\n",
            guest("fifth")
        ),
    );
    folder.backfill(&["config", "check"]).await.succeeded();
    let listed = folder.backfill(&["source", "list"]).await.succeeded();
    assert!(listed.out.contains("Hourly CSV of a park's own controller"), "{}", listed.out);
    folder.backfill(&["import", "registry.csv"]).await.succeeded();
    let ran = folder.run("Ridge", "2024-02", "2024-03").await.succeeded();
    assert_eq!(
        ["tasks", "completed", "empty", "failed", "inserted"].map(|name| ran.figure(name)),
        [2, 2, 1, 0, 29 * 24],
        "{}",
        ran.last_line()
    );

    let stored = folder.stored().await;
    assert_eq!(stored.len(), 29 * 24);
    for (hour, row) in stored.iter().enumerate() {
        let start = chrono::DateTime::from_timestamp(FEBRUARY + hour as i64 * 3600, 0).unwrap();
        let expected = Row {
            windfarm: "Ridge".into(),
            source: "parks".into(),
            unit_code: "north-ridge".into(),
            unit_name: "North ridge".into(),
            kind: "generation".into(),
            quantity: "mean-power".into(),
            labels: "{}".into(),
            start: start.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            seconds: 3600,
            value: hour as f64 / 4.0,
            unit: "MW".into(),
        };
        assert_eq!(*row, expected);
    }
}

#[tokio::test]
async fn its_own_rules_hold_for_units_and_its_failures_are_told_in_its_words() {
    let upstream = Upstream::start(|_| text(200, "yesterday,calm\n")).await;
    let url = upstream.url();
    let folder = WorkFolder::new(&format!(
        "[[source]]\nid = \"parks\"\ncomponent = {:?}\nhosts = [{url:?}]\n[source.settings]\nbase_url = {url:?}\n",
        guest("fifth")
    ));
    folder.write("registry.csv", "windfarm,source,code\nRidge,parks,north\nRidge,parks,../south\n");
    let refused = folder.backfill(&["import", "registry.csv"]).await.failed();
    let expected = "registry.csv:3: unit \"../south\" of parks: a park's name has no slash";
    assert!(refused.err.contains(expected), "{}", refused.err);

    folder.import("windfarm,source,code\nRidge,parks,north\n").await;
    let ran = folder.run("Ridge", "2024-02", "2024-02").await.failed();
    assert_eq!((ran.figure("failed"), ran.figure("inserted")), (1, 0));
    assert!(ran.out.contains("north 2024-02: malformed: not `start,MW`: \"yesterday,calm\""), "{}", ran.out);
}
