use crate::{World, host::Host, postgres, smtp_sink::MailServer};

#[tokio::test]
async fn of_two_hosts_one_mails_that_a_job_has_ended() {
    let Some(server) = postgres::database().await else { return };
    let mail = MailServer::start(|_, _| None).await;
    let config = mail.config("tls = \"none\"\nto = [\"ops@example.org\"]");
    let world = World::on(Some(server), &config).await;
    let mut hosts = [
        Host::start(&world.folder, &["worker"]).await,
        Host::start(&world.folder, &["serve", "--listen", "127.0.0.1:0"]).await,
    ];
    let job = world.job(&["--windfarm", "Howard", "--from", "2024-01", "--to", "2024-02"]).await;
    world.until(&job, |shown| shown["job"]["completed_at"].is_string()).await;
    let begun = std::time::Instant::now();
    while mail.mails().is_empty() {
        assert!(begun.elapsed().as_secs() < 120, "no mail came");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await; // waits for the mail
    }
    for host in &mut hosts {
        host.signal("-TERM");
        assert_eq!(host.ended().await, Some(0));
    }
    let mails = mail.mails();
    let [only] = mails.as_slice() else { panic!("{mails:#?}") };
    for expected in [
        &format!("Subject: Backfill job {job} (Howard, 2024-01 to 2024-02) completed"),
        "To: ops@example.org",
        &format!("backfill job show {job}"),
    ] {
        assert!(only.contains(expected), "{expected}: {only}");
    }
}
