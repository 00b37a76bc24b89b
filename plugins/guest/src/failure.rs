//! From what went wrong with a request to the failure that the host should act on.

use crate::bindings::backfill::source::http::Error;
use crate::{Failure, http::Response};

impl From<Error> for Failure {
    /// No answer in time and a broken connection pass; a denial or an answer over the cap does not.
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(why) => Failure::NotAvailable(format!("the host denied the request: {why}")),
            Error::Timeout => Failure::Unavailable("no answer in time".into()),
            Error::TooLarge(cap) => {
                Failure::Malformed(format!("the answer is larger than the cap of {cap} bytes"))
            }
            Error::Transport(why) => Failure::Unavailable(why),
        }
    }
}

impl Response {
    /// The failure that an HTTP status stands for, where the upstream's own body says nothing better.
    pub fn failure(&self, what: &str) -> Failure {
        let status = self.status();
        match status {
            401 | 403 => Failure::Unauthorized(format!("{what}: HTTP {status}")),
            429 => Failure::RateLimited(self.retry_after()),
            404 | 408 | 425 | 500..=599 => Failure::Unavailable(format!("{what}: HTTP {status}")),
            _ => Failure::Malformed(format!("{what}: unexpected HTTP {status}")),
        }
    }
}
