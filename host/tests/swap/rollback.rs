//! Back to a component that ran before.

use crate::{Component, World, host::Host};

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
