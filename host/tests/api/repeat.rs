//! Requests with an `Idempotency-Key`: sent any number of times, done once.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::{Client, World, client::Answer};

/// A month of the first wind farm.
fn month() -> Value {
    json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" })
}

async fn send(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    Answer::of(client.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

/// Sends a request until nobody else is answering it.
async fn send_until_answered(client: &Client, path: &str, key: &str, body: &Value) -> Answer {
    loop {
        let answer = send(client, path, key, body).await;
        if answer.json["code"] != "under-way" {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await; // waits for the host's work
    }
}

/// A connection to the database past the host.
enum Past {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Past {
    async fn of(world: &World) -> Self {
        use sqlx::Connection;
        if world.database.starts_with("postgres") {
            return Self::Postgres(sqlx::PgConnection::connect(&world.database).await.unwrap());
        }
        Self::Sqlite(sqlx::SqliteConnection::connect(&world.database).await.unwrap())
    }

    /// Runs the statement of its database.
    async fn run(&mut self, sqlite: &'static str, postgres: &'static str) {
        use sqlx::Executor;
        match self {
            Self::Sqlite(conn) => drop(conn.execute(sqlite).await.unwrap()),
            Self::Postgres(conn) => drop(conn.execute(postgres).await.unwrap()),
        }
    }
}

async fn jobs(client: &Client) -> String {
    client.get("/backfill/jobs").await.expect(200).header("x-total-count").to_owned()
}

#[tokio::test]
async fn a_request_that_is_sent_many_times_at_once_is_done_once() {
    World::each(async |world| {
        let anna = world.user("anna", "operator").await;
        let mut sent = JoinSet::new();
        for _ in 0..8 {
            let client = Client::new(&world.base, anna.token.as_deref());
            sent.spawn(async move { send(&client, "/backfill/jobs", "k", &month()).await });
        }
        let answers = sent.join_all().await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 202).collect();
        assert!(!made.is_empty());
        assert!(made.iter().all(|answer| answer.text == made[0].text));
        for answer in answers.iter().filter(|answer| answer.status != 202) {
            assert_eq!((answer.status, &answer.json["code"]), (409, &json!("under-way")), "{}", answer.text);
        }
        let again = send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        assert_eq!((&again.text, again.header("idempotency-replayed")), (&made[0].text, "true"));
        assert_eq!(jobs(&anna).await, "1");
    })
    .await;
}

#[tokio::test]
async fn a_request_whose_sender_hangs_up_is_carried_through() {
    World::each(async |world| {
        let anna = world.user("anna", "operator").await;
        assert_eq!(jobs(&anna).await, "0");
        // Nothing can be written, so that the request is under way for as long as that is wanted.
        let mut past = Past::of(&world).await;
        past.run("BEGIN IMMEDIATE", "BEGIN; LOCK TABLE backfill_jobs IN SHARE ROW EXCLUSIVE MODE").await;
        let (address, body) = (world.base.trim_start_matches("http://"), month().to_string());
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /api/v1/backfill/jobs HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             idempotency-key: k\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            anna.token.as_deref().unwrap(),
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        // The host reads what came first, first.
        for _ in 0..5 {
            assert_eq!(jobs(&anna).await, "0");
        }
        drop(stream);
        for _ in 0..5 {
            assert_eq!(jobs(&anna).await, "0");
        }
        past.run("ROLLBACK", "ROLLBACK").await;
        // Nobody sends it again, and it is done.
        anna.until("/backfill/jobs", |jobs| jobs.as_array().is_some_and(|jobs| jobs.len() == 1)).await;
        let again = send_until_answered(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(jobs(&anna).await, "1");
        let audit = world.admin().await.get("/audit").await.expect(200).json;
        let deeds = audit.as_array().unwrap().iter().filter(|deed| deed["user_name"] == "anna");
        assert_eq!(deeds.map(|deed| deed["status"].clone()).collect::<Vec<_>>(), [json!(202)]);
    })
    .await;
}

#[tokio::test]
async fn an_answer_outlives_the_host_and_a_job_outlives_its_answer() {
    World::each(async |mut world| {
        let anna = world.user("anna", "operator").await;
        let first = send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        world.restart().await;
        let anna = Client::new(&world.base, anna.token.as_deref());
        let again = send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        assert_eq!((&again.text, again.header("idempotency-replayed")), (&first.text, "true"));
        // As a host leaves it that ends between the job and its answer.
        let lost =
            "UPDATE idempotency_keys SET answered_at = NULL, status = NULL, headers = '[]', body = NULL";
        Past::of(&world).await.run(lost, lost).await;
        let found = send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        assert_eq!(
            (&found.json["id"], found.header("location"), found.header("idempotency-replayed")),
            (&first.json["id"], first.header("location"), "")
        );
        let again = send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        assert_eq!((&again.text, again.header("idempotency-replayed")), (&found.text, "true"));
        assert_eq!(jobs(&anna).await, "1");
    })
    .await;
}

#[tokio::test]
async fn a_request_that_failed_may_be_sent_again_under_its_key() {
    World::each(async |world| {
        let anna = world.user("anna", "operator").await;
        let mut past = Past::of(&world).await;
        past.run(
            "CREATE TRIGGER no_jobs BEFORE INSERT ON backfill_jobs BEGIN SELECT RAISE(ABORT, 'no'); END",
            "ALTER TABLE backfill_jobs ADD CONSTRAINT no_jobs CHECK (false) NOT VALID",
        )
        .await;
        send(&anna, "/backfill/jobs", "k", &month()).await.problem(500, "internal");
        past.run("DROP TRIGGER no_jobs", "ALTER TABLE backfill_jobs DROP CONSTRAINT no_jobs").await;
        let made = send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        assert_eq!(made.header("idempotency-replayed"), "");
        assert_eq!(jobs(&anna).await, "1");
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_for_nobody_who_may_do_less() {
    World::each(async |world| {
        let anna = world.user("anna", "operator").await;
        let less = anna.post("/tokens", &json!({ "name": "x", "role": "viewer" })).await.expect(201).json;
        let viewer = Client::new(&world.base, less["token"].as_str());
        send(&anna, "/backfill/jobs", "k", &month()).await.expect(202);
        send(&viewer, "/backfill/jobs", "k", &month()).await.problem(403, "forbidden");
        // The other way round, they may.
        send(&viewer, "/backfill/preview", "p", &month()).await.expect(200);
        let seen = send(&anna, "/backfill/preview", "p", &month()).await.expect(200);
        assert_eq!(seen.header("idempotency-replayed"), "true");
    })
    .await;
}

#[tokio::test]
async fn an_answer_with_a_secret_is_given_once() {
    World::each(async |world| {
        let admin = world.admin().await;
        let body = json!({ "name": "script" });
        let made = send(&admin, "/tokens", "k", &body).await.expect(201).json;
        let again = send(&admin, "/tokens", "k", &body).await.problem(409, "given-once");
        let place = format!("/api/v1/tokens/{}", made["id"]);
        assert!(again.json["detail"].as_str().unwrap().contains(&place), "{}", again.text);
        assert!(!again.text.contains("bft_"), "{}", again.text);
        let tokens = admin.get("/tokens").await.expect(200).json;
        assert_eq!(tokens.as_array().unwrap().len(), 2, "{tokens}");
        // A key is written down, so that it must be no secret either.
        let token = admin.token.as_deref().unwrap();
        send(&admin, "/backfill/preview", token, &month()).await.problem(400, "invalid-parameter");
    })
    .await;
}
