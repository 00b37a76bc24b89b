//! Webhooks: what is sent, and what becomes of it.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{DEAD, Log, PRIVATE, RETRYING, SECRET, World, at, delivered, http_sink::Sink};
use crate::domain::EventKind;

const SIGNED: Option<&str> = Some("env:HOOK_SECRET");

#[tokio::test]
async fn the_end_of_a_job_is_told_once_and_signed_by_the_standard() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([]).await;
        world.webhook(&sink.url, SIGNED, &[]).await;
        let job = world.ended_job().await;
        assert_eq!(world.deliver(1).await, delivered(1));
        assert_eq!(world.deliver(1_000_000).await, delivered(0));
        let heard = sink.heard();
        let [message] = heard.as_slice() else { panic!("{heard:?}") };
        assert_eq!(message.header("content-type"), "application/json");
        let (id, timestamp) = (message.header("webhook-id"), message.header("webhook-timestamp"));
        assert_eq!(timestamp, at(1).timestamp().to_string());
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap())
                .unwrap();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(&message.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(message.header("webhook-signature"), expected);
        let body = message.json();
        assert_eq!(
            body,
            json!({
                "type": "job-ended",
                "timestamp": "2024-01-01T00:00:00Z",
                "event_id": body["event_id"],
                "job_id": job,
                "job": {
                    "windfarms": ["Anholt"],
                    "first_month": "2023-01",
                    "last_month": "2023-01",
                    "status": "failed",
                    "reason": "cancelled",
                    "error_message": "cancelled by a test",
                    "total_tasks": 1,
                    "completed_tasks": 0,
                    "failed_tasks": 0,
                    "skipped_tasks": 1,
                },
                "source": null,
                "data": body["data"],
            })
        );
    }
}

#[tokio::test]
async fn each_webhook_hears_what_it_asked_for_from_when_it_was_entered_while_it_is_on() {
    for world in World::on_both(PRIVATE).await {
        let (asks, all, off) =
            (Sink::answering([]).await, Sink::answering([]).await, Sink::answering([]).await);
        world.job("before").await;
        world.webhook(&asks.url, None, &[EventKind::JobCreated, EventKind::JobCancelled]).await;
        world.webhook(&all.url, None, &[]).await;
        let id = world.webhook(&off.url, None, &[]).await;
        world.store.set_webhook_active(id, false).await.unwrap();
        world.ended_job().await;
        assert_eq!(world.deliver(1).await, delivered(3));
        let kinds = |sink: &Sink| {
            let mut kinds: Vec<_> =
                sink.heard().iter().map(|heard| heard.json()["type"].as_str().unwrap().to_owned()).collect();
            kinds.sort();
            kinds
        };
        assert_eq!(kinds(&asks), ["job-cancelled", "job-created"]);
        assert_eq!(kinds(&all), ["job-ended"]);
        assert_eq!(kinds(&off), [""; 0]);
        assert!(!asks.heard()[0].headers.contains_key("webhook-signature"), "no secret, no signature");
    }
}

#[tokio::test]
async fn what_is_about_a_source_or_about_a_job_that_is_gone_is_told_without_a_job() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([]).await;
        world.webhook(&sink.url, None, &[EventKind::SourceHeld, EventKind::JobDeleted]).await;
        world.store.hold_off("eia", at(600), at(0)).await.unwrap();
        let job = world.ended_job().await;
        world.store.delete_job(job, at(1)).await.unwrap();
        assert_eq!(world.deliver(2).await, delivered(2));
        let mut told: Vec<_> = sink.heard().iter().map(super::http_sink::Heard::json).collect();
        told.sort_by_key(|told| told["event_id"].as_i64());
        let about =
            |told: &serde_json::Value| json!([told["type"], told["source"], told["job_id"], told["job"]]);
        assert_eq!(about(&told[0]), json!(["source-held", "eia", null, null]));
        assert_eq!(told[0]["data"], json!({ "until": "2024-01-01T00:10:00Z" }));
        assert_eq!(about(&told[1]), json!(["job-deleted", null, job, null]));
    }
}

#[tokio::test]
async fn what_fails_is_sent_again_later_and_later_under_one_id_and_is_dead_after_eight_attempts() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering(std::iter::repeat_n((500, vec![]), 8)).await;
        let webhook = world.webhook(&sink.url, SIGNED, &[]).await;
        world.ended_job().await;
        let mut now = 0;
        for wait in [10, 60, 300, 1800, 7200, 21_600, 86_400] {
            assert_eq!(world.deliver(now).await, RETRYING);
            assert_eq!(world.deliver(now + wait - 1).await, delivered(0), "too early");
            // Far more than it takes, since the wait begins when the answer is there.
            now += wait + 600;
        }
        assert_eq!(world.deliver(now).await, DEAD);
        assert_eq!(world.deliver(now + 10_000_000).await, delivered(0));
        let heard = sink.heard();
        assert_eq!(heard.len(), 8);
        assert!(heard.iter().all(|one| one.header("webhook-id") == heard[0].header("webhook-id")));
        assert!(heard.iter().all(|one| one.body == heard[0].body));
        assert!(
            heard
                .windows(2)
                .all(|two| two[0].header("webhook-timestamp") < two[1].header("webhook-timestamp"))
        );

        let dead = world.store.dead_messages(10).await.unwrap();
        let [message] = dead.as_slice() else { panic!("{dead:?}") };
        assert_eq!((message.attempts, message.recipient.as_str()), (8, webhook.to_string().as_str()));
        assert_eq!(message.last_error.as_deref(), Some("the receiver answered 500"));
        world.store.revive_message(message.id, at(now)).await.unwrap();
        assert_eq!(world.deliver(now).await, delivered(1));
        assert_eq!(sink.heard()[8].header("webhook-id"), heard[0].header("webhook-id"));
        assert_eq!(world.store.dead_messages(10).await.unwrap(), []);
        assert!(world.store.revive_message(message.id, at(now)).await.is_err(), "it has arrived");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new(PRIVATE).await;
    let sink = Sink::answering([(307, vec![("location", "/elsewhere")])]).await;
    world.webhook(&sink.url, SIGNED, &[]).await;
    world.ended_job().await;
    let (log, _guard) = Log::listen();
    assert_eq!(world.deliver(0).await, RETRYING);
    assert_eq!(
        sink.heard().iter().map(|heard| heard.path.as_str()).collect::<Vec<_>>(),
        ["/hooks/s3cr3t-path"]
    );
    assert!(log.text().contains("answered 307: redirects are not followed"), "{}", log.text());
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_turned_off_and_what_waits_for_it_is_given_up() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([(410, vec![])]).await;
        world.webhook(&sink.url, None, &[]).await;
        world.ended_job().await;
        assert_eq!(world.deliver(0).await, DEAD);
        assert!(!world.store.webhooks(None, 10).await.unwrap()[0].active);
        let job = world.job("Another").await;
        world.store.cancel_job(job, "a test", at(1)).await.unwrap();
        assert_eq!(world.deliver(2).await, delivered(0), "nothing is written for it any more");
        assert_eq!(sink.heard().len(), 1);
    }
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_is_removed_or_off_is_not_sent() {
    for world in World::on_both(PRIVATE).await {
        let sink = Sink::answering([]).await;
        let (removed, off) =
            (world.webhook(&sink.url, None, &[]).await, world.webhook(&sink.url, None, &[]).await);
        world.ended_job().await;
        world.store.remove_webhook(removed).await.unwrap();
        world.store.set_webhook_active(off, false).await.unwrap();
        assert_eq!(world.deliver(0).await.dead, 2);
        let mut why: Vec<_> = world
            .store
            .dead_messages(9)
            .await
            .unwrap()
            .into_iter()
            .filter_map(|message| message.last_error)
            .collect();
        why.sort();
        assert_eq!(why, ["webhook 1 was removed", "webhook 2 is turned off"]);
        assert_eq!(sink.heard().len(), 0);
        assert!(world.store.remove_webhook(removed).await.is_err());
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let world = World::new(PRIVATE).await;
    let sink = Sink::answering([(429, vec![("retry-after", "3600")])]).await;
    world.webhook(&sink.url, None, &[]).await;
    world.ended_job().await;
    assert_eq!(world.deliver(0).await, RETRYING);
    assert_eq!(world.deliver(3599).await, delivered(0));
    assert_eq!(world.deliver(3601).await, delivered(1));
}

#[tokio::test]
async fn the_hosts_own_network_is_reached_only_where_the_configuration_says_so() {
    let world = World::new("").await;
    let sink = Sink::answering([]).await;
    world.webhook(&sink.url, None, &[]).await;
    let named = sink.url.replace("127.0.0.1", "localhost");
    world.webhook(&named, None, &[]).await;
    world.ended_job().await;
    let (log, _guard) = Log::listen();
    assert_eq!(world.deliver(0).await.retrying, 2);
    let said = log.text();
    assert!(said.contains("127.0.0.1 is not public (loopback); set private_networks = true"), "{said}");
    assert!(said.contains("`localhost` resolves to"), "{said}");
    assert_eq!(sink.heard().len(), 0);
}

#[tokio::test]
async fn neither_secret_nor_address_is_in_the_log_and_the_secret_is_not_in_the_store() {
    let world = World::new(PRIVATE).await;
    let (sink, (log, _guard)) = (Sink::answering([(500, vec![])]).await, Log::listen());
    world.webhook(&sink.url, SIGNED, &[]).await;
    world.webhook(&sink.url, Some("env:HOOK_SECRET_BROKEN"), &[]).await;
    world.webhook("http://127.0.0.1:1/hooks/s3cr3t-path", SIGNED, &[]).await;
    world.ended_job().await;
    assert_eq!(world.deliver(0).await.retrying, 3);
    // Long after the wait, which begins when the answers are there.
    assert_eq!(world.deliver(611).await.retrying, 2);
    let said = log.text();
    for why in
        ["the receiver answered 500", "its signing secret (env:HOOK_SECRET_BROKEN): it holds", "127.0.0.1: "]
    {
        assert!(said.contains(why), "{why}: {said}");
    }
    let disk = world.disk().await;
    assert!(disk.contains("env:HOOK_SECRET"), "the place of the secret is kept");
    for secret in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "bm90LWxvbmctZW5vdWdo"] {
        assert!(!said.contains(secret) && !disk.contains(secret));
    }
    let own = said.lines().filter(|line| line.contains("backfill::")).collect::<Vec<_>>();
    assert!(!own.is_empty() && own.iter().all(|line| !line.contains("s3cr3t-path")), "{own:?}");
}

#[tokio::test]
async fn a_webhook_that_could_never_work_is_refused() {
    for world in World::on_both(PRIVATE).await {
        let refused = async |url, secret_from, event_kinds| {
            let webhook = crate::store::NewWebhook { url, secret_from, event_kinds, created_by_id: None };
            world.store.add_webhook(&webhook, at(0)).await.unwrap_err().to_string()
        };
        for (error, why) in [
            (refused("hooks.example.org", None, &[][..]).await, "address can't be read"),
            (refused("ftp://a.org", None, &[]).await, "begins with ftp; expected http:// or https://"),
            (refused("https://me:hush@a.org", None, &[]).await, "holds a user or password"),
            (refused("https://a.org", Some("whsec_hush"), &[]).await, "is never stored"),
            (
                refused("https://a.org", None, &[EventKind::TaskStarted]).await,
                "nobody is told of task-started",
            ),
        ] {
            assert!(error.contains(why) && !error.contains("hush"), "{error}");
        }
        assert_eq!(world.store.webhooks(None, 10).await.unwrap(), []);
    }
}
