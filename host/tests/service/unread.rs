//! A host whose log nobody reads.

use std::time::Duration;

use crate::{World, host::Host, status};

/// More than a pipe holds, and than a host keeps until somebody reads.
const REQUESTS: usize = 10_000;

#[tokio::test]
async fn a_host_whose_log_nobody_reads_works_on() {
    let world = World::on(None, "").await;
    let mut host = Host::spawn(&world.folder, &["serve", "--listen", "127.0.0.1:0", "--log", "debug"]);
    let address = host.address().await;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    // Each makes a line.
    for _ in 0..REQUESTS {
        let answer = client.get(format!("http://{address}/api/v1/users/me")).send().await.unwrap();
        assert_eq!(answer.status(), 401);
    }
    let job = world.job(&["--windfarm", "Isabel", "--from", "2024-01", "--to", "2024-01"]).await;
    world.until(&job, |shown| status(shown) == "completed").await;
    host.signal("-TERM");
    let rest = host.rest().await;
    assert_eq!(host.ended().await, Some(0));
    assert!(rest.contains("lines of the log are lost"), "it said nothing of {REQUESTS} lines");
}
