//! `[archive]`: where upstream answers are kept.

use std::path::{Path, PathBuf};

use url::Url;

use super::reading::{FromText, Item, Section};
use crate::egress::Bucket;

/// `[archive]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Whether answers are kept, and reused where a source allows it.
    pub enabled: bool,
    /// Where.
    pub place: ArchivePlace,
}

/// Where answers are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchivePlace {
    /// A folder, from `path`; it need not exist yet.
    Folder(PathBuf),
    /// A bucket, from `url = "s3://…"`.
    Bucket {
        /// Which.
        bucket: Bucket,
        /// The folder where large answers wait until they are whole.
        spool: PathBuf,
    },
}

impl FromText for Bucket {
    const EXPECTED: &'static str = "\"s3://BUCKET/PREFIX\"";

    fn from_text(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// A server that speaks S3.
struct Endpoint(Url);

impl FromText for Endpoint {
    const EXPECTED: &'static str = "the address of a server, such as \"https://minio.example.org:9000\"";

    fn from_text(text: &str) -> Result<Self, String> {
        // The text is not repeated: somebody may have put a secret into it.
        let url = Url::parse(text).map_err(|error| format!("is not an address ({error})"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err("begins with neither http:// nor https://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "holds a user or password; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned()
            );
        }
        Ok(Self(url))
    }
}

impl Archive {
    pub(super) fn read(section: Section<'_>, folder: &Path) -> Self {
        let enabled = section.flag("enabled", true);
        let path: Option<String> = section.text("path");
        let url = section.item("url");
        if url.is_some() && path.is_some() {
            section.problem("url", "is given beside path; expected one of the two".to_owned());
        }
        let bucket = bucket(&section, url);
        section.finish();
        let place = match bucket {
            Some(bucket) => ArchivePlace::Bucket { bucket, spool: folder.join(".backfill/spool") },
            None => ArchivePlace::Folder(folder.join(path.as_deref().unwrap_or(".backfill/archive"))),
        };
        Self { enabled, place }
    }
}

/// The keys that only a bucket has.
const OF_A_BUCKET: [&str; 4] = ["region", "endpoint", "allow_http", "virtual_hosted_style"];

fn bucket(section: &Section<'_>, url: Option<Item<'_>>) -> Option<Bucket> {
    let given = OF_A_BUCKET.map(|key| section.item(key).is_some());
    let (region, endpoint) = (section.text("region"), section.text("endpoint").map(|Endpoint(url)| url));
    let allow_http = section.flag("allow_http", false);
    let virtual_hosted_style = section.flag("virtual_hosted_style", false);
    let Some(url) = url else {
        for (key, _) in OF_A_BUCKET.iter().zip(given).filter(|(_, given)| *given) {
            section.problem(key, format!("is of a bucket; expected url = {} too", Bucket::EXPECTED));
        }
        return None;
    };
    if !allow_http && endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http") {
        let message = "is not encrypted; expected https://, or allow_http = true too".to_owned();
        section.problem("endpoint", message);
    }
    let mut bucket: Bucket = url.text()?;
    bucket.region = region;
    bucket.endpoint = endpoint;
    bucket.allow_http = allow_http;
    bucket.virtual_hosted_style = virtual_hosted_style;
    Some(bucket)
}
