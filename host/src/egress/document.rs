//! Small documents that the host itself needs from addresses of its configuration, such as the keys of an issuer of
//! tokens. They are held to the same rules for addresses as everything else.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::client::{causes, find};
use super::error::EgressError;
use super::grant::Opens;
use super::post::{admit_literal, client};
use super::resolve::{AddressDenied, Lookup};

/// No document of this kind is longer.
const LONGEST: usize = 1 << 20;

/// Reads documents.
#[derive(Debug)]
pub struct Documents {
    client: Client,
    opens: Opens,
}

impl Documents {
    /// A reader for `whose` sake that gives each so much time in all, and reaches loopback and private networks only
    /// where `private` says so.
    pub fn new(
        whose: &str,
        private: bool,
        timeout: Duration,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, EgressError> {
        let opens = if private { Opens::Private } else { Opens::Public };
        Ok(Self { client: client(whose, opens, timeout, lookup)?, opens })
    }

    /// A document, which is answered with status 200.
    ///
    /// # Errors
    /// Says why there is none.
    pub async fn get(&self, url: &Url) -> Result<Vec<u8>, String> {
        admit_literal(url, self.opens)?;
        let failed = |error: reqwest::Error| match find::<AddressDenied>(&error) {
            Some(denied) => denied.to_string(),
            None => format!("{url}: {}", causes(&error.without_url())),
        };
        let mut response = self.client.get(url.clone()).send().await.map_err(failed)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{url}: it answered with status {}", response.status()));
        }
        let mut document = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if document.len() + piece.len() > LONGEST {
                return Err(format!("{url}: it is longer than {LONGEST} bytes"));
            }
            document.extend_from_slice(&piece);
        }
        Ok(document)
    }
}
