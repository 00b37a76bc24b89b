//! One answer of the API: a page of rows, or why there is none.
//!
//! The body is asked before the status, because EIA's statuses are not to be trusted: an unknown route was
//! recorded as HTTP 500 with `{"error":"Not found.","code":404}`, and status and body are only said to agree
//! since version 2.1.10 of the API.

use backfill_guest::Failure;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A page of rows.
#[derive(Debug)]
pub(crate) struct Page<R> {
    pub(crate) rows: Vec<R>,
    /// Rows of all pages, as EIA counts them; wrong in some versions of the API before 2.1.12.
    pub(crate) total: Option<usize>,
    /// Warnings of the API, without the one that only says "there are more pages".
    pub(crate) warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Envelope<C> {
    response: Option<C>,
    error: Option<Value>,
    code: Option<Value>,
}

#[derive(Deserialize)]
struct Content<R> {
    data: Option<Vec<R>>,
    total: Option<Value>,
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Warning {
    #[serde(default)]
    warning: String,
    #[serde(default)]
    description: String,
}

/// Reads an answer with rows.
///
/// # Errors
/// Those of [`response`].
pub(crate) fn page<R: DeserializeOwned>(
    status: u16,
    retry_after: Option<u32>,
    body: &[u8],
) -> Result<Page<R>, Failure> {
    let content: Content<R> = response(status, retry_after, body)?;
    Ok(Page {
        rows: content.data.ok_or_else(|| lacks("response.data"))?,
        total: content.total.as_ref().and_then(whole_number),
        warnings: content
            .warnings
            .into_iter()
            .filter(|warning| warning.warning != "incomplete return")
            .map(|warning| format!("EIA warns: {}: {}", warning.warning, warning.description))
            .collect(),
    })
}

/// Reads an answer of any kind.
///
/// # Errors
/// Each refusal of EIA by its own case; what is not JSON (a landing page, a cut body, a gateway's error) is
/// unavailable, JSON of another shape is malformed.
pub(crate) fn response<C: DeserializeOwned>(
    status: u16,
    retry_after: Option<u32>,
    body: &[u8],
) -> Result<C, Failure> {
    if !(200..300).contains(&status) {
        let said = serde_json::from_slice::<Envelope<serde::de::IgnoredAny>>(body).ok();
        return Err(refusal(status, retry_after, body, said.map(|said| (said.error, said.code))));
    }
    let envelope: Envelope<C> = serde_json::from_slice(body).map_err(|error| {
        let why = format!("EIA's answer is not what was expected: {error}; it begins {:?}", beginning(body));
        if error.is_data() { Failure::Malformed(why) } else { Failure::Unavailable(why) }
    })?;
    match envelope {
        Envelope { response: Some(content), error: None, .. } => Ok(content),
        Envelope { error: None, code: None, .. } => Err(lacks("response")),
        Envelope { error, code, .. } => Err(refusal(status, retry_after, body, Some((error, code)))),
    }
}

fn lacks(field: &str) -> Failure {
    Failure::Malformed(format!("EIA's answer has no `{field}`; whether there are rows can't be told from it"))
}

/// The failure behind an answer that is an error, by `error` and `code` of its body, then by its status.
fn refusal(
    status: u16,
    retry_after: Option<u32>,
    body: &[u8],
    said: Option<(Option<Value>, Option<Value>)>,
) -> Failure {
    let is_json = said.is_some();
    let (error, code) = said.unwrap_or_default();
    let (text, code) = match &error {
        // The form of the gateway before the API: {"error":{"code":"API_KEY_INVALID","message":"…"}}.
        Some(Value::Object(error)) => {
            (error.get("message").and_then(Value::as_str), error.get("code").or(code.as_ref()))
        }
        // The form of the API itself: {"error":"Not found.","code":404}.
        error => (error.as_ref().and_then(Value::as_str), code.as_ref()),
    };
    let text = text.map_or_else(|| beginning(body), |text| text.chars().take(300).collect());
    let why = format!("EIA answered HTTP {status}: {text}");

    match code.and_then(Value::as_str) {
        Some(key) if key.starts_with("API_KEY_") => return unauthorized(format!("{why} ({key})")),
        Some("OVER_RATE_LIMIT") => return Failure::RateLimited(retry_after),
        _ => {}
    }
    match code.and_then(whole_number) {
        Some(401 | 403) => unauthorized(why),
        Some(404) => {
            Failure::NotAvailable(format!("{why}; EIA has no such route under the configured base_url"))
        }
        Some(429) => Failure::RateLimited(retry_after),
        Some(408 | 425 | 500..=599) => Failure::Unavailable(why),
        Some(_) => Failure::Malformed(format!("{why}; EIA no longer takes the query that this source asks")),
        None => by_status(status, retry_after, is_json, why),
    }
}

fn by_status(status: u16, retry_after: Option<u32>, is_json: bool, why: String) -> Failure {
    match status {
        401 => unauthorized(why),
        // EIA refuses keys in JSON; a page of HTML is some gateway's passing mood.
        403 if is_json => unauthorized(why),
        404 if is_json => Failure::NotAvailable(why),
        429 => Failure::RateLimited(retry_after),
        _ if !is_json => Failure::Unavailable(why),
        408 | 425 | 500..=599 => Failure::Unavailable(why),
        200..=299 => Failure::Unavailable(why),
        _ => Failure::Malformed(why),
    }
}

fn unauthorized(why: String) -> Failure {
    Failure::Unauthorized(format!(
        "{why}. Check the key that this source's credential names; keys are free at https://www.eia.gov/opendata/register.php"
    ))
}

/// A count or code that comes as a number or as a string of digits.
fn whole_number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| usize::try_from(number).ok()),
    }
}

/// The first characters of a body, to recognize it by.
fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<Page<Value>, Failure> {
        page(status, Some(7), body.as_bytes())
    }

    fn refused(status: u16, body: &str) -> Failure {
        read(status, body).unwrap_err()
    }

    #[test]
    fn a_total_may_be_a_string_or_a_number_or_absent() {
        for (total, expected) in
            [(r#""725""#, Some(725)), ("725", Some(725)), ("null", None), (r#""many""#, None)]
        {
            let page = read(200, &format!(r#"{{"response":{{"total":{total},"data":[{{}}]}}}}"#)).unwrap();
            assert_eq!((page.total, page.rows.len()), (expected, 1));
        }
    }

    #[test]
    fn an_incomplete_return_is_no_warning_and_no_error() {
        let body = r#"{"response":{"warnings":[{"warning":"incomplete return","description":"more"},
            {"warning":"another warning","description":"Hey!"}],"total":"6949","data":[]}}"#;
        assert_eq!(read(200, body).unwrap().warnings, ["EIA warns: another warning: Hey!"]);
    }

    #[test]
    fn a_missing_key_and_a_refused_key_are_unauthorized() {
        for code in ["API_KEY_MISSING", "API_KEY_INVALID", "API_KEY_DISABLED"] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"No api key."}}}}"#);
            for status in [403, 200, 500] {
                let failure = refused(status, &body);
                assert!(
                    matches!(&failure, Failure::Unauthorized(why) if why.contains(code)),
                    "{status} {failure:?}"
                );
            }
        }
    }

    #[test]
    fn a_spent_allowance_is_rate_limited_whatever_the_status() {
        let body = r#"{"error":{"code":"OVER_RATE_LIMIT","message":"You have exceeded your rate limit."}}"#;
        for (status, body) in
            [(429, body), (403, body), (429, ""), (429, "<html>"), (200, r#"{"error":"slow","code":429}"#)]
        {
            assert!(matches!(refused(status, body), Failure::RateLimited(Some(7))), "{status} {body}");
        }
    }

    #[test]
    fn a_code_in_the_body_outweighs_the_status() {
        let not_found = r#"{"error":"Not found.","code":404}"#;
        for status in [404, 500, 200] {
            assert!(matches!(refused(status, not_found), Failure::NotAvailable(_)), "{status}");
        }
        let bad = r#"{"error":"Invalid frequency 'millenially' provided.","code":400}"#;
        for status in [400, 500, 200] {
            assert!(
                matches!(refused(status, bad), Failure::Malformed(why) if why.contains("millenially")),
                "{status}"
            );
        }
        let fault = r#"{"error":"Something unexpected happened.","code":500}"#;
        assert!(matches!(refused(200, fault), Failure::Unavailable(_)));
    }

    #[test]
    fn without_a_code_the_status_speaks() {
        assert!(matches!(
            refused(500, r#"{"error":"Something unexpected happened."}"#),
            Failure::Unavailable(_)
        ));
        assert!(matches!(refused(403, r#"{"error":"Forbidden"}"#), Failure::Unauthorized(_)));
        assert!(matches!(refused(400, r#"{"error":"Bad"}"#), Failure::Malformed(_)));
        assert!(matches!(refused(404, r#"{"error":"Not found."}"#), Failure::NotAvailable(_)));
    }

    #[test]
    fn what_is_not_json_passes() {
        let page = "<html><body>Service Unavailable</body></html>";
        for (status, body) in
            [(200, page), (500, page), (502, ""), (403, page), (200, ""), (200, r#"{"response":{"da"#)]
        {
            assert!(matches!(refused(status, body), Failure::Unavailable(_)), "{status} {body}");
        }
    }

    #[test]
    fn an_answer_without_its_rows_is_malformed_and_not_empty() {
        for body in
            ["{}", r#"{"response":{}}"#, r#"{"response":{"total":"0"}}"#, r#"{"response":{"data":{}}}"#, "[]"]
        {
            assert!(matches!(refused(200, body), Failure::Malformed(_)), "{body}");
        }
    }

    #[test]
    fn long_error_texts_are_cut_between_characters() {
        let body = format!(r#"{{"error":"{}","code":400}}"#, "é".repeat(5000));
        assert!(matches!(refused(400, &body), Failure::Malformed(why) if why.len() < 1000));
    }
}
