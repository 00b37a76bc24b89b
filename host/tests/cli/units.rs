//! `backfill source units`: what an upstream knows, looked through, written down, and registered.

use std::time::{Duration, Instant};

use serde_json::Value;
use simulator::{Options, Simulator};

use crate::{
    support::{
        Upstream, guest, plugin, text,
        work_folder::{Ran, WorkFolder, source_at},
    },
    two,
};

async fn elexon(made: usize) -> (Simulator, WorkFolder) {
    let simulator = simulator::start(Options { elexon_units: made, ..Options::default() }).await.unwrap();
    let folder = WorkFolder::new(&source_at("elexon", &simulator.url(), ""));
    (simulator, folder)
}

/// `backfill source units elexon …`
async fn units(folder: &WorkFolder, more: &[&str]) -> Ran {
    folder.backfill(&[&["--log", "error", "source", "units", "elexon"], more].concat()).await
}

fn codes(printed: &Ran) -> Vec<String> {
    let document: Value = serde_json::from_str(&printed.out).unwrap();
    let units = document["units"].as_array().unwrap();
    units.iter().map(|unit| unit["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_catalogue_is_searched_without_making_a_database() {
    let (_simulator, folder) = elexon(20).await;
    let all = units(&folder, &["--format", "json"]).await.succeeded();
    assert_eq!(
        codes(&all).len(),
        12 + 20,
        "the supplier, the interconnector and the second row are no units"
    );
    let picked = async |more: &[&str]| {
        codes(&units(&folder, &[&["--format", "json"], more].concat()).await.succeeded())
    };
    assert_eq!(picked(&["--filter", "hornsea 1 a"]).await, ["T_HOWAO-1"]);
    assert_eq!(picked(&["--attribute", "fuel_type=biomass"]).await, ["T_DRAXX-1"]);
    let wind = picked(&["--wind"]).await;
    assert_eq!(wind.len(), 11 + 20);
    assert!(wind.contains(&"T_HAGHW-2".to_owned()), "wind without a fuel type is wind");
    assert_eq!(picked(&["--wind", "--attribute", "site=HOWAO"]).await.len(), 3);
    let table = units(&folder, &["--filter", "drax"]).await.succeeded();
    assert!(table.out.contains("T_DRAXX-1") && table.out.contains("645"), "{}", table.out);
    assert_eq!(table.last_line(), "1 of 32 units");
    assert!(!folder.path(".backfill/backfill.db").exists(), "looking makes no database");
}

#[tokio::test]
async fn what_is_written_as_csv_is_what_import_reads() {
    let (_simulator, folder) = elexon(3).await;
    let csv = units(&folder, &["--wind", "--format", "csv"]).await.succeeded();
    assert!(csv.out.starts_with("windfarm,source,code,name,capacity_mw,"), "{}", csv.out);
    folder.import(&csv.out).await;
    assert_eq!(folder.count("SELECT COUNT(*) FROM generation_units").await, 14);
    for by_site in [&["--wind", "--import"][..], &["--wind", "--import", "--group-by"]] {
        let again = units(&folder, by_site).await.succeeded();
        assert_eq!(
            again.out,
            "windfarms: 0 created, 0 updated, 10 unchanged\nunits: 0 created, 0 updated, 14 unchanged\n"
        );
    }
    let once_more = units(&folder, &["--wind", "--format", "csv"]).await.succeeded();
    assert_eq!(once_more.out, csv.out);
}

#[tokio::test]
async fn an_import_that_names_no_wind_farm_makes_one_for_each_site() {
    let (_simulator, folder) = elexon(0).await;
    let done = units(&folder, &["--filter", "HOWAO", "--import"]).await.succeeded();
    assert_eq!(
        done.out,
        "windfarms: 1 created, 0 updated, 0 unchanged\nunits: 3 created, 0 updated, 0 unchanged\n"
    );
    assert_eq!(folder.count("SELECT COUNT(*) FROM windfarms WHERE name = 'HOWAO'").await, 1);
}

#[tokio::test]
async fn imported_units_can_be_fetched_at_once() {
    let (_simulator, folder) = elexon(3).await;
    let (to, dry) = (["--filter", "HOWAO", "--import", "--windfarm", "Hornsea One"], "--dry-run");
    let would = units(&folder, &[&to[..], &[dry]].concat()).await.succeeded();
    assert_eq!(
        would.out,
        "Hornsea One: T_HOWAO-1, T_HOWAO-2, T_HOWAO-3\nnothing was changed; an import would come to:\n\
         windfarms: 1 created, 0 updated, 0 unchanged\nunits: 3 created, 0 updated, 0 unchanged\n"
    );
    assert_eq!(folder.count("SELECT COUNT(*) FROM windfarms").await, 0);
    let done = "windfarms: 1 created, 0 updated, 0 unchanged\nunits: 3 created, 0 updated, 0 unchanged\n";
    assert_eq!(units(&folder, &to).await.succeeded().out, done);
    let again = "windfarms: 0 created, 0 updated, 1 unchanged\nunits: 0 created, 0 updated, 3 unchanged\n";
    assert_eq!(units(&folder, &to).await.succeeded().out, again);
    let ran = folder.run("Hornsea One", "2024-01", "2024-01").await.succeeded();
    assert_eq!((ran.figure("tasks"), ran.figure("completed")), (3, 3), "{}", ran.out);
    let known = units(&folder, &["--filter", "T_HOWAO-1"]).await.succeeded();
    assert!(known.out.contains("Hornsea One"), "{}", known.out);
    assert_eq!(folder.count("SELECT COUNT(*) FROM answers").await, 3 * 2 + 1, "one list was asked for");
}

#[tokio::test]
async fn a_unit_that_people_have_placed_and_named_stays_so() {
    let (_simulator, folder) = elexon(0).await;
    folder.import("windfarm,source,code,name,mine\nMy farm,elexon,T_HOWAO-2,Turbines in the north,x\n").await;
    let import = ["--attribute", "site=HOWAO", "--import", "--windfarm", "GB {site}"];
    let done = units(&folder, &import).await.succeeded();
    assert!(
        done.err.contains("stay in the wind farms that they are registered in: T_HOWAO-2"),
        "{}",
        done.err
    );
    assert!(done.out.ends_with("units: 2 created, 1 updated, 0 unchanged\n"), "{}", done.out);
    let csv = units(&folder, &["--attribute", "site=HOWAO", "--format", "csv"]).await.succeeded();
    let mine = csv.out.lines().find(|line| line.contains("T_HOWAO-2")).unwrap();
    assert!(mine.starts_with("My farm,elexon,T_HOWAO-2,Turbines in the north,400,"), "{mine}");
    assert_eq!(csv.out.matches("GB HOWAO,elexon").count(), 2, "{}", csv.out);
}

#[tokio::test]
async fn many_thousand_units_are_listed_fast_and_a_closed_pager_ends_it_quietly() {
    let (_simulator, folder) = elexon(8000).await;
    units(&folder, &["--format", "json"]).await.succeeded();
    let began = Instant::now();
    let listed = units(&folder, &[]).await.succeeded();
    assert_eq!(listed.last_line(), "8012 of 8012 units");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?} for a debug build", began.elapsed());
    let binary = env!("CARGO_BIN_EXE_backfill");
    let piped = format!("{binary:?} --log error source units elexon --format csv | head -1");
    let mut shell = tokio::process::Command::new("sh");
    let ran = Ran::of(shell.args(["-c", &piped]).current_dir(folder.root()).output().await.unwrap());
    assert!(ran.out.starts_with("windfarm,source,code"), "{}", ran.out);
    assert_eq!(ran.err, "");
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (simulator, folder) = elexon(0).await;
    let both = ["--import", "--windfarm", "Mine", "--group-by"];
    assert_eq!(units(&folder, &both).await.code, Some(2));
    assert_eq!(units(&folder, &["--dry-run"]).await.code, Some(2));
    assert_eq!(units(&folder, &["--import", "--windfarm", "{site"]).await.code, Some(2));
    let lacking = units(&folder, &["--import", "--group-by", "plant"]).await.failed();
    assert!(
        lacking.err.contains("nothing was imported: no \"plant\" to group by: T_HOWAO-1, "),
        "{}",
        lacking.err
    );
    assert_eq!(folder.count("SELECT COUNT(*) FROM windfarms").await, 0);
    drop(simulator);
    let kept = units(&folder, &["--format", "json"]).await.succeeded();
    assert_eq!(codes(&kept).len(), 12, "with a database the kept answer serves");
    let (simulator, folder) = elexon(0).await;
    simulator.set_faults(vec!["kind=status,status=503".parse().unwrap()]);
    let away = units(&folder, &["--format", "json"]).await;
    assert_eq!((away.code, away.out.contains("\"unavailable\"")), (Some(3), true), "{}", away.out);
    let none = two().backfill(&["source", "units", "nowhere"]).await.failed();
    assert!(none.err.contains("no source \"nowhere\""), "{}", none.err);
}

#[tokio::test]
async fn a_component_that_no_configuration_names_lists_its_units() {
    let simulator = simulator::start(Options::default()).await.unwrap();
    let folder = WorkFolder::new("");
    let (file, base) = (plugin("elexon"), format!("base_url={}", simulator.url()));
    let command = ["source", "units", file.to_str().unwrap(), "--set", &base];
    let listed = folder.backfill(&[&command[..], &["--wind"]].concat()).await.succeeded();
    assert_eq!(listed.last_line(), "31 of 32 units");
    let refused = folder.backfill(&[&command[..], &["--import", "--group-by"]].concat()).await.failed();
    assert!(refused.err.contains("is no source of the configuration"), "{}", refused.err);
}

#[tokio::test]
async fn a_catalogue_of_anybodys_is_held_to_the_rules_of_the_registry() {
    let upstream = Upstream::start(|_| text(200, "north,12.5\nnorth,9\nso/uth,1\n,2\neast,-1\n")).await;
    let url = upstream.url();
    let folder = WorkFolder::new(&format!(
        "[[source]]\nid = \"parks\"\ncomponent = {:?}\nhosts = [{url:?}]\n[source.settings]\nbase_url = {url:?}\n",
        guest("fifth")
    ));
    let import = async |more: &[&str]| {
        let command = ["source", "units", "parks", "--import", "--windfarm", "Parks"];
        folder.backfill(&[&command[..], more].concat()).await
    };
    let refused = import(&[]).await.failed();
    for why in [
        "unit \"so/uth\" of parks: a park's name has no slash",
        "unit \"\" of parks: code: expected 1 to 500 characters",
        "unit \"east\" of parks: capacity_mw: expected MW above 0",
    ] {
        assert!(refused.err.contains(why), "{}", refused.err);
    }
    assert_eq!(folder.count("SELECT COUNT(*) FROM windfarms").await, 0);
    let done = import(&["--filter", "north"]).await.succeeded();
    assert!(done.err.contains("listed more than once, of which the first is taken: north"), "{}", done.err);
    assert!(done.out.contains("units: 1 created"), "{}", done.out);
}
