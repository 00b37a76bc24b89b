//! What `source new` does not do.

use crate::project::Workshop;

#[tokio::test]
async fn a_folder_that_is_there_is_left_as_it_is() {
    let workshop = Workshop::new();
    std::fs::create_dir(workshop.path("mine")).unwrap();
    let refused = workshop.sh(".", "backfill source new mine").await.failed();
    assert!(
        refused.err.contains("mine is there already") && refused.err.contains("--dir"),
        "{}",
        refused.err
    );
    assert_eq!(std::fs::read_dir(workshop.path("mine")).unwrap().count(), 0);
    workshop.sh(".", "backfill source new mine --dir other/place").await.succeeded();
    assert!(workshop.path("other/place/Cargo.toml").is_file());
}

#[tokio::test]
async fn a_name_is_an_id_and_fetch_is_of_javascript() {
    let workshop = Workshop::new();
    for name in ["Mine", "my_source", "../mine", "2mine"] {
        let refused = workshop.sh(".", &format!("backfill source new {name}")).await;
        assert_eq!(refused.code, Some(2), "{name}");
        assert!(refused.err.contains("is not an id; expected a lower-case letter"), "{}", refused.err);
    }
    let refused = workshop.sh(".", "backfill source new mine --lang python --fetch").await.failed();
    assert!(refused.err.contains("--lang javascript --fetch"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(workshop.path(".")).unwrap().count(), 0, "nothing is made by halves");
}

#[tokio::test]
async fn the_contract_in_a_project_is_this_hosts_and_nothing_in_it_is_called_as_the_template() {
    let workshop = Workshop::new();
    for arguments in ["", "--lang python", "--lang javascript", "--lang javascript --fetch"] {
        let line =
            format!("rm -rf mine && backfill source new mine {arguments} && ! grep -rniE 'my.source' mine");
        workshop.sh(".", &line).await.succeeded();
        let own = std::fs::read(workshop.path("mine/wit/source.wit")).unwrap();
        assert_eq!(own, std::fs::read(crate::support::manifest("../wit/source.wit")).unwrap());
        let contract = std::fs::read_dir(workshop.path("mine/wit")).unwrap();
        assert_eq!(contract.count(), 2, "source.wit and CHANGES.md");
        assert!(workshop.path("mine/.gitignore").is_file() && workshop.path("mine/README.md").is_file());
    }
}
