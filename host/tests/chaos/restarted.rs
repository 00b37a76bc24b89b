//! Workers whose database goes away in the middle.

use crate::{alone, disturb::Wanted, is_long, killed::assert_nothing_is_disturbed, postgres, random};

#[tokio::test]
async fn workers_whose_database_is_restarted_under_load_store_what_undisturbed_ones_store() {
    let _alone = alone().await;
    let (Some(server), Some(other)) = (postgres::own_server(), postgres::database().await) else { return };
    let (restarts, of_workers) = if is_long() { (30, 60) } else { (3, 4) };
    let wanted = Wanted { of_workers, restarts: Some((&server, restarts)) };
    let databases = [&server.url("postgres"), other.url()];
    let done = assert_nothing_is_disturbed(2, databases, wanted, &mut random()).await;
    assert!(done.restarts >= restarts, "{done}");
}
