//! Reading an answer: rows, or what the refusal means.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use backfill_guest::Failure;
use serde::Deserialize;

/// Text of a row, borrowed from the body unless it has escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// An answer that came in whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Seconds.
    pub(crate) retry_after: Option<u32>,
    pub(crate) body: Vec<u8>,
}

/// Why an answer holds no rows.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Too long a range for one request; a shorter one may do.
    TooMuch(String),
    /// Anything else.
    Failed(Failure),
}

/// Problem document of RFC 9110 as Insights writes it: what is wrong with which parameter.
#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    #[serde(default)]
    errors: BTreeMap<String, Vec<String>>,
}

/// Datasets come as `{"data":[…]}`, streams and the list of units as a bare array.
#[derive(Deserialize)]
struct Wrapped<R> {
    data: Vec<R>,
}

impl Answer {
    /// The rows of an answer that is no refusal. An empty list is an empty answer, which upstream also gives for a
    /// unit that it doesn't know.
    pub(crate) fn rows<'a, R: Deserialize<'a>>(&'a self, what: &str) -> Result<Vec<R>, Failure> {
        let body = self.body.as_slice();
        let rows = match first_byte(body) {
            Some(b'{') => serde_json::from_slice::<Wrapped<R>>(body).map(|wrapped| wrapped.data),
            _ => serde_json::from_slice(body),
        };
        rows.map_err(|error| {
            let problem = if error.is_eof() {
                format!("cut off after {} bytes", body.len())
            } else {
                format!("not the JSON expected: {error}")
            };
            Failure::Malformed(format!("{what}: {problem}; the answer begins {:?}", excerpt(body)))
        })
    }

    /// What keeps this answer from having rows, if anything does. `what` names the request.
    ///
    /// A page of HTML is a gateway or a maintenance page whatever the status, and passes.
    pub(crate) fn refusal(&self, what: &str) -> Option<Refusal> {
        let status = self.status;
        let failed = |failure| Some(Refusal::Failed(failure));
        if status == 429 {
            return failed(Failure::RateLimited(self.retry_after));
        }
        if first_byte(&self.body) == Some(b'<') {
            return failed(Failure::Unavailable(format!(
                "{what}: HTTP {status} with a page instead of JSON"
            )));
        }
        match status {
            200..=299 => None,
            413 => Some(Refusal::TooMuch(format!("{what}: HTTP 413"))),
            401 | 403 => failed(Failure::Unauthorized(format!(
                "{what}: HTTP {status}; the API needs no credential, so this address may be blocked"
            ))),
            404 | 408 | 425 | 500..=599 => failed(Failure::Unavailable(format!("{what}: HTTP {status}"))),
            400 | 422 => Some(self.bad_request(what)),
            _ => failed(Failure::Malformed(format!(
                "{what}: unexpected HTTP {status}: {:?}",
                excerpt(&self.body)
            ))),
        }
    }

    fn bad_request(&self, what: &str) -> Refusal {
        let status = self.status;
        let Ok(problem) = serde_json::from_slice::<Problem>(&self.body) else {
            let start = excerpt(&self.body);
            return Refusal::Failed(Failure::Malformed(format!("{what}: HTTP {status}: {start:?}")));
        };
        let errors: Vec<_> =
            problem.errors.iter().map(|(name, texts)| format!("{name}: {}", texts.join(" "))).collect();
        let said = if errors.is_empty() { problem.title.unwrap_or_default() } else { errors.join("; ") };
        let message = format!("{what}: HTTP {status}: {said}");
        if problem.errors.keys().any(|name| name.to_ascii_lowercase().contains("bmunit")) {
            return Refusal::Failed(Failure::InvalidUnit(message));
        }
        // The other endpoints of Insights cap their range in such words; the two streams document no cap.
        if ["exceed", "maximum"].iter().any(|word| said.to_ascii_lowercase().contains(word)) {
            return Refusal::TooMuch(message);
        }
        Refusal::Failed(Failure::Malformed(message))
    }
}

fn first_byte(body: &[u8]) -> Option<u8> {
    body.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn excerpt(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body.get(..160).unwrap_or(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pn::Row;
    use crate::testing::{answer, fixture};
    use serde_json::Value;

    fn refused(status: u16, body: &str) -> Refusal {
        answer(status, body.as_bytes()).refusal("PN").expect("a refusal")
    }

    /// The answer recorded under a name in the probe of PN.
    fn probed(name: &str) -> Option<Answer> {
        let file: Value = serde_json::from_slice(&fixture("elexon/gm_pn_vintage_probe.json")?).unwrap();
        let probe = file["probes"].as_array().unwrap().iter().find(|probe| probe["name"] == name).unwrap();
        let status = u16::try_from(probe["status"].as_u64().unwrap()).unwrap();
        Some(answer(status, probe["response"].to_string().as_bytes()))
    }

    #[test]
    fn wrapped_and_bare_answers_have_the_same_rows() {
        let (Some(wrapped), Some(bare)) =
            (probed("dataset_endpoint_may_vintage"), probed("stream_endpoint_same_slice"))
        else {
            return;
        };
        let rows = |answer: &Answer| format!("{:?}", answer.rows::<Row<'_>>("PN").unwrap());
        assert!(wrapped.refusal("PN").is_none() && bare.refusal("PN").is_none());
        assert_eq!(rows(&wrapped), rows(&bare));
        assert_eq!(bare.rows::<Row<'_>>("PN").unwrap().len(), 2);
    }

    #[test]
    fn an_empty_answer_has_no_rows_and_is_no_refusal() {
        let Some(empty) = probed("pre_gate_closure_future_period") else { return };
        assert!(empty.refusal("PN").is_none());
        assert_eq!(empty.rows::<Row<'_>>("PN").unwrap().len(), 0);
        assert_eq!(answer(200, b" []").rows::<Row<'_>>("PN").unwrap().len(), 0);
    }

    #[test]
    fn a_recorded_bad_request_is_malformed_in_the_upstreams_own_words() {
        let Some(bad) = probed("validation_control_bad_settlement_date") else { return };
        match bad.refusal("PN") {
            Some(Refusal::Failed(Failure::Malformed(why))) => {
                assert!(why.contains("SettlementDate: The value 'NOT_A_DATE' is not valid"), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bad_request_about_the_unit_is_an_invalid_unit() {
        let body = r#"{"title":"Bad","status":400,"errors":{"BmUnit":["The value 'X' is not valid."]}}"#;
        match refused(400, body) {
            Refusal::Failed(Failure::InvalidUnit(why)) => assert!(why.contains("The value 'X'"), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refused_range_may_be_asked_for_in_parts() {
        let body = r#"{"errors":{"To":["The date range between From and To must not exceed 7 days"]}}"#;
        assert!(matches!(refused(400, body), Refusal::TooMuch(_)));
        assert!(matches!(refused(413, ""), Refusal::TooMuch(_)));
    }

    #[test]
    fn too_many_requests_carries_the_wait() {
        let answer = Answer { status: 429, retry_after: Some(7), body: b"<html>".to_vec() };
        assert!(matches!(answer.refusal("PN"), Some(Refusal::Failed(Failure::RateLimited(Some(7))))));
    }

    #[test]
    fn pages_and_server_faults_pass() {
        for (status, body) in
            [(200, "\n<!DOCTYPE html>"), (403, "<html>"), (400, "<html>"), (500, "{}"), (503, "")]
        {
            let refusal = refused(status, body);
            assert!(matches!(refusal, Refusal::Failed(Failure::Unavailable(_))), "{status} {refusal:?}");
        }
    }

    #[test]
    fn an_answer_cut_off_says_where() {
        let Some(mut body) = fixture("elexon/gs_pn_stream.json") else { return };
        body.truncate(500);
        let answer = answer(200, &body);
        let why = answer.rows::<Row<'_>>("PN").unwrap_err();
        assert!(
            matches!(&why, Failure::Malformed(text) if text.contains("cut off after 500 bytes")),
            "{why:?}"
        );
    }

    #[test]
    fn answers_of_another_shape_are_malformed() {
        for body in ["", "null", "{}", r#"{"data":null}"#, r#"[{"quantity":"12"}]"#, "[1e999]", "\u{0}\u{1}"]
        {
            let answer = answer(200, body.as_bytes());
            assert!(matches!(answer.rows::<Row<'_>>("PN"), Err(Failure::Malformed(_))), "{body:?}");
        }
    }
}
