//! Back to a component that ran before.

use crate::{
    Component, World,
    host::Host,
    support::{manifest, work_folder::Ran},
};

async fn rollback(world: &World, more: &[&str]) -> Ran {
    world.folder.backfill(&[&["source", "rollback", "parks"], more].concat()).await
}

#[tokio::test]
async fn the_one_before_comes_back_and_a_named_one_and_the_pin_follows() {
    let world = World::new().await;
    let (first, second, third) = (Component::first(), Component::second(), Component::third());
    let mut host = Host::start(&world.folder, &["worker"]).await;
    for (component, version) in [(&second, "0.2.0"), (&third, "0.3.0")] {
        world.put(component);
        host.says(&format!("new attempts use {version}")).await;
    }
    let versions: Vec<_> = world
        .versions()
        .await
        .iter()
        .map(|version| version["version"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(versions, ["0.3.0", "0.2.0", "0.1.0"]);

    let back = world.folder.backfill(&["source", "rollback", "parks"]).await.succeeded();
    assert!(back.out.contains("goes back to 0.2.0"), "{}", back.out);
    host.says("new attempts use 0.2.0").await;
    assert_eq!(std::fs::read(world.component()).unwrap(), second.bytes);

    let named = &first.digest[..8];
    let pin = format!("sha256   =   {:?} # ours", second.digest);
    world.configure(&pin);
    host.says("configured anew").await;
    world.folder.backfill(&["source", "rollback", "parks", named]).await.succeeded();
    host.says("new attempts use 0.1.0").await;
    let text = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    assert!(
        text.contains("# The parks.") && text.contains(&pin.replace(&second.digest, &first.digest)),
        "{text}"
    );

    for (digest, hint) in [("ffffffff", "ran with no component"), (named, "is the one that")] {
        let refused = world.folder.backfill(&["source", "rollback", "parks", digest]).await.failed();
        assert!(
            refused.err.contains(hint) && refused.err.contains("source versions parks"),
            "{}",
            refused.err
        );
    }
    let unknown = world.folder.backfill(&["source", "rollback", "nobody"]).await.failed();
    assert!(unknown.err.contains("has no source \"nobody\"; it has parks"), "{}", unknown.err);
}

#[tokio::test]
async fn away_from_one_that_never_ran_leads_to_the_one_that_runs_and_nothing_is_lost() {
    let world = World::new().await;
    let first = Component::first();
    let mut host = Host::start(&world.folder, &["worker"]).await;
    std::fs::write(world.component(), "a mistake").unwrap();
    host.says("refused, so that").await;
    let back = world.folder.backfill(&["source", "rollback", "parks"]).await.succeeded();
    assert!(back.out.contains("goes back to 0.1.0") && back.out.contains("it is kept as"), "{}", back.out);
    host.says("nothing is refused any more").await;
    assert_eq!(std::fs::read(world.component()).unwrap(), first.bytes);
    let aside = world.folder.path(".backfill/components/replaced");
    let aside = std::fs::read_dir(aside).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read(aside).unwrap(), b"a mistake");
}

#[tokio::test]
async fn a_kept_component_that_was_damaged_is_not_gone_back_to() {
    let world = World::new().await;
    let (first, second) = (Component::first(), Component::second());
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.put(&second);
    host.says("new attempts use 0.2.0").await;
    let kept = world.folder.path(&format!(".backfill/components/{}.wasm", first.digest));
    std::fs::write(kept, &first.bytes[..100]).unwrap();
    let refused = world.folder.backfill(&["source", "rollback", "parks"]).await.failed();
    assert!(refused.err.contains("it can't be used with what the configuration says"), "{}", refused.err);
    assert_eq!(std::fs::read(world.component()).unwrap(), second.bytes, "nothing was written");
}

#[tokio::test]
async fn of_two_sources_with_one_file_the_named_one_alone_goes_back() {
    let world = World::new().await;
    let (first, second) = (Component::first(), Component::second());
    world.write_config("parks.wasm", "", &world.second_source("parks.wasm"));
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.put(&second);
    for _ in ["parks", "others"] {
        host.says("new attempts use 0.2.0").await;
    }
    let back = rollback(&world, &[]).await.succeeded();
    assert!(back.out.contains("parks.wasm stays as it is, since others runs with it too"), "{}", back.out);
    let said = host.says("new attempts use 0.1.0").await;
    assert!(said.contains("parks"), "{said}");
    let own = format!("parks-{}.wasm", first.short());
    assert_eq!(std::fs::read(world.folder.path(&own)).unwrap(), first.bytes);
    assert_eq!(std::fs::read(world.component()).unwrap(), second.bytes);
    let text = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    let named = |name: &str| text.matches(&format!("component = {name:?}")).count();
    assert_eq!((named(&own), named("parks.wasm")), (1, 1), "{text}");
}

#[tokio::test]
async fn what_a_running_host_would_refuse_is_not_gone_back_to() {
    let world = World::new().await;
    let (first, third) = (Component::first(), Component::third());
    let of_another_zone = Component::second().with("areUTC2020", "areCET2020");
    for component in [&third, &first, &of_another_zone] {
        // A start takes what a running host would not.
        world.put(component);
        let mut host = Host::start(&world.folder, &["worker"]).await;
        host.signal("-TERM");
        assert_eq!(host.ended().await, Some(0));
    }
    let refused = rollback(&world, &[&first.digest]).await.failed();
    assert!(refused.err.contains("months that are stored whole would not be"), "{}", refused.err);
    assert!(refused.err.contains("components/"), "where its file is: {}", refused.err);
    assert_eq!(std::fs::read(world.component()).unwrap(), of_another_zone.bytes, "nothing was written");

    world.put(&first);
    let mut host = Host::start(&world.folder, &["worker"]).await;
    host.signal("-TERM");
    host.ended().await;
    let cases = manifest("tests/guests/fifth/cases");
    world.configure(&format!("require_conformance = true\nconformance_cases = {cases:?}"));
    let refused = rollback(&world, &[&third.digest]).await.failed();
    assert!(refused.err.contains("of the conformance checks"), "{}", refused.err);
    assert_eq!(std::fs::read(world.component()).unwrap(), first.bytes, "nothing was written");
}

#[tokio::test]
async fn a_digest_is_never_written_beside_an_address_that_it_was_never_at() {
    let world = World::new().await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    host.signal("-TERM");
    assert_eq!(host.ended().await, Some(0));
    let (second, pin) = (Component::second(), |digest: &str| format!("sha256 = {digest:?}"));
    world.write_config("{ url = \"https://example.org/parks.wasm\" }", &pin(&second.digest), "");
    let before = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    let refused = rollback(&world, &[]).await.failed();
    assert!(refused.err.contains("nobody knows the address of"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap(), before);
}
