//! A bucket for the archive: what people write, the client for it, and how its errors read. Credentials are never
//! written: they are where AWS tools look for them (`AWS_ACCESS_KEY_ID` and so on, a web identity, the machine).

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, RetryConfig};
use url::Url;

use super::client::causes;

/// How often a request is made again, and for how long in all. What fails then fails the task, which is tried again
/// much later.
pub(super) const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(200),
        max_backoff: Duration::from_secs(10),
        base: 2.0,
    },
    max_retries: 6,
    retry_timeout: Duration::from_secs(60),
};

/// A bucket of S3 or of anything that speaks its protocol. As text: `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    name: String,
    prefix: String,
    /// Its region; without one what `AWS_REGION` says, or `us-east-1`.
    pub region: Option<String>,
    /// The server, if it is not AWS.
    pub endpoint: Option<Url>,
    /// Whether the server may be spoken to without encryption.
    pub allow_http: bool,
    /// Whether the bucket's name is part of the host's, and not of the path.
    pub virtual_hosted_style: bool,
}

impl Bucket {
    /// Reads `s3://bucket/prefix`; the prefix may be missing.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("{text:?} {why}"));
        let Some(rest) = text.strip_prefix("s3://") else { return fail("does not begin with s3://") };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(3..=63).contains(&name.len()) || !name.bytes().all(inside) {
            return fail("names no bucket: 3 to 63 lower-case letters, digits, dots and hyphens");
        }
        let prefix = prefix.trim_end_matches('/');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let part = |part: &str| !["", ".", ".."].contains(&part) && part.bytes().all(fits);
        if !prefix.is_empty() && !prefix.split('/').all(part) {
            return fail("has a prefix of something else than letters, digits, - _ and . between slashes");
        }
        let (name, prefix) = (name.to_owned(), prefix.to_owned());
        Ok(Self {
            name,
            prefix,
            region: None,
            endpoint: None,
            allow_http: false,
            virtual_hosted_style: false,
        })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A client. `vars` is the process's environment, of which AWS's own variables are read.
    pub(super) fn client(
        &self,
        vars: impl Iterator<Item = (OsString, OsString)>,
        retries: RetryConfig,
    ) -> object_store::Result<AmazonS3> {
        let mut builder = AmazonS3Builder::new();
        for (name, value) in vars {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
                && name.starts_with("AWS_")
                && let Ok(key) = name.to_ascii_lowercase().parse()
            {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder
            .with_bucket_name(&self.name)
            .with_virtual_hosted_style_request(self.virtual_hosted_style)
            // One object at a time is deleted, and not every server that speaks S3 knows another way.
            .with_disable_bulk_delete(true)
            .with_retry(retries);
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        if self.allow_http {
            builder = builder.with_allow_http(true);
        }
        builder.build()
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.name)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// What is asked of the machine's own metadata service.
const METADATA: &str = "/latest/api/token";

/// What a server said, without the pages around it, and what to check.
pub(super) fn explain(error: &(dyn Error + 'static)) -> String {
    let whole = causes(error);
    // S3 answers with XML that repeats the request, its signature included.
    let said = match (tag(&whole, "Code"), tag(&whole, "Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => whole.clone(),
    };
    let check = match cause(error) {
        Some(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }) => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that they may read, write and delete there"
        }
        Some(object_store::Error::NotFound { .. }) => "check the bucket's name, region and endpoint",
        // The last place where credentials are looked for: a cloud's own machines have them.
        _ if whole.contains(METADATA) => {
            "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        }
        _ => "check region and endpoint, that the server runs, and that this host reaches it",
    };
    format!("{said}; {check}")
}

/// The object store's own error in what was wrapped around it.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a object_store::Error> {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let inner = inner.map(|inner| inner as &(dyn Error + 'static));
    inner.unwrap_or(error).downcast_ref()
}

fn tag<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

#[cfg(test)]
mod tests {
    use super::Bucket;

    #[test]
    fn a_bucket_may_have_a_prefix_of_several_parts() {
        for (text, prefix, shown) in [
            ("s3://history", "", "s3://history"),
            ("s3://history/", "", "s3://history"),
            ("s3://my.history-1/a/b_c.d/", "a/b_c.d", "s3://my.history-1/a/b_c.d"),
        ] {
            let bucket = Bucket::parse(text).unwrap();
            assert_eq!((bucket.prefix(), bucket.to_string().as_str()), (prefix, shown));
        }
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for text in ["history", "s3:/history", "S3://history", "https://history"] {
            assert!(Bucket::parse(text).unwrap_err().ends_with("does not begin with s3://"), "{text}");
        }
        for text in ["s3://", "s3:///a", "s3://ab", "s3://History", "s3://key:secret@history", "s3://a b c"] {
            assert!(Bucket::parse(text).unwrap_err().contains("names no bucket"), "{text}");
        }
        for text in ["s3://history//a", "s3://history/../a", "s3://history/a?b", "s3://history/ü"] {
            assert!(Bucket::parse(text).unwrap_err().contains("has a prefix of something else"), "{text}");
        }
    }
}
