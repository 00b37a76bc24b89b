//! Every rule is tested over loopback HTTP, as a source meets it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

mod admin;
mod eia;
mod elexon;
mod entsoe;
mod entsoe_master;
mod entsoe_refusals;
mod faults;
mod taipower;

use chrono::{DateTime, Utc};
use simulator::{Options, Simulator};

/// The present of most tests.
fn options() -> Options {
    Options { now: Some(utc("2024-06-30T12:00:00Z")), ..Options::default() }
}

async fn start(options: Options) -> Simulator {
    simulator::start(options).await.unwrap()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// GET `path`, which may hold a query that needs no encoding.
async fn get(simulator: &Simulator, path: &str) -> Answer {
    try_get(simulator, path).await.unwrap()
}

async fn try_get(simulator: &Simulator, path: &str) -> reqwest::Result<Answer> {
    // Without a pool, so that a connection that was cut is never asked again.
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).no_gzip().build().unwrap();
    read(client.get(format!("{}{path}", simulator.url())).send().await?).await
}

async fn read(response: reqwest::Response) -> reqwest::Result<Answer> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}
