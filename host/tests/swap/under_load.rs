//! Swaps, refusals and a way back while a thousand tasks run: no task fails, and every attempt tells the truth.

use std::time::Duration;

use crate::{Component, SECOND, World, host::Host, postgres};

const UNITS: usize = 24;
/// 2020 to 2023: enough to outlast the swaps on a slow machine.
const MONTHS: usize = 48;

#[tokio::test]
async fn under_load_a_swap_fails_no_task_on_sqlite() {
    swapped(World::on(None, Duration::from_millis(120)).await).await;
}

#[tokio::test]
async fn under_load_a_swap_fails_no_task_on_postgres() {
    if let Some(database) = postgres::database().await {
        swapped(World::on(Some(database), Duration::from_millis(120)).await).await;
    }
}

async fn swapped(world: World) {
    world.units(UNITS).await;
    let (first, second, third) = (Component::first(), Component::second(), Component::third());
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let job = world.job("2020-01", "2023-12").await;
    world.asked(20).await;

    for (component, version) in [(&second, "0.2.0"), (&first, "0.1.0"), (&third, "0.3.0")] {
        let asked = world.upstream.asked().len();
        world.put(component);
        host.signal("-HUP");
        host.says(&format!("new attempts use {version}")).await;
        world.asked(asked + 20).await;
    }
    std::fs::write(world.component(), &second.bytes[..5000]).unwrap();
    host.signal("-HUP");
    host.says("refused, so that").await;
    world.configure("rate = \"10000/s\"");
    host.signal("-HUP");
    let said = host.says("refused, so that").await;
    assert!(said.contains(third.short()), "the component is still cut off: {said}");
    host.says("configured anew").await;
    world.folder.backfill(&["source", "rollback", "parks", &second.digest]).await.succeeded();
    host.says("new attempts use 0.2.0").await;
    world.asked(world.upstream.asked().len() + 20).await;
    let under_way = world.show(&job).await;
    assert!(under_way["job"]["completed_at"].is_null(), "all of that happened while it ran: {under_way:#}");

    let done = world.ended(&job).await;
    let figures = ["completed_tasks", "failed_tasks"].map(|name| done["job"][name].as_u64().unwrap());
    assert_eq!(figures, [(UNITS * MONTHS) as u64, 0], "{done:#}");
    let mut attempts = Vec::new();
    for component in [&first, &second, &third] {
        attempts.push(world.attempts(component).await);
    }
    assert!(attempts.iter().all(|count| *count > 0), "{attempts:?}");
    assert_eq!(attempts.iter().sum::<i64>(), (UNITS * MONTHS) as i64, "one attempt each: {attempts:?}");

    let stored = world.folder.stored().await;
    assert_eq!(stored.len(), UNITS * MONTHS * 2);
    for row in &stored {
        let park: f64 = row.unit_code.strip_prefix("park-").unwrap().parse().unwrap();
        let hour = f64::from(u8::from(row.start.ends_with("T01:00:00Z")));
        assert!([park + hour, park + hour + SECOND].contains(&row.value), "{row:?}");
    }
    let of_third = stored.iter().filter(|row| row.value >= SECOND).count();
    assert_eq!(
        of_third as i64,
        attempts[2] * 2,
        "the values are those of the component that the attempt names"
    );
}
