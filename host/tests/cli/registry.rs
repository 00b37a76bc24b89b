//! `backfill import`: all of a registry, or nothing.

use crate::{
    support::work_folder::{WorkFolder, source_at},
    two,
};

/// What is said against a registry; nothing of it may be there afterwards.
async fn refused(file: &str, text: &str) -> String {
    let folder = two();
    folder.write(file, text);
    let ran = folder.backfill(&["import", file]).await.failed();
    assert!(ran.err.contains("nothing was imported"), "{}", ran.err);
    if folder.path(".backfill/backfill.db").exists() {
        assert_eq!(folder.count("SELECT COUNT(*) FROM windfarms").await, 0);
    }
    ran.err
}

#[tokio::test]
async fn every_line_that_is_wrong_is_named_and_nothing_is_imported() {
    let error = refused(
        "registry.csv",
        "windfarm,source,code,capacity_mw\nGood,elexon,T_HOWAO-1,400\nBad,elxon,T_HOWAO-2,400\nWorse,eia,61014,-3\n",
    )
    .await;
    assert!(error.contains("registry.csv:3: source: \"elxon\" is no source"), "{error}");
    assert!(error.contains("did you mean \"elexon\""), "{error}");
    assert!(error.contains("registry.csv:4: capacity_mw: -3 is not a capacity"), "{error}");
}

#[tokio::test]
async fn a_unit_that_its_source_refuses_is_named_with_its_line_even_without_the_credential() {
    let error =
        refused("registry.csv", "windfarm,source,code\nGood,elexon,T_HOWAO-1\nPhase,eia,66167_1\n").await;
    assert!(error.contains("registry.csv:3: unit \"66167_1\" of eia: "), "{error}");
    assert!(error.contains("not an EIA plant code"), "{error}");
    let toml = "[[windfarm]]\nname = \"Phase\"\n\n[[windfarm.unit]]\nsource = \"eia\"\ncode = \"66167_1\"\n";
    let error = refused("registry.toml", toml).await;
    assert!(error.contains("registry.toml:4: unit \"66167_1\" of eia: "), "{error}");
}

#[tokio::test]
async fn two_units_of_one_code_need_shares_that_sum_to_one_at_most() {
    let units = |first: &str, second: &str| {
        format!("windfarm,source,code,name,share\nA,eia,61014,A1,{first}\nB,eia,61014,B1,{second}\n")
    };
    let error = refused("registry.csv", &units("", "")).await;
    assert!(error.contains("registry.csv:2: share: is missing") && error.contains("(lines 2, 3)"), "{error}");
    let error = refused("registry.csv", &units("0.6", "0.5")).await;
    assert!(error.contains("sum to 1.1; expected at most 1"), "{error}");
}

#[tokio::test]
async fn units_that_share_a_code_are_given_their_parts_of_its_values() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    let folder = WorkFolder::new(&source_at("eia", &simulator.url(), ""));
    folder
        .import(
            "windfarm,source,code,name,fuel2002,share\nA,eia,80002,A1,WND,0.25\nA,eia,80002,A2,WND,0.75\n",
        )
        .await;
    folder.run("A", "2024-02", "2024-02").await.succeeded();
    let whole = simulator::values::eia_plant_mwh("80002", "WND", 2024, 2).unwrap();
    let stored: Vec<_> =
        folder.stored().await.into_iter().map(|row| (row.unit_name, row.value / whole)).collect();
    let [(first, quarter), (second, rest)] = stored.as_slice() else { panic!("{stored:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("A1", "A2"));
    assert!((quarter - 0.25).abs() < 1e-12 && (rest - 0.75).abs() < 1e-12, "{stored:?}");
}

#[tokio::test]
async fn importing_again_changes_nothing_and_a_changed_line_changes_its_unit() {
    let folder = two();
    let registry =
        "windfarm,source,code,capacity_mw\nHornsea,elexon,T_HOWAO-1,400\nHornsea,elexon,T_HOWAO-2,400\n";
    for (text, windfarms, units) in [
        (registry.to_owned(), "1 created, 0 updated, 0 unchanged", "2 created, 0 updated, 0 unchanged"),
        (registry.to_owned(), "0 created, 0 updated, 1 unchanged", "0 created, 0 updated, 2 unchanged"),
        (
            registry.replace("2,400", "2,407"),
            "0 created, 0 updated, 1 unchanged",
            "0 created, 1 updated, 1 unchanged",
        ),
    ] {
        folder.write("registry.csv", &text);
        let done = folder.backfill(&["import", "registry.csv"]).await.succeeded();
        assert_eq!(done.out, format!("windfarms: {windfarms}\nunits: {units}\n"));
    }
}
