//! `require_conformance`: what does not pass is not used, and what has passed is not checked again.

use std::sync::{Arc, Mutex};

use backfill::{
    config,
    egress::{LocalAllowance, Shared},
    source::{Engine, Examine, Examined, Registry},
};
use futures::FutureExt;
use tempfile::TempDir;

use crate::{
    Component, World,
    support::{engine, manifest},
};

/// A folder with a configuration and a component, and what was examined.
struct Folder {
    folder: TempDir,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Folder {
    fn new() -> Self {
        let examined = Self { folder: tempfile::tempdir().unwrap(), seen: Arc::default() };
        examined.put(&Component::first());
        examined.configure("require_conformance = true\nconformance_cases = \"cases\"");
        std::fs::create_dir_all(examined.folder.path().join("cases/one")).unwrap();
        examined.write_case("month = 1");
        examined
    }

    fn put(&self, component: &Component) {
        std::fs::write(self.folder.path().join("parks.wasm"), &component.bytes).unwrap();
    }

    fn write_case(&self, text: &str) {
        std::fs::write(self.folder.path().join("cases/one/case.toml"), text).unwrap();
    }

    fn configure(&self, more: &str) {
        let text = format!("[[source]]\nid = \"parks\"\ncomponent = \"parks.wasm\"\n{more}\n");
        std::fs::write(self.folder.path().join("backfill.toml"), text).unwrap();
    }

    fn config(&self) -> config::Config {
        config::load(&self.folder.path().join("backfill.toml"), &|_| None).unwrap()
    }

    /// An engine that keeps components here, whose examiner lets pass all but 0.2.0.
    fn engine(&self) -> Engine {
        let seen = Arc::clone(&self.seen);
        let examine: Examine = Arc::new(move |source, cases| {
            assert!(cases.unwrap().ends_with("cases"));
            let version = source.description().version.clone();
            seen.lock().unwrap().push(version.clone());
            let failed =
                if version == "0.2.0" { vec!["tiling: a gap of an hour".to_owned()] } else { vec![] };
            let skipped = vec!["month.first".to_owned()];
            async move { Ok(Examined { passed: 47, skipped, failed }) }.boxed()
        });
        engine().clone().keeping(&self.folder.path().join("components")).examining(examine)
    }

    async fn registry(&self) -> Registry {
        let shared = Shared::new(Arc::<LocalAllowance>::default());
        Registry::load(&self.config(), &|_| None, &self.engine(), &shared).await
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_has_passed_is_remembered_by_component_and_cases() {
    let world = Folder::new();
    for _ in 0..2 {
        let parks = world.registry().await.entry("parks").unwrap();
        assert!(parks.usable().is_some());
        let told = parks.conformance.unwrap().to_string();
        assert_eq!(told, "47 checks passed, 1 skipped (month.first)", "known without checking too");
    }
    assert_eq!(world.seen(), ["0.1.0"], "a start does not check it again");
    world.write_case("month = 2");
    assert!(world.registry().await.get("parks").unwrap().is_ok());
    assert_eq!(world.seen(), ["0.1.0", "0.1.0"], "other cases may show something else");
    world.put(&Component::third());
    assert!(world.registry().await.get("parks").unwrap().is_ok());
    assert_eq!(world.seen().last().unwrap(), "0.3.0");
}

#[tokio::test]
async fn what_does_not_pass_neither_starts_nor_takes_over() {
    let world = Folder::new();
    let registry = world.registry().await;
    world.put(&Component::second());
    registry.apply(&world.config(), &|_| None, &[]).await;
    let entry = registry.entry("parks").unwrap();
    assert_eq!(entry.usable().unwrap().digest(), Component::first().digest, "the old one stays");
    let refused = entry.refused.unwrap();
    assert!(refused.why.contains("does not pass 1 of the conformance checks"), "{}", refused.why);
    assert!(refused.why.contains("tiling: a gap of an hour"), "{}", refused.why);
    assert_eq!(refused.digest.as_deref(), Some(&*Component::second().digest));
    assert!(world.registry().await.get("parks").unwrap().is_err());

    world.configure("");
    registry.apply(&world.config(), &|_| None, &[]).await;
    let entry = registry.entry("parks").unwrap();
    assert_eq!(entry.usable().unwrap().digest(), Component::second().digest, "nobody demands it any more");
}

#[tokio::test]
async fn where_nobody_can_examine_it_a_source_that_must_pass_is_not_used() {
    let world = Folder::new();
    let shared = Shared::new(Arc::<LocalAllowance>::default());
    let registry = Registry::load(&world.config(), &|_| None, engine(), &shared).await;
    let why = registry.get("parks").unwrap().err().unwrap().to_string();
    assert!(why.starts_with("require_conformance: "), "{why}");
}

#[tokio::test]
async fn without_a_made_up_upstream_nothing_counts_as_conforming() {
    let world = World::new().await;
    std::fs::create_dir_all(world.folder.path("cases/one")).unwrap();
    world.folder.write("cases/one/case.toml", "");
    for (more, hint) in [
        ("", "conformance_cases names no folder, so that no month can be checked"),
        ("conformance_cases = \"cases\"", "cases has no upstream.toml, so that no month can be checked"),
    ] {
        world.configure(&format!("require_conformance = true\n{more}"));
        let checked = world.folder.backfill(&["config", "check"]).await.failed();
        assert!(checked.out.contains(hint) && checked.out.contains("docs/conformance.md"), "{}", checked.out);
    }
}

#[tokio::test]
async fn the_host_itself_examines_by_the_checks_of_the_kit_and_says_how_many_there_were() {
    let world = World::new().await;
    let cases = manifest("tests/guests/fifth/cases");
    world.configure(&format!("require_conformance = true\nconformance_cases = {cases:?}"));
    world.folder.backfill(&["config", "check"]).await.succeeded();
    let listed = world.folder.backfill(&["source", "list"]).await.succeeded();
    // A table breaks its lines.
    let words: Vec<_> = listed.out.split(|c: char| c.is_whitespace() || c == '│').collect();
    assert!(words.contains(&"checks") && words.contains(&"passed,"), "{}", listed.out);
    assert!(listed.err.contains("the component conforms, as was checked before: "), "{}", listed.err);
    world.put(&Component::third());
    let checked = world.folder.backfill(&["config", "check"]).await.failed();
    assert!(checked.out.contains("of the conformance checks"), "{}", checked.out);
    assert!(checked.out.contains(Component::third().short()), "{}", checked.out);
}
