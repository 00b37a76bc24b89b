//! `backfill schedule`: what it makes, shows and refuses.

use crate::two;

#[tokio::test]
async fn a_schedule_is_added_shown_disabled_enabled_and_removed() {
    let folder = two();
    let add = ["schedule", "add", "nightly", "--kind", "incremental", "--cron", "30 2 * * *"];
    let added = folder.backfill(&[&add[..], &["--zone", "Europe/Berlin"]].concat()).await.succeeded();
    let lines: Vec<_> = added.out.lines().collect();
    assert_eq!(lines[..2], ["added schedule \"nightly\"", "next firings:"]);
    assert_eq!(lines.len(), 7, "{}", added.out);
    assert!(lines[2..].iter().all(|line| line.contains(" 02:30 CE") || line.contains(" 03:00 CEST")));

    let listed = folder.backfill(&["schedule", "list"]).await.succeeded().out;
    assert!(["nightly", "30 2 * * *", "Europe/Berlin"].iter().all(|text| listed.contains(text)), "{listed}");
    folder.backfill(&["schedule", "disable", "nightly"]).await.succeeded();
    let shown = folder.backfill(&["schedule", "show", "nightly"]).await.succeeded().out;
    assert!(shown.contains("look_back_months") && shown.contains("disabled; "), "{shown}");
    let refused = folder.backfill(&["schedule", "run-now", "nightly"]).await.failed();
    assert!(refused.err.contains("enable it first"), "{}", refused.err);
    let enabled = folder.backfill(&["schedule", "enable", "nightly"]).await.succeeded().out;
    assert!(enabled.starts_with("enabled schedule \"nightly\"; it fires next at "), "{enabled}");
    let ran = folder.backfill(&["schedule", "run-now", "nightly"]).await.succeeded().out;
    assert_eq!(ran, "nothing missing\n");
    folder.backfill(&["schedule", "remove", "nightly"]).await.succeeded();
    let empty = folder.backfill(&["schedule", "list"]).await.succeeded().out;
    assert!(empty.contains("`backfill schedule add` makes one"), "{empty}");
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_named() {
    let folder = two();
    let base = ["schedule", "add", "it", "--kind"];
    for (arguments, expected) in [
        (&["revise", "--cron", "0 6 * *"][..], "has 4 fields; expected five"),
        (&["revise", "--cron", "0 6 * * *", "--zone", "Berlin"], "\"Berlin\" is no IANA time zone"),
        (&["revise", "--cron", "0 6 * * *", "--look-back", "3"], "settings.look_back_months: unknown field"),
        (&["collect", "--cron", "0 6 * * *", "--source", "taipower"], "it has elexon, eia"),
        (&["collect", "--cron", "0 6 * * *", "--windfarm", "Nowhere"], "no wind farm \"Nowhere\""),
        (&["collect", "--cron", "0 6 * * *", "--unit", "9"], "the registry has no 9"),
    ] {
        let ran = folder.backfill(&[&base[..], arguments].concat()).await.failed();
        assert!(ran.err.contains(expected), "{}", ran.err);
    }
    let unknown = folder.backfill(&[&base[..], &["sometimes", "--cron", "0 6 * * *"]].concat()).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("expected one of incremental, revise, collect"), "{}", unknown.err);
    let missing = folder.backfill(&["schedule", "show", "it"]).await.failed();
    assert!(missing.err.contains("no schedule \"it\"; there is none yet"), "{}", missing.err);
}
