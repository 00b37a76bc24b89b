//! What is stored: every value of every unit, once, and what it was before it was revised.

use sqlx::Row as _;

use crate::{
    expected::{Key, Of, Points, assert_same, points},
    fault, folder_at, present, simulator,
    support::work_folder::Ran,
};

const REGISTRY: &str = "\
windfarm,source,code,name,capacity_mw,area,fuel2002
Mixed,entsoe,45W000000000126K,Kriegers Flak,604.8,10Y1001A1001A796,
Mixed,entsoe,45W000000000207K,Vesterhav Syd,168.4,10Y1001A1001A796,
Mixed,elexon,T_HOWAO-1,Hornsea 1 A,400,,
Mixed,eia,61014,Santa Isabel,101.2,,WND
Mixed,taipower,雲林四湖風力,Sihu,28,,
Other,entsoe,45W000000000046I,Anholt,400,10Y1001A1001A796,
Other,elexon,SIMW-3,Simulated 3,,,
Other,eia,90002,Simulated 2,,,
Other,taipower,離岸一期,Offshore 1,109.2,,
";

/// All of the registry from February, with its leap day, to March, in which clocks change.
fn all() -> Points {
    let mut all = Points::new();
    for month in [2, 3] {
        all.extend(Of::new("Mixed", "45W000000000126K").entsoe(2024, month));
        all.extend(Of::new("Mixed", "45W000000000207K").entsoe(2024, month));
        all.extend(Of::new("Mixed", "T_HOWAO-1").elexon(2024, month, present()));
        all.extend(Of::new("Mixed", "61014").eia(&["WND"], 2024, month));
        all.extend(Of::new("Mixed", "雲林四湖風力").taipower(2024, month));
        all.extend(Of::new("Other", "45W000000000046I").entsoe(2024, month));
        all.extend(Of::new("Other", "SIMW-3").elexon(2024, month, present()));
        all.extend(Of::new("Other", "90002").eia(&["SUN", "WND"], 2024, month));
        all.extend(Of::new("Other", "離岸一期").taipower(2024, month));
    }
    all
}

fn figures<const N: usize>(ran: &Ran, names: [&str; N]) -> [u64; N] {
    names.map(|name| ran.figure(name))
}

#[tokio::test]
async fn every_value_of_all_four_sources_is_stored_as_the_upstream_has_it_and_only_once() {
    let simulator = simulator().await;
    let folder = folder_at(&simulator, &["entsoe", "elexon", "eia", "taipower"], "");
    folder.import(REGISTRY).await;
    let expected = all();
    let count = |windfarm: &str| expected.keys().filter(|key| key.windfarm == windfarm).count() as u64;

    let names = ["tasks", "completed", "empty", "failed", "inserted", "updated", "unchanged", "rejected"];
    let mixed = folder.run("Mixed", "2024-02", "2024-03").await.succeeded();
    assert_eq!(figures(&mixed, names), [10, 10, 0, 0, count("Mixed"), 0, 0, 0], "{}", mixed.last_line());
    // Units of the same area and type, and of the same upstream, in another wind farm.
    let other = folder.run("Other", "2024-02", "2024-03").await.succeeded();
    assert_eq!(figures(&other, names), [8, 8, 0, 0, count("Other"), 0, 0, 0], "{}", other.last_line());
    assert_same(&points(&folder.stored().await), &expected);

    simulator.clear_log();
    let again = folder.run("Mixed", "2024-02", "2024-03").await.succeeded();
    assert_eq!(figures(&again, names), [10, 10, 0, 0, 0, 0, count("Mixed"), 0], "{}", again.last_line());
    assert_eq!(again.figure("requests"), 0, "answers are kept for twelve hours");
    assert_eq!(simulator.log().len(), 0);
    assert_same(&points(&folder.stored().await), &expected);
    assert_eq!(folder.count("SELECT COUNT(*) FROM measurement_revisions").await, 0);
}

#[tokio::test]
async fn the_last_line_of_standard_output_has_the_documented_fields_in_their_order() {
    let simulator = simulator().await;
    let folder = folder_at(&simulator, &["eia"], "");
    folder.import(crate::EIA_PLANT).await;
    let ran = folder.run("Santa Isabel", "2024-01", "2024-03").await.succeeded();
    let pairs: Vec<_> = ran.last_line().split(' ').map(|pair| pair.split_once('=').unwrap()).collect();
    let names: Vec<_> = pairs.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "tasks",
            "completed",
            "empty",
            "failed",
            "inserted",
            "updated",
            "unchanged",
            "rejected",
            "requests",
            "seconds"
        ]
    );
    let whole: Vec<u64> = pairs[..9].iter().map(|(_, figure)| figure.parse().unwrap()).collect();
    assert_eq!(whole, [3, 3, 0, 0, 3, 0, 0, 0, 3]);
    assert!(pairs[9].1.parse::<f64>().unwrap() > 0.0, "{}", ran.last_line());
}

#[tokio::test]
async fn a_revised_value_takes_the_place_of_the_old_one_and_the_old_one_is_kept() {
    let simulator = simulator().await;
    let folder = folder_at(&simulator, &["entsoe"], "reuse_for = \"0s\"");
    folder.import(crate::ANHOLT).await;
    folder.run("Anholt", "2024-02", "2024-02").await.succeeded();
    let before = points(&folder.stored().await);
    assert_same(&before, &Of::new("Anholt", "45W000000000046I").entsoe(2024, 2));

    simulator.set_faults(fault("kind=revised,share=0.1,factor=0.9"));
    let ran = folder.run("Anholt", "2024-02", "2024-02").await.succeeded();
    let after = points(&folder.stored().await);
    let revision = simulator::values::Revision { share: 0.1, factor: 0.9 };
    let revised: Points = before
        .iter()
        .map(|(key, value)| {
            let start = chrono::DateTime::from_timestamp(key.start, 0).unwrap();
            (key.clone(), revision.apply(&key.code, start, *value, 2))
        })
        .collect();
    assert_same(&after, &revised);
    let changed: Vec<(&Key, f64)> =
        before.iter().filter(|(key, value)| after[*key] != **value).map(|(k, v)| (k, *v)).collect();
    assert!(changed.len() > 20, "{} values changed", changed.len());
    let counted = figures(&ran, ["inserted", "updated", "unchanged"]);
    assert_eq!(counted, [0, changed.len() as u64, (before.len() - changed.len()) as u64]);

    let mut database = folder.database().await;
    let kept = sqlx::query("SELECT start, value FROM measurement_revisions ORDER BY start")
        .fetch_all(&mut database)
        .await
        .unwrap();
    let kept: Vec<(i64, f64)> = kept.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(kept, changed.iter().map(|(key, value)| (key.start, *value)).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_capacity_makes_implausible_is_counted_and_the_rest_is_stored() {
    let simulator = simulator().await;
    let folder = folder_at(&simulator, &["entsoe"], "");
    folder.import(&crate::ANHOLT.replace(",400,", ",150,")).await;
    let ran = folder.run("Anholt", "2024-02", "2024-02").await.succeeded();
    let (plausible, rejected): (Points, Points) = Of::new("Anholt", "45W000000000046I")
        .entsoe(2024, 2)
        .into_iter()
        .partition(|(_, mw)| *mw <= 1.3 * 150.0);
    assert!(plausible.len() > 10 && rejected.len() > 10, "{} and {}", plausible.len(), rejected.len());
    assert_eq!(
        figures(&ran, ["inserted", "rejected"]),
        [plausible.len() as u64, rejected.len() as u64],
        "{}",
        ran.last_line()
    );
    assert_same(&points(&folder.stored().await), &plausible);
    let reasons = folder.count("SELECT SUM(count) FROM task_rejections").await;
    assert_eq!(reasons, rejected.len() as i64);
}
