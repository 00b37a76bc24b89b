//! Mail: what is sent to whom, and what becomes of it.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Log, PASSWORD, PRIVATE, RETRYING, World, at, delivered, smtp_sink::MailServer};

const LOGIN: &str = "user = \"backfill\"\npassword = \"env:SMTP_PASSWORD\"\n";

#[tokio::test]
async fn everybody_in_the_configuration_gets_a_mail_of_their_own() {
    let server = MailServer::start(|_, _| None).await;
    let config = server.config("tls = \"none\"\nto = [\"a@example.org\", \"Ops <ops@example.org>\"]");
    let world = World::new(&config).await;
    let job = world.ended_job().await;
    assert_eq!(world.deliver(1).await, delivered(2));
    assert_eq!(world.deliver(1_000_000).await, delivered(0));
    let heard = server.heard();
    for to in ["RCPT TO:<a@example.org>", "RCPT TO:<ops@example.org>"] {
        assert_eq!(heard.iter().filter(|line| *line == to).count(), 1, "{heard:?}");
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        let subject = format!("Subject: Backfill job {job} (Anholt, 2023-01) was cancelled");
        for expected in [
            "From: Backfill <backfill@example.org>",
            &subject,
            "Date: Mon, 01 Jan 2024 00:00:01 +0000",
            "Message-ID: <msg_",
            "Auto-Submitted: auto-generated",
            "Why:      cancelled by a test",
            &format!("backfill job show {job}"),
        ] {
            assert!(mail.contains(expected), "{expected}: {mail}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_busy_gets_the_same_mail_again_later() {
    let busy = |nth, line: &str| (nth == 0 && line.starts_with("MAIL")).then(|| "451 come back".to_owned());
    let server = MailServer::start(busy).await;
    let world = World::new(&server.config("tls = \"none\"\nto = [\"a@example.org\"]")).await;
    world.ended_job().await;
    let (log, _guard) = Log::listen();
    assert_eq!(world.deliver(0).await, RETRYING);
    assert!(log.text().contains("451") && log.text().contains("come back"), "{}", log.text());
    // Long after the wait, which begins when the answer is there.
    assert_eq!(world.deliver(611).await, delivered(1));
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_login_sends_the_password_and_nobody_else_ever_sees_it() {
    // Refuses the login and repeats it, as some do.
    let echo = |nth, line: &str| {
        (nth == 0 && line.starts_with("AUTH")).then(|| format!("535 refused: {line} ({PASSWORD})"))
    };
    let server = MailServer::start(echo).await;
    let world =
        World::new(&server.config(&format!("tls = \"none\"\nto = [\"a@example.org\"]\n{LOGIN}"))).await;
    world.ended_job().await;
    let (log, guard) = Log::listen();
    assert_eq!(world.deliver(0).await, RETRYING);
    drop(guard);
    let encoded = STANDARD.encode(format!("\0backfill\0{PASSWORD}"));
    assert!(server.heard().contains(&format!("AUTH PLAIN {encoded}")), "{:?}", server.heard());
    // Long after the wait, which begins when the answer is there.
    assert_eq!(world.deliver(611).await, delivered(1));
    let own: String = log.text().lines().filter(|line| line.contains("backfill::")).collect();
    assert!(own.contains("refused: AUTH PLAIN [hidden] ([hidden])"), "{own}");
    let disk = world.disk().await;
    for text in [&own, &disk] {
        assert!(!text.contains(PASSWORD) && !text.contains(&encoded));
    }
}

#[tokio::test]
async fn where_encryption_is_asked_for_nothing_is_said_without_it() {
    let server = MailServer::start(|_, _| None).await;
    let world = World::new(&server.config(&format!("to = [\"a@example.org\"]\n{LOGIN}"))).await;
    world.ended_job().await;
    assert_eq!(world.deliver(0).await, RETRYING);
    let heard = server.heard();
    assert!(heard.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{heard:?}");
}

#[tokio::test]
async fn mail_waits_for_a_host_that_sends_mail() {
    let server = MailServer::start(|_, _| None).await;
    let world = World::new(&server.config("tls = \"none\"\nto = [\"a@example.org\"]")).await;
    let other = world.another(PRIVATE).await;
    world.ended_job().await;
    assert_eq!(other.deliver(at(1), super::none).await.unwrap(), delivered(0));
    assert_eq!(world.deliver(1).await, delivered(1));
}

#[tokio::test]
async fn who_is_taken_out_of_the_configuration_gets_nothing_more() {
    let server = MailServer::start(|_, _| None).await;
    let world =
        World::new(&server.config("tls = \"none\"\nto = [\"a@example.org\"]\nevents = [\"job-created\"]"))
            .await;
    world.job("one").await;
    let config = server.config("tls = \"none\"\nto = [\"b@example.org\"]\nevents = [\"job-created\"]");
    world.another(&config).await.enlist().await.unwrap();
    world.job("two").await;
    world.another("").await.enlist().await.unwrap();
    world.job("three").await;
    assert_eq!(world.deliver(1).await, delivered(2));
    let to: Vec<_> = server.heard().into_iter().filter(|line| line.starts_with("RCPT")).collect();
    assert_eq!(to.len(), 2);
    assert!(
        to.contains(&"RCPT TO:<a@example.org>".to_owned())
            && to.contains(&"RCPT TO:<b@example.org>".to_owned())
    );
}
