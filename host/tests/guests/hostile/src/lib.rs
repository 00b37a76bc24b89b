//! A source that misbehaves as its unit's code says: one component for every cap of the sandbox.

wit_bindgen::generate!({ path: "../../../../wit", world: "source" });

use std::{hint::black_box, time::Duration};

use backfill::source::types::{Measurement, Quantity, Setting};
use backfill::source::{
    host,
    http::{self, Method, Request},
};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Description {
        Description {
            name: "hostile".into(),
            version: "0.1.0".into(),
            summary: "misbehaves on demand".into(),
            unit_code: "what to do wrong".into(),
            hosts: vec!["upstream.test".into()],
            settings: vec![Setting {
                name: "base_url".into(),
                summary: "the upstream that it may ask".into(),
                default: None,
            }],
            month_zone: "UTC".into(),
            publication_lag_days: 0,
            first_month: None,
        }
    }

    fn check_unit(unit: Unit) -> Result<(), String> {
        match unit.code.as_str() {
            "ask-while-checking" => {
                get("http://127.0.0.1:1/").map(drop).map_err(|error| format!("{error:?}"))
            }
            _ => Ok(()),
        }
    }

    fn fetch(unit: Unit, month: Month) -> Result<Vec<Series>, Failure> {
        let url = unit.attributes.iter().find(|(name, _)| name == "url").map(|(_, url)| url.clone());
        let url = url.unwrap_or_default();
        match unit.code.as_str() {
            "loop" => loop {
                black_box(0);
            },
            "compute" => {
                let hash = (0..100_000_000_u64).fold(1, |hash: u64, n| black_box(hash.wrapping_mul(31) ^ n));
                Ok(vec![one(month.start, (hash % 10) as f64)])
            }
            "memory-bomb" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(vec![1; 1 << 20]);
                    black_box(&hoard);
                }
            }
            "panic" => deep_inside(&unit.code),
            "stack-overflow" => Ok(vec![one(month.start, recurse(1) as f64)]),
            "flood-of-measurements" => {
                let measurements = (0..2_000_000)
                    .map(|i| Measurement { start: month.start + i, seconds: 1, value: 1.0 })
                    .collect();
                Ok(vec![Series { measurements, ..one(month.start, 0.0) }])
            }
            "flood-of-log" => {
                let line = "x".repeat(10_000);
                for _ in 0..10_000 {
                    host::log(host::Level::Info, &line);
                    println!("{line}");
                }
                Ok(vec![one(month.start, 1.0)])
            }
            "flood-of-words" => {
                let line = "x".repeat(30 << 20);
                for _ in 0..100 {
                    host::log(host::Level::Info, &line);
                }
                Ok(vec![one(month.start, 1.0)])
            }
            "too-many-requests" => loop {
                let _ = get(&url);
            },
            "too-many-at-once" => {
                let all: Vec<_> = (0..5_000).map(|i| request(&format!("{url}?{i}"))).collect();
                let answers = http::send_all(&all);
                Err(Failure::Unavailable(format!("{} answers", answers.len())))
            }
            "sleep" => {
                std::thread::sleep(Duration::from_secs(100_000));
                Ok(vec![])
            }
            "ask" => match get(&url) {
                Ok(response) => {
                    let body =
                        response.body.bytes().map_err(|error| Failure::Unavailable(format!("{error:?}")))?;
                    let text = String::from_utf8_lossy(&body).into_owned();
                    let headers = format!("{:?}", response.headers);
                    Err(Failure::NoData(format!("{} {headers} {text}", response.status)))
                }
                Err(error) => Err(Failure::Unavailable(format!("{error:?}"))),
            },
            "environment" => {
                let variables: Vec<_> = std::env::vars().collect();
                let arguments: Vec<_> = std::env::args().collect();
                Err(Failure::NoData(format!("{variables:?} {arguments:?}")))
            }
            "files" => {
                let read = std::fs::read_to_string("/etc/passwd").map_err(|error| error.to_string());
                let write = std::fs::write("/tmp/hostile", "x").map_err(|error| error.to_string());
                let list = std::fs::read_dir("/").map(|_| ()).map_err(|error| error.to_string());
                Err(Failure::NoData(format!(
                    "read {} write {} list {}",
                    read.is_ok(),
                    write.is_ok(),
                    list.is_ok()
                )))
            }
            "sockets" => {
                let tcp = std::net::TcpStream::connect(url.trim_start_matches("http://")).is_ok();
                let bind = std::net::UdpSocket::bind("0.0.0.0:0").is_ok();
                Err(Failure::NoData(format!("tcp {tcp} udp {bind}")))
            }
            "nothing" => Ok(vec![]),
            "fine" => Ok(vec![one(month.start, 1.0)]),
            other => Err(Failure::InvalidUnit(format!("nothing to do wrong called {other:?}"))),
        }
    }
}

fn one(start: i64, value: f64) -> Series {
    Series {
        kind: "generation".into(),
        quantity: Quantity::MeanPower,
        labels: vec![],
        measurements: vec![Measurement { start, seconds: 3600, value }],
    }
}

fn request(url: &str) -> Request {
    Request { method: Method::Get, url: url.to_owned(), headers: vec![], body: None }
}

fn get(url: &str) -> Result<http::Response, http::Error> {
    http::send(&request(url))
}

#[inline(never)]
fn deep_inside(code: &str) -> ! {
    panic!("the canary of {code} is dead")
}

#[inline(never)]
#[allow(unconditional_recursion, reason = "it overflows the stack")]
fn recurse(n: u64) -> u64 {
    let page = [n; 512];
    black_box(&page);
    recurse(n + 1) + page[511]
}

export!(Hostile);
