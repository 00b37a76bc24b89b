//! `backfill config check`, `backfill source list`, and what a faulty configuration does to the other commands.

use crate::{
    support::{
        guest, plugin,
        work_folder::{WorkFolder, source_at},
    },
    two, two_sources,
};

#[tokio::test]
async fn a_configuration_without_fault_is_said_to_have_none() {
    let folder = WorkFolder::new(&source_at("elexon", "http://127.0.0.1:1", ""));
    let checked = folder.backfill(&["config", "check"]).await.succeeded();
    assert_eq!(checked.out, "backfill.toml: no problem; 1 sources can be used\n");
}

#[tokio::test]
async fn all_problems_are_printed_at_once_each_with_file_and_line() {
    let folder = WorkFolder::bare(
        "[database]\nurl = \"mysql://db\"\n[worker]\nconcurency = 4\n[[source]]\nid = \"x\"\nrate = \"fast\"\n",
    );
    let checked = folder.backfill(&["config", "check"]).await.failed();
    let lines: Vec<_> = checked.out.lines().collect();
    let expected = [
        "backfill.toml:2:7: database.url: \"mysql://db\"",
        "backfill.toml:4:1: worker.concurency: unknown key; did you mean \"concurrency\"?",
        "backfill.toml:5:1: source[0].component: is missing",
        "backfill.toml:7:8: source[0].rate: \"fast\" is not a rate",
    ];
    assert_eq!(lines.len(), expected.len(), "{}", checked.out);
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    // Other commands do not begin to work with it, and say the same.
    for command in [&["import", "registry.csv"][..], &["source", "list"], &["export", "--format", "csv"]] {
        let refused = folder.backfill(command).await.failed();
        assert!(lines.iter().all(|line| refused.err.contains(line)), "{}", refused.err);
        assert!(!folder.path(".backfill").exists(), "nothing is made for a configuration that can't be used");
    }
}

#[tokio::test]
async fn what_keeps_a_source_from_running_is_a_problem_with_its_line_as_well() {
    let folder = WorkFolder::new(&format!(
        "{}[[source]]\nid = \"gone\"\ncomponent = \"gone.wasm\"\n\
         [[source]]\nid = \"text\"\ncomponent = \"text.wasm\"\n\
         [[source]]\nid = \"other\"\ncomponent = {:?}\nsha256 = \"{}\"\n\
         [[source]]\nid = \"set\"\ncomponent = {:?}\n[source.settings]\nbse_url = \"http://127.0.0.1:1\"\n",
        two_sources(),
        guest("fifth"),
        "0".repeat(64),
        guest("fifth"),
    ));
    folder.write("text.wasm", "<html>not found</html>");
    let checked = folder.backfill(&["config", "check"]).await.failed();
    let line = |holding: &str| {
        let found: Vec<_> = checked.out.lines().filter(|line| line.contains(holding)).collect();
        assert_eq!(found.len(), 1, "{holding}: {}", checked.out);
        assert!(found[0].starts_with("backfill.toml:"), "{}", found[0]);
        found[0].to_owned()
    };
    assert!(line("NOT_SET_ANYWHERE").contains("source[1].credential"));
    assert!(line("gone.wasm").contains("source[2].component"));
    assert!(line("text.wasm").contains("not a WebAssembly file"));
    assert!(line("source[4].sha256").contains("digest"));
    assert!(line("bse_url").contains("base_url"));
    assert_eq!(checked.out.lines().count(), 5, "{}", checked.out);
}

#[tokio::test]
async fn the_list_of_sources_says_of_each_whether_it_can_be_used_and_which_settings_it_has() {
    let folder = two();
    let listed = folder.backfill(&["source", "list"]).await.failed();
    let row =
        |id: &str| listed.out.lines().find(|line| line.trim_start().starts_with(id)).unwrap().to_owned();
    assert!(row("elexon").contains("ready") && row("elexon").contains("2019-01"), "{}", row("elexon"));
    assert!(listed.out.contains("NOT_SET_ANYWHERE"), "{}", listed.out);
    assert!(listed.out.contains("datasets: What to ask for"), "{}", listed.out);

    let folder = WorkFolder::new(&source_at("taipower", "http://127.0.0.1:1", ""));
    let listed = folder.backfill(&["source", "list"]).await.succeeded();
    assert!(listed.out.contains("collects") && listed.out.contains("Asia/Taipei"), "{}", listed.out);
}

#[tokio::test]
async fn a_missing_credential_stops_its_own_source_alone() {
    let simulator = simulator::start(simulator::Options::default()).await.unwrap();
    let url = simulator.url();
    let folder = WorkFolder::new(&format!(
        "{}[[source]]\nid = \"eia\"\ncomponent = {:?}\nhosts = [{url:?}]\n\
         credential = {{ query = \"api_key\", from = \"env:NOT_SET_ANYWHERE\" }}\n[source.settings]\nbase_url = {url:?}\n",
        source_at("elexon", &url, ""),
        plugin("eia"),
    ));
    folder.import("windfarm,source,code\nBoth,elexon,T_HOWAO-1\nBoth,eia,61014\n").await;
    let both = folder.run("Both", "2024-02", "2024-02").await.failed();
    assert_eq!((both.figure("completed"), both.figure("failed")), (1, 1));
    let told = both.out.lines().find(|line| line.contains("61014 2024-02: ")).unwrap();
    assert!(told.contains("source-unusable") && told.contains("NOT_SET_ANYWHERE"), "{told}");
    let one = ["run", "--windfarm", "Both", "--source", "elexon", "--from", "2024-02", "--to", "2024-02"];
    folder.backfill(&one).await.succeeded();
    assert!(simulator.log().iter().all(|entry| entry.api == "elexon"));
}

#[tokio::test]
async fn a_configuration_that_is_not_there_is_named() {
    let folder = WorkFolder::new("");
    let missing = folder.backfill(&["--config", "elsewhere.toml", "config", "check"]).await.failed();
    assert!(missing.out.contains("elsewhere.toml: cannot be read"), "{}", missing.out);
}
