//! A source that asks by the standard `wasi:http`, as its unit's code says. What came of it is told as a failure.

wit_bindgen::generate!({ path: "../../../../wit", world: "source" });

use std::time::Duration;

use backfill::source::{host, types::Setting};
use exports::backfill::source::adapter::{Description, Failure, Guest, Month, Series, Unit};
use wasip2::http::types::Fields;
use wstd::{
    http::{Body, Client, Method, Request},
    runtime::block_on,
};

struct Standard;

impl Guest for Standard {
    fn describe() -> Description {
        Description {
            name: "standard".into(),
            version: "0.1.0".into(),
            summary: "asks by wasi:http".into(),
            unit_code: "how to ask".into(),
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
            "ask-while-checking" => block_on(get("http://127.0.0.1:1/")).map(drop),
            _ => Ok(()),
        }
    }

    fn fetch(unit: Unit, _: Month) -> Result<Vec<Series>, Failure> {
        let attribute =
            |wanted| unit.attributes.iter().find(|(name, _)| name == wanted).map(|(_, it)| it.as_str());
        let url = attribute("url").unwrap_or_default();
        let said = block_on(async {
            match unit.code.as_str() {
                "get" => get(url).await,
                "many" => {
                    for number in 1..=400 {
                        get(url).await.map_err(|error| format!("request {number}: {error}"))?;
                    }
                    Ok("400 answers".into())
                }
                "post" => send(request(Method::POST, url).body("what is it?".into()).unwrap()).await,
                "put" => send(request(Method::PUT, url).body("x".into()).unwrap()).await,
                "header" => {
                    let name = attribute("header").unwrap_or_default();
                    send(request(Method::GET, url).header(name, "mine").body(Body::empty()).unwrap()).await
                }
                "flood" => {
                    let flood = vec![0; 8 << 20];
                    send(request(Method::POST, url).body(flood.into()).unwrap()).await
                }
                "hoard" => hoard(),
                "impatient" => {
                    let mut client = Client::new();
                    client.set_first_byte_timeout(Duration::from_millis(200));
                    let asked = client.send(request(Method::GET, url).body(Body::empty()).unwrap()).await;
                    asked.map(|_| "answered".into()).map_err(|error| format!("{error:?}"))
                }
                other => Err(format!("no such way: {other}")),
            }
        });
        Err(said.map_or_else(Failure::Unavailable, Failure::NoData))
    }
}

/// Makes maps of headers, each nearly as large as it may be, and lets none go.
fn hoard() -> Result<String, String> {
    let value = vec![b'x'; 3 << 10];
    let mut maps = Vec::new();
    loop {
        let map = Fields::new();
        map.append("x", &value).map_err(|error| format!("{error:?}"))?;
        maps.push(map);
        if maps.len().is_multiple_of(1024) {
            let bytes = maps.len() * value.len();
            host::log(host::Level::Info, &format!("{} maps of headers, {bytes} bytes", maps.len()));
        }
    }
}

async fn get(url: &str) -> Result<String, String> {
    send(request(Method::GET, url).body(Body::empty()).unwrap()).await
}

fn request(method: Method, url: &str) -> wstd::http::request::Builder {
    // As libraries set them by themselves.
    Request::builder().method(method).uri(url).header("user-agent", "wstd").header("accept-encoding", "gzip")
}

/// The status, the length and the beginning of the answer.
async fn send(request: Request<Body>) -> Result<String, String> {
    let mut answer = Client::new().send(request).await.map_err(|error| format!("{error:?}"))?;
    let status = answer.status().as_u16();
    let kind =
        answer.headers().get("content-type").map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
    let body = answer.body_mut().contents().await.map_err(|error| format!("{error:?}"))?;
    let text = String::from_utf8_lossy(&body[..body.len().min(100)]);
    Ok(format!("{status} {} {} {text}", kind.unwrap_or_default(), body.len()))
}

export!(Standard);
