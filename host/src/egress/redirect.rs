//! Where a redirect leads (RFC 9110, 15.4). Whether it may lead there is decided like for any other URL.

use reqwest::StatusCode;
use url::Url;

use super::credential::Credential;
use super::error::EgressError;
use super::redact::Redactor;
use super::request::Method;

/// Redirects that one request may follow.
pub(super) const MOST_REDIRECTS: usize = 5;

/// The next URL, without the credential, and the method to use there; `None` if this answer is no redirect.
pub(super) fn next(
    from: &Url,
    method: Method,
    status: StatusCode,
    location: Option<&[u8]>,
    credential: Option<&Credential>,
    redactor: &Redactor,
) -> Result<Option<(Url, Method)>, EgressError> {
    let method = match (status.as_u16(), method) {
        (301..=303, _) => Method::Get,
        (307 | 308, method) => method,
        _ => return Ok(None),
    };
    let Some(location) = location else { return Ok(None) };
    let host = from.host_str().unwrap_or_default();
    let broken = |why: &str| Err(EgressError::Transport(format!("{host}: a redirect {why}")));
    let Ok(mut url) =
        std::str::from_utf8(location).map_err(drop).and_then(|text| from.join(text).map_err(drop))
    else {
        return broken("leads to something that is not a URL");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return broken("leads to a URL with a user name or password");
    }
    if from.scheme() == "https" && url.scheme() != "https" {
        return Err(EgressError::Denied(format!(
            "{host}: a redirect from https to {} is not followed",
            url.scheme()
        )));
    }
    url.set_fragment(None);
    if let Some(credential) = credential {
        credential.remove_from(&mut url);
    }
    // An upstream that repeats the secret elsewhere in the URL would hand it to whoever is next.
    if redactor.finds(url.as_str()) {
        return broken("carries the credential in its URL and is not followed");
    }
    Ok(Some((url, method)))
}

#[cfg(test)]
mod tests {
    use super::{Credential, EgressError, Method, Redactor, StatusCode, Url, next};

    fn lead(method: Method, status: u16, location: &str) -> Result<Option<(String, Method)>, EgressError> {
        let credential = Credential::query("api_key", "s3cr3t-value").unwrap();
        let redactor = Redactor::new(Some(&credential)).unwrap();
        let from = Url::parse("https://a.org/dir/page?x=1").unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let next = next(&from, method, status, Some(location.as_bytes()), Some(&credential), &redactor)?;
        Ok(next.map(|(url, method)| (url.into(), method)))
    }

    #[test]
    fn methods_follow_the_status() {
        let to = |url: &str, method| Ok(Some((url.to_owned(), method)));
        for status in [301, 302, 303] {
            assert_eq!(lead(Method::Post, status, "/b"), to("https://a.org/b", Method::Get));
        }
        for status in [307, 308] {
            assert_eq!(lead(Method::Post, status, "b?c=d#e"), to("https://a.org/dir/b?c=d", Method::Post));
            assert_eq!(lead(Method::Get, status, "https://b.org"), to("https://b.org/", Method::Get));
        }
        for status in [200, 300, 304] {
            assert_eq!(lead(Method::Get, status, "/b"), Ok(None));
        }
    }

    #[test]
    fn an_echoed_credential_goes_no_further() {
        let clean = lead(Method::Get, 302, "https://b.org/?api_key=s3cr3t-value&y=2").unwrap().unwrap();
        assert_eq!(clean.0, "https://b.org/?y=2");
        let error = lead(Method::Get, 302, "https://b.org/s3cr3t-value").unwrap_err().to_string();
        assert!(error.contains("carries the credential") && !error.contains("s3cr3t"), "{error}");
    }

    #[test]
    fn a_redirect_may_not_leave_https_or_bring_a_user() {
        assert!(matches!(lead(Method::Get, 302, "http://a.org/"), Err(EgressError::Denied(_))));
        assert!(matches!(lead(Method::Get, 302, "file:///etc/passwd"), Err(EgressError::Denied(_))));
        assert!(matches!(lead(Method::Get, 302, "https://u:p@a.org/"), Err(EgressError::Transport(_))));
        assert!(matches!(lead(Method::Get, 302, "https://[broken"), Err(EgressError::Transport(_))));
    }
}
