//! What changes takes effect without a restart, for new attempts alone.

use crate::{Component, SECOND, World, host::Host};

#[tokio::test]
async fn an_attempt_ends_on_the_component_that_it_began_with_and_the_next_one_has_the_new() {
    let world = World::new().await;
    world.units(1).await;
    let (first, third) = (Component::first(), Component::third());
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.open.send_replace(false);
    let running = world.job("2024-01", "2024-01").await;
    world.asked(1).await;

    world.put(&third);
    let said = host.says("new attempts use 0.3.0").await;
    assert!(
        said.contains(third.short()) && said.contains(&format!("end on 0.1.0 ({})", first.short())),
        "{said}"
    );
    let next = world.job("2024-02", "2024-02").await;
    world.asked(2).await;
    world.open.send_replace(true);
    for job in [running, next] {
        let done = world.ended(&job).await;
        assert_eq!(done["job"]["completed_tasks"], 1, "{done:#}");
    }
    assert_eq!([world.attempts(&first).await, world.attempts(&third).await], [1, 1]);
    let stored: Vec<_> = world.folder.stored().await.iter().map(|row| row.value).collect();
    assert_eq!(stored, [0.0, 1.0, SECOND, SECOND + 1.0], "January of the first, February of the third");
    let versions = world.versions().await;
    let active: Vec<_> =
        versions.iter().map(|v| (v["version"].as_str().unwrap(), v["active"] == true)).collect();
    assert_eq!(active, [("0.3.0", true), ("0.1.0", false)], "{versions:#?}");
}

#[tokio::test]
async fn another_digest_is_enough_and_a_hangup_makes_it_look_at_once() {
    let world = World::new().await;
    world.units(1).await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let noted = Component::first().with_section("built on a Tuesday");
    std::fs::write(world.component(), &noted.bytes).unwrap();
    host.signal("-HUP");
    let said = host.says("new attempts use").await;
    assert!(said.contains(noted.short()), "{said}");
    let job = world.job("2024-01", "2024-01").await;
    world.ended(&job).await;
    assert_eq!(world.attempts(&noted).await, 1);
    host.signal("-TERM");
    assert_eq!(host.ended().await, Some(0), "a hangup is no end");
}

#[tokio::test]
async fn sources_come_go_and_are_configured_anew_and_other_sections_wait_for_a_restart() {
    let world = World::new().await;
    world.units(1).await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let more = format!(
        "[[source]]\nid = \"others\"\ncomponent = \"parks.wasm\"\nhosts = [{0:?}]\n[source.settings]\nbase_url = {0:?}\n\
         [server]\nlisten = \"127.0.0.1:1\"\n",
        world.upstream.url()
    );
    world.write_config("parks.wasm", "concurrency_is = 0", &more);
    let said = host.says("source[0].concurrency_is").await;
    assert!(said.contains("backfill.toml:10:1"), "the line is told: {said}");
    host.says("the configuration is refused").await;

    world.write_config("parks.wasm", "rate = \"1000/s\"", &more);
    host.says("[server]: this takes effect after a restart").await;
    let (mut anew, mut loaded) = (false, false);
    while !(anew && loaded) {
        let said = host.says("\"source\":").await;
        anew |= said.contains("parks") && said.contains("configured anew");
        loaded |= said.contains("others") && said.contains("the source is loaded");
    }

    world.folder.import("windfarm,source,code\nRidge,others,park-7\n").await;
    world.open.send_replace(false);
    let job = world.job("2024-01", "2024-01").await;
    world.asked(2).await;
    // Its attempt runs; nothing more of it is claimed.
    world.configure("");
    host.says("the configuration leaves the source out").await;
    world.open.send_replace(true);
    let done = world.ended(&job).await;
    assert_eq!(done["job"]["completed_tasks"], 2, "{done:#}");

    world.configure("enabled = false");
    host.says("the configuration leaves the source out").await;
    let waits = world.job("2024-02", "2024-02").await;
    world.configure("");
    host.says("the source is loaded").await;
    assert_eq!(world.ended(&waits).await["job"]["failed_tasks"], 0);
}

/// A run in the foreground of the months up to this one, one after the other; it waits for the answer to the first.
async fn run_one_by_one(world: &World, to: &str) -> Host {
    let text = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    world.folder.write("backfill.toml", &text.replace("concurrency = 8", "concurrency = 1"));
    world.open.send_replace(false);
    let run = Host::spawn(&world.folder, &["run", "--windfarm", "Ridge", "--from", "2024-01", "--to", to]);
    world.asked(1).await;
    run
}

#[tokio::test]
async fn a_run_in_the_foreground_follows_too() {
    let world = World::new().await;
    world.units(1).await;
    let mut run = run_one_by_one(&world, "2024-02").await;
    world.put(&Component::third());
    run.says("new attempts use 0.3.0").await;
    world.open.send_replace(true);
    assert_eq!(run.ended().await, Some(0));
    let used = [Component::first(), Component::third()];
    assert_eq!([world.attempts(&used[0]).await, world.attempts(&used[1]).await], [1, 1]);
}

#[tokio::test]
async fn a_run_in_the_foreground_whose_source_is_left_out_ends_and_fails_no_task() {
    let world = World::new().await;
    world.units(1).await;
    let mut run = run_one_by_one(&world, "2024-03").await;
    world.configure("enabled = false");
    run.says("the configuration leaves the source out").await;
    world.open.send_replace(true);
    let said = run.says("run it again once the source is back").await;
    assert!(said.contains("leaves parks out"), "{said}");
    assert_eq!(run.ended().await, Some(1));
    let shown = world.show("1").await;
    let counts =
        ["completed_tasks", "failed_tasks", "skipped_tasks"].map(|count| shown["job"][count].as_i64());
    assert_eq!(counts, [1, 0, 2].map(Some), "{shown:#}");
    assert_eq!(world.upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_credential_in_a_file_is_replaced_by_writing_the_file() {
    let world = World::new().await;
    world.units(1).await;
    world.folder.write("key", "the-first-key");
    world.configure("credential = { header = \"X-Key\", from = \"file:key\" }");
    let mut host = Host::start(&world.folder, &["worker"]).await;
    for (month, key) in [("2024-01", "the-first-key"), ("2024-02", "the-second-key")] {
        let job = world.job(month, month).await;
        world.ended(&job).await;
        assert_eq!(world.upstream.asked().last().unwrap().headers["x-key"], key);
        if month == "2024-01" {
            world.folder.write("key", "the-second-key");
            host.says("configured anew").await;
        }
    }
}
