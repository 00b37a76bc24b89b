//! Checks of what a source makes of an upstream that fails.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Found,
    bench::{Bench, Call, Subject, answer},
    months,
};
use crate::{
    domain::{Failure, FailureCase},
    egress::{EgressError, Played},
    kit::upstream::Trick,
    source::{EMPTY_SUCCESS, Fault},
};

use FailureCase::{Malformed, NoData, NotAvailable, NotYetPublished, RateLimited, Unauthorized, Unavailable};

type End = Result<Played, EgressError>;

/// What is wrong with a call that has to end in one of these failures.
pub(super) fn ends_in(call: &Call, cases: &[FailureCase]) -> Option<String> {
    let words: Vec<_> = cases.iter().map(|case| case.as_str()).collect();
    let expected = format!("expected {}", words.join(" or "));
    match &call.report.outcome {
        Ok(Err(Failure::Malformed(text))) if text == EMPTY_SUCCESS => {
            Some(format!("{}: success without a value; {expected}", call.what))
        }
        Ok(Err(failure)) if cases.contains(&failure.case()) => None,
        _ => Some(format!("{}: {}; {expected}", call.what, call.came_to())),
    }
}

/// Every unit's fetch from an upstream that always ends alike.
async fn each(bench: &Bench, ends: &[(&str, End)], cases: &[FailureCase]) -> Found {
    let mut found = Vec::new();
    for (name, end) in ends {
        for subject in &bench.subjects {
            let call = bench.ending(subject, end.clone()).await;
            found.extend(ends_in(&call, cases).map(|why| format!("{name}: {why}")));
        }
    }
    Found::Evidence(found)
}

/// The upstream's own words for a status where the file has them, else plain ones.
fn status(bench: &Bench, name: &str, status: u16, text: &str) -> End {
    let said = bench.script.as_ref().and_then(|script| script.says.get(name));
    let body = format!("{{\"status\":{status},\"error\":\"{text}\"}}");
    Ok(said.map_or_else(|| json(status, body), |said| said.played(status)))
}

fn json(status: u16, body: impl Into<Bytes>) -> Played {
    answer(status, &[("content-type", "application/json")], body)
}

pub(super) async fn unauthorized(bench: &Bench) -> Found {
    let ends = [
        ("HTTP 401", status(bench, "unauthorized", 401, "Unauthorized")),
        ("HTTP 403", status(bench, "forbidden", 403, "Forbidden")),
    ];
    let without = bench.script.as_ref().is_some_and(|script| !script.credential);
    let cases: &[_] = if without { &[Unauthorized, Unavailable] } else { &[Unauthorized] };
    each(bench, &ends, cases).await
}

pub(super) async fn rate_limited(bench: &Bench) -> Found {
    const SECONDS: u32 = 17;
    let plain = status(bench, "rate-limited", 429, "Too Many Requests");
    let with = match &plain {
        Ok(Played::Answer { status, headers, body }) => {
            let wait = ("retry-after".to_owned(), SECONDS.to_string());
            let headers = headers.iter().filter(|(name, _)| name != "retry-after").cloned().chain([wait]);
            Ok(Played::Answer { status: *status, headers: headers.collect(), body: body.clone() })
        }
        other => other.clone(),
    };
    let Found::Evidence(mut found) = each(bench, &[("HTTP 429", plain)], &[RateLimited]).await else {
        return Found::Evidence(Vec::new());
    };
    for subject in &bench.subjects {
        let call = bench.ending(subject, with.clone()).await;
        if call.report.outcome != Ok(Err(Failure::RateLimited(Some(SECONDS)))) {
            found.push(format!(
                "HTTP 429 with `retry-after: {SECONDS}`: {}: {}; expected rate-limited({SECONDS})",
                call.what,
                call.came_to()
            ));
        }
    }
    Found::Evidence(found)
}

pub(super) async fn unavailable(bench: &Bench) -> Found {
    let ends = [
        ("HTTP 500", status(bench, "error", 500, "Internal Server Error")),
        ("HTTP 502", status(bench, "bad-gateway", 502, "Bad Gateway")),
        ("HTTP 503", status(bench, "unavailable", 503, "Service Unavailable")),
        ("HTTP 504", status(bench, "gateway-timeout", 504, "Gateway Timeout")),
    ];
    each(bench, &ends, &[Unavailable]).await
}

pub(super) async fn unreachable(bench: &Bench) -> Found {
    let refused = Err(EgressError::Transport("connection refused (asked 3 times)".into()));
    let ends = [("connection refused", refused), ("no answer in time", Err(EgressError::Timeout))];
    each(bench, &ends, &[Unavailable]).await
}

pub(super) async fn too_large(bench: &Bench) -> Found {
    let end = Err(EgressError::TooLarge(64 << 20));
    each(bench, &[("an answer over the cap", end)], &[Malformed, Unavailable, NotAvailable]).await
}

pub(super) async fn denied(bench: &Bench) -> Found {
    let end = Err(EgressError::Denied("source `trial` may not reach this host".into()));
    each(bench, &[("a request that is denied", end)], &[NotAvailable, Unavailable]).await
}

pub(super) async fn garbage(bench: &Bench) -> Found {
    let ends = [
        ("bytes that are no text", Ok(answer(200, &[], &b"\xff\xfe\0\x01garbage\0\x80\xc3"[..]))),
        ("JSON of another shape", Ok(json(200, "{\"unexpected\":[1,2,3]}"))),
        ("a sentence", Ok(answer(200, &[("content-type", "text/plain")], "yesterday, calm; today? 12\n"))),
        ("JSON nested without end", Ok(json(200, "[".repeat(50_000)))),
        ("XML nested without end", Ok(answer(200, &[("content-type", "text/xml")], "<a>".repeat(50_000)))),
    ];
    each(bench, &ends, &[Malformed, Unavailable]).await
}

pub(super) async fn html(bench: &Bench) -> Found {
    const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head>\n<body>We are back soon.</body></html>\n";
    let page = Ok(answer(200, &[("content-type", "text/html; charset=utf-8")], PAGE));
    each(bench, &[("a web page", page)], &[Malformed, Unavailable]).await
}

pub(super) async fn empty_body(bench: &Bench) -> Found {
    let end = Ok(answer(200, &[], ""));
    each(bench, &[("an empty body", end)], &[Malformed, Unavailable, NoData, NotYetPublished]).await
}

pub(super) async fn truncated(bench: &Bench) -> Found {
    let mut found = Vec::new();
    for subject in &bench.subjects {
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        ask.trick = Trick::Truncated;
        found.extend(ends_in(&bench.fetch(&ask).await, &[Malformed, Unavailable]));
    }
    Found::Evidence(found)
}

/// Times that one request may be asked in one call.
const MOST_REPEATS: usize = 3;

pub(super) async fn bounded(bench: &Bench) -> Found {
    let mut found = Vec::new();
    for (name, end) in [
        ("HTTP 503", status(bench, "unavailable", 503, "Service Unavailable")),
        ("HTTP 429", status(bench, "rate-limited", 429, "Too Many Requests")),
        ("no answer in time", Err(EgressError::Timeout)),
    ] {
        for subject in &bench.subjects {
            let call = bench.ending(subject, end.clone()).await;
            found.extend(repeated(&call).map(|why| format!("{name}: {}: {why}", call.what)));
        }
    }
    Found::Evidence(found)
}

fn repeated(call: &Call) -> Option<String> {
    if let Err(
        fault @ (Fault::TooManyRequests { .. } | Fault::WallDeadline { .. } | Fault::CpuDeadline { .. }),
    ) = &call.report.outcome
    {
        return Some(fault.to_string());
    }
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for asked in &call.heard.asked {
        *counts.entry((&asked.url, &asked.body)).or_default() += 1;
    }
    let ((url, _), count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count > MOST_REPEATS).then(|| format!("{url} was asked {count} times"))
}

pub(super) async fn halfway(bench: &Bench) -> Found {
    let mut found = Vec::new();
    for subject in &bench.subjects {
        let requests = bench.whole(subject).await.heard.asked.len();
        // The last, and one in the middle: a source that asks one by one has read something by then.
        let mut places = vec![requests / 2, requests.saturating_sub(1)];
        places.dedup();
        for place in places {
            found.extend(fails_whole(bench, subject, place, requests).await);
        }
        let mut again = bench.ask(subject, bench.ordinary(subject));
        again.seed = 2;
        let why = months::exact(bench, &again).await;
        found.extend(why.into_iter().map(|why| format!("the fetch after a failed one: {why}")));
    }
    Found::Evidence(found)
}

async fn fails_whole(bench: &Bench, subject: &Subject, place: usize, requests: usize) -> Vec<String> {
    let mut ask = bench.ask(subject, bench.ordinary(subject));
    ask.trick = Trick::Once(place, status(bench, "unavailable", 503, "Service Unavailable"));
    let call = bench.fetch(&ask).await;
    let name = format!("HTTP 503 to request {} of {requests}", place + 1);
    match &call.report.outcome {
        // It may have asked again, and then has all.
        Ok(Ok(_)) => {
            months::differences(bench, &ask, &call).into_iter().map(|why| format!("{name}: {why}")).collect()
        }
        _ => ends_in(&call, &[Unavailable]).map(|why| format!("{name}: {why}")).into_iter().collect(),
    }
}
