//! What recording and replaying refuse, and how they say so.

use std::fs;

use backfill::kit::cases::Cases;

use crate::{
    parks,
    support::{Upstream, guest, work_folder::WorkFolder},
};

#[tokio::test]
async fn a_case_is_never_overwritten_unless_that_is_asked_for() {
    let upstream = Upstream::start(parks).await;
    let folder = WorkFolder::bare("");
    let (fifth, set) = (guest("fifth"), format!("base_url={}", upstream.url()));
    let fetch =
        ["source", "fetch", fifth.to_str().unwrap(), "--code", "north", "--month", "2024-02", "--set", &set];
    let record =
        async |more: &[&str]| folder.backfill(&[&fetch[..], &["--record", "cases"], more].concat()).await;
    record(&[]).await.succeeded();
    let case = folder.path("cases/fifth-north-2024-02");
    fs::write(case.join("notes.txt"), "mine").unwrap();
    let again = record(&[]).await.failed();
    assert!(
        again.err.contains("is there already; --case NAME chooses another name, --force"),
        "{}",
        again.err
    );
    assert_eq!(upstream.asked().len(), 1, "nobody was asked in vain");
    assert!(case.join("notes.txt").exists());
    record(&["--case", "two"]).await.succeeded();
    record(&["--force"]).await.succeeded();
    assert!(!case.join("notes.txt").exists() && case.join("expected.json").exists());
    let outside = record(&["--case", "../outside"]).await.failed();
    assert!(outside.err.contains("such as \"outside\""), "{}", outside.err);
    let mut left: Vec<_> =
        fs::read_dir(folder.path("cases")).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["fifth-north-2024-02", "two"], "nothing half-made is left");
}

#[tokio::test]
async fn a_component_file_has_no_credential_and_must_be_there() {
    let folder = WorkFolder::bare("");
    let fifth = guest("fifth");
    let fetch = ["source", "fetch", "--code", "north", "--month", "2024-02"];
    let credential = [fifth.to_str().unwrap(), "--credential", "env:CANARY"];
    let refused = folder.backfill(&[&fetch[..], &credential].concat()).await.failed();
    assert!(refused.err.contains("name it in backfill.toml with `credential`"), "{}", refused.err);
    let missing = folder.backfill(&[&fetch[..], &["nowhere.wasm"]].concat()).await.failed();
    assert!(missing.err.contains("nowhere.wasm: No such file"), "{}", missing.err);
}

#[test]
fn every_problem_of_every_case_is_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let good = "month = \"2024-02\"\nclock = \"2024-03-01T00:00:00Z\"\n[unit]\ncode = \"north\"\n";
    write("upstream.toml", "is no case, and not of this module");
    write("a/case.toml", &good.replace("2024-02", "2024-13"));
    write("b/case.toml", &good.replace("[unit]", "wether = 1\n[unit]"));
    write("b/expected.json", "{\n  \"series\": [],\n  \"wrong\": 1\n}\n");
    write("c/case.toml", good);
    write("c/answers/001.toml", "status = 200\n[request]\nmethod = \"GET\"\nurl = \"parks\"\n");
    write("c/answers/002.toml", "status = 200\n[request]\nmethod = \"GET\"\nurl = \"https://parks.org/\"\n");
    write("c/answers/003.toml", "[request]\nmethod = \"PUT\"\nurl = \"https://parks.org/\"\n");
    write("d/answers/001.body", "");
    write("e/case.toml", &good.replace("code = \"north\"", "code = \"\""));
    write("f/case.toml", "clock = \"2024-03-01T00:00:00Z\"\n");
    let problems = Cases::open(folder.path()).unwrap_err().to_string();
    let problems = problems.replace(folder.path().to_str().unwrap(), "cases");
    let found: Vec<_> = problems.lines().collect();
    let expected = [
        "cases/a/case.toml:1: \"2024-13\" is not a month",
        "cases/b/case.toml:3: unknown field `wether`",
        "cases/b/expected.json:3: unknown field `wrong`",
        "cases/c/answers/001.toml:4: no source may ask this",
        "cases/c/answers/002.toml: the answer has no body: cases/c/answers/002.body is missing",
        "cases/c/answers/003.toml:2: unknown variant `PUT`",
        "cases/d/case.toml: is missing; every folder here is a case",
        "cases/e/case.toml: unit \"\": code: expected 1 to 500 characters",
        "cases/f/case.toml: expected either [unit] and `month`",
    ];
    assert_eq!(found.len(), expected.len(), "{problems}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}
