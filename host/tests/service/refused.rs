use crate::{World, host::Host, postgres};

#[tokio::test]
async fn sqlite_serves_one_host_and_says_so() {
    let world = World::on(None, "").await;
    let mut first = Host::start(&world.folder, &["worker"]).await;
    let second = world.folder.backfill(&["worker"]).await.failed();
    assert!(second.err.contains("SQLite serves one") && second.err.contains("Postgres"), "{}", second.err);
    // A host that was killed keeps nobody out.
    first.signal("-KILL");
    first.ended().await;
    let mut third = Host::start(&world.folder, &["worker"]).await;
    third.signal("-TERM");
    assert_eq!(third.ended().await, Some(0));
}

#[tokio::test]
async fn a_schema_that_is_not_ours_is_refused_with_the_command_to_run() {
    let Some(server) = postgres::database().await else { return };
    let world = World::on(Some(server), "").await;
    let Some(empty) = postgres::database().await else { return };
    let config = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    let at = |url: &str| {
        let lines = config.lines().map(|line| match line.starts_with("url = \"postgres") {
            true => format!("url = {url:?}"),
            false => line.to_owned(),
        });
        world.folder.write("backfill.toml", &lines.collect::<Vec<_>>().join("\n"));
    };
    at(empty.url());
    for arguments in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"], &["job", "list"]] {
        let refused = world.folder.backfill(arguments).await.failed();
        assert!(refused.err.contains("run `backfill migrate`"), "{arguments:?}: {}", refused.err);
    }
    let migrated = world.folder.backfill(&["migrate"]).await.succeeded();
    assert!(migrated.out.contains("was version 0"), "{}", migrated.out);
    world.folder.backfill(&["job", "list"]).await.succeeded();
    let again = world.folder.backfill(&["migrate"]).await.succeeded();
    assert!(again.out.contains("as it should be"), "{}", again.out);
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let Some(server) = postgres::database().await else { return };
    let reachable = server.url().to_owned();
    let world = World::on(Some(server), "").await;
    let config = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    let try_at = async |url: &str| {
        world.folder.write("backfill.toml", &config.replace(&reachable, url));
        let failed = world.folder.backfill(&["worker"]).await.failed();
        assert!(!failed.err.contains("geheim"), "{}", failed.err);
        failed.err
    };
    let nobody = try_at("postgres://me:geheim@127.0.0.1:1/backfill").await;
    assert!(nobody.contains("127.0.0.1:1") && nobody.contains("check that the server runs"), "{nobody}");
    let (with_user, host) = reachable.split_once('@').unwrap();
    let user = with_user.rsplit_once(':').unwrap().0;
    let wrong = try_at(&format!("{user}:geheim@{host}")).await;
    assert!(wrong.contains("check user and password"), "{wrong}");
    let (server, _) = reachable.rsplit_once('/').unwrap();
    let missing = try_at(&format!("{server}/no_such_database")).await;
    assert!(missing.contains("createdb"), "{missing}");
}

#[tokio::test]
async fn a_host_that_starts_before_its_database_waits_for_it() {
    let Some(server) = postgres::own_server() else { return };
    let world = World::on(None, "").await;
    world.configure("[worker]", &format!("[database]\nurl = {:?}\n[worker]", server.url("postgres")));
    world.folder.backfill(&["migrate"]).await.succeeded();
    // The first start after such an end brings to disk all that initdb left in memory, which may take longer
    // than a host waits. The next one has little to do.
    server.stop();
    server.start();
    server.stop();
    let mut host = Host::spawn(&world.folder, &["worker"]);
    let said = host.says("trying again").await;
    assert!(said.contains("check that the server runs"), "{said}");
    server.start();
    host.says("ready for work").await;
    host.signal("-TERM");
    assert_eq!(host.ended().await, Some(0));
}
