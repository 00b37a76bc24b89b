//! The credential of a source: added to a request after it has left the sandbox, and nowhere to be read.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// The fewest characters of a secret that is cut from what an upstream sends back. A shorter one can't be told from
/// ordinary text; it is still never logged or stored by the host itself.
pub const MIN_SECRET: usize = 6;

/// A resolved secret and where it goes. Its `Debug` shows the place alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    place: Place,
    secret: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Header(HeaderName),
    Query(String),
}

impl Credential {
    /// A secret sent as the header `name`.
    pub fn header(name: &str, secret: &str) -> Result<Self, String> {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` can't be the name of a header"))?;
        HeaderValue::from_str(secret).map_err(
            |_| "the secret holds characters that a header can't carry (line breaks, control characters)",
        )?;
        Self::new(Place::Header(header), secret)
    }

    /// A secret sent as the query parameter `name`.
    pub fn query(name: &str, secret: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Err("the name of the query parameter is empty".to_owned());
        }
        Self::new(Place::Query(name.to_owned()), secret)
    }

    fn new(place: Place, secret: &str) -> Result<Self, String> {
        if secret.len() < MIN_SECRET {
            tracing::warn!(
                "a credential of {} characters is too short to be cut from what the upstream echoes; real keys are \
                 longer",
                secret.len()
            );
        }
        Ok(Self { place, secret: secret.to_owned() })
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether this header is the credential's own.
    pub(super) fn is_header(&self, name: &HeaderName) -> bool {
        matches!(&self.place, Place::Header(mine) if mine == name)
    }

    /// Whether this (decoded) query parameter is the credential's own. Case is ignored, as some servers do.
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        matches!(&self.place, Place::Query(mine) if mine.eq_ignore_ascii_case(name))
    }

    /// Adds the secret to a request that is about to be sent.
    pub(super) fn add_to(&self, url: &mut Url, headers: &mut HeaderMap) {
        match &self.place {
            Place::Query(name) => {
                url.query_pairs_mut().append_pair(name, &self.secret);
            }
            Place::Header(name) => {
                // `header` checked that the secret can be a value.
                if let Ok(mut value) = HeaderValue::from_str(&self.secret) {
                    value.set_sensitive(true);
                    headers.insert(name.clone(), value);
                }
            }
        }
    }

    /// Takes the credential's query parameter out of a URL (an upstream may echo it into a redirect); the rest
    /// stays byte for byte.
    pub(super) fn remove_from(&self, url: &mut Url) {
        let Some(query) = url.query() else { return };
        let own = |piece: &str| {
            url::form_urlencoded::parse(piece.as_bytes()).any(|(name, _)| self.is_parameter(&name))
        };
        if query.split('&').any(own) {
            let rest = query.split('&').filter(|piece| !own(piece)).collect::<Vec<_>>().join("&");
            url.set_query((!rest.is_empty()).then_some(&rest));
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Credential, HeaderMap, Url};

    #[test]
    fn a_query_credential_is_added_once_and_the_rest_stays_as_it_was() {
        let credential = Credential::query("api_key", "s3cr3t&x").unwrap();
        let mut url = Url::parse("https://a.org/p?data[0]=v&sort[0][column]=a%20b&API_key=old").unwrap();
        credential.remove_from(&mut url);
        assert_eq!(url.query(), Some("data[0]=v&sort[0][column]=a%20b"));
        credential.add_to(&mut url, &mut HeaderMap::new());
        assert_eq!(url.query(), Some("data[0]=v&sort[0][column]=a%20b&api_key=s3cr3t%26x"));
        let mut url = Url::parse("https://a.org/p?%61pi_key=old").unwrap();
        credential.remove_from(&mut url);
        assert_eq!(url.as_str(), "https://a.org/p");
    }

    #[test]
    fn useless_credentials_are_refused_without_repeating_them() {
        assert!(Credential::header("a b", "s3cr3t-value").unwrap_err().contains("`a b`"));
        let error = Credential::header("x-token", "s3cr3t\nvalue").unwrap_err();
        assert!(error.contains("line breaks") && !error.contains("s3cr3t"), "{error}");
        assert!(Credential::query("", "s3cr3t-value").is_err());
    }

    #[test]
    fn debug_shows_the_place_and_not_the_secret() {
        let shown = format!("{:?}", Credential::header("SECURITY_TOKEN", "s3cr3t-value").unwrap());
        assert!(shown.contains("security_token") && !shown.contains("s3cr3t"), "{shown}");
    }
}
