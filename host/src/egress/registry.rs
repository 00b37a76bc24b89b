//! A registry of OCI artifacts (the OCI Distribution Specification), for components that are published as `wkg oci push`
//! does: a manifest with one layer, which is the component. Anonymous, as public registries are read: a registry that
//! wants a token says where it gives one to everybody.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use oci_spec::distribution::Reference;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::component::Missed;
use super::pull::{Puller, host, refused};
use super::resolve::Lookup;

/// The media types of a layer that is a component: of today, and of the tools before.
const COMPONENT: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// No manifest is larger: registries take none that is (4 MiB, as the specification asks of them).
const LARGEST_MANIFEST: u64 = 4 << 20;

/// No token, and no explanation of a refusal.
const LARGEST_WORD: u64 = 64 << 10;

/// So much of an explanation is told.
const LONGEST_TOLD: usize = 200;

/// Whose artifact is wanted.
pub struct ComponentRegistry {
    puller: Puller,
    reference: Reference,
    /// Of the repository.
    base: Url,
    /// What the registry gives to everybody, once it asked for it.
    token: Mutex<Option<HeaderValue>>,
}

impl ComponentRegistry {
    /// The registry of a reference. Private addresses are asked only where `private` says so, and one without TLS only
    /// if it is `plain`.
    ///
    /// # Errors
    /// There can be no such registry.
    pub fn open(
        reference: &Reference,
        private: bool,
        plain: bool,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Missed> {
        Self::asked_by(Puller::new(private, lookup)?, reference, plain)
    }

    pub(super) fn asked_by(puller: Puller, reference: &Reference, plain: bool) -> Result<Self, Missed> {
        let scheme = if plain { "http" } else { "https" };
        let (registry, repository) = (reference.resolve_registry(), reference.repository());
        let base = Url::parse(&format!("{scheme}://{registry}/v2/{repository}/"))
            .map_err(|error| Missed::lasting(format!("{registry:?} is no registry ({error})")))?;
        Ok(Self { puller, reference: reference.clone(), base, token: Mutex::default() })
    }

    /// The manifest that the reference names, by its digest if it has one. Whether it has that digest is still to be
    /// looked at.
    ///
    /// # Errors
    /// Says why it can't be had.
    pub async fn manifest(&self) -> Result<Bytes, Missed> {
        let named = self.reference.digest().or(self.reference.tag()).unwrap_or("latest");
        let path = format!("manifests/{named}");
        self.puller
            .persistently(|| async {
                self.puller.read(self.ask(&path, MANIFEST).await?, LARGEST_MANIFEST).await
            })
            .await
    }

    /// The component of a digest, in hexadecimal. Whether it has that digest is still to be looked at.
    ///
    /// # Errors
    /// Says why it can't be had.
    pub async fn component(&self, sha256: &str) -> Result<Bytes, Missed> {
        let (path, what) = (format!("blobs/sha256:{sha256}"), format!("oci://{}", self.reference));
        self.puller
            .persistently(|| async { self.puller.component(&what, self.ask(&path, "*/*").await?).await })
            .await
    }

    /// A successful answer about the repository, with a token if the registry wants one.
    async fn ask(&self, path: &str, accept: &'static str) -> Result<Response, Missed> {
        let url = self.base.join(path).map_err(|error| Missed::lasting(error.to_string()))?;
        let response = self.puller.get(&url, self.headers(accept)).await?;
        // Only the registry itself says where its tokens are, and nobody whom it sent on to.
        let wants_token =
            response.status() == StatusCode::UNAUTHORIZED && response.url().origin() == url.origin();
        match wants_token.then(|| Challenge::of(response.headers())).flatten() {
            None => self.successful(response).await,
            Some(challenge) => {
                let token = self.fetch_token(&challenge).await?;
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
                self.successful(self.puller.get(&url, self.headers(accept)).await?).await
            }
        }
    }

    fn headers(&self, accept: &'static str) -> HeaderMap {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let token = token.map(|token| (AUTHORIZATION, token));
        token.into_iter().chain([(ACCEPT, HeaderValue::from_static(accept))]).collect()
    }

    /// A token for everybody who reads the repository.
    async fn fetch_token(&self, challenge: &Challenge) -> Result<HeaderValue, Missed> {
        let no_token = |why: String| Missed::lasting(format!("the registry gives no token: {why}"));
        let mut url = Url::parse(&challenge.realm)
            .map_err(|error| no_token(format!("it names what is no address ({error})")))?;
        let scope = format!("repository:{}:pull", self.reference.repository());
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = &challenge.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let response = self.successful(self.puller.get(&url, HeaderMap::new()).await?).await?;
        let given = self.puller.read(response, LARGEST_WORD).await?;
        // An error of the parser could repeat the token.
        let given: Given = serde_json::from_slice(&given)
            .map_err(|_| no_token(format!("{} answers with something else", host(&url))))?;
        let token = given.token.or(given.access_token).and_then(|token| {
            let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
            header.set_sensitive(true);
            Some(header)
        });
        token.ok_or_else(|| no_token(format!("there is none in what {} answers", host(&url))))
    }

    /// The answer if it is a success, and else what it says.
    async fn successful(&self, response: Response) -> Result<Response, Missed> {
        let (status, from) = (response.status(), host(response.url()).to_owned());
        if status.is_success() {
            return Ok(response);
        }
        let explanation = self.puller.read(response, LARGEST_WORD).await.ok();
        let said = explanation.and_then(|bytes| explained(&bytes)).unwrap_or_default();
        Err(refused(
            status,
            match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
                    "{from} shows it to nobody without a login{said}; make it public, or name a file of it"
                ),
                StatusCode::NOT_FOUND => format!("the registry has no such artifact{said}"),
                _ => format!("{from} answered with status {status}{said}"),
            },
        ))
    }
}

/// Where a registry gives tokens (RFC 6750, as Docker's registries use it).
struct Challenge {
    realm: String,
    service: Option<String>,
}

impl Challenge {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        texts.filter_map(|text| http_auth::parse_challenges(text).ok()).flatten().find_map(|challenge| {
            let of = |name: &str| {
                let found = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            let bearer = challenge.scheme.eq_ignore_ascii_case("bearer");
            bearer.then(|| Some(Self { realm: of("realm")?, service: of("service") })).flatten()
        })
    }
}

/// A token, by either of its names; some give both.
#[derive(Deserialize)]
struct Given {
    token: Option<String>,
    access_token: Option<String>,
}

/// How a registry explains a refusal.
#[derive(Deserialize)]
struct Explanation {
    errors: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    #[serde(default)]
    message: String,
}

/// The first of a registry's reasons, in parentheses. It is somebody else's text, which a log and a page show.
fn explained(bytes: &[u8]) -> Option<String> {
    let Explanation { errors } = serde_json::from_slice(bytes).ok()?;
    let Refusal { code, message } = errors.into_iter().next()?;
    let text: String = format!("{code}: {message}").chars().take(LONGEST_TOLD).collect();
    Some(format!(" ({})", text.trim_end_matches([':', ' ']).escape_debug()))
}

/// What of a manifest says which component it publishes.
#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

/// The digest of the component that a manifest publishes, in hexadecimal.
///
/// # Errors
/// Says what is published instead.
pub fn published_component(manifest: &[u8]) -> Result<String, String> {
    let manifest: Manifest = serde_json::from_slice(manifest)
        .map_err(|error| format!("its manifest is none of an artifact with layers ({error})"))?;
    let types: Vec<_> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
    let [layer] = manifest.layers.as_slice() else {
        return Err(format!("it has {} layers ({}); expected one component", types.len(), types.join(", ")));
    };
    if !COMPONENT.contains(&layer.media_type.as_str()) {
        return Err(format!("it holds {}; expected {}", layer.media_type, COMPONENT[0]));
    }
    let digest = layer.digest.strip_prefix("sha256:").filter(|hex| is_sha256(hex));
    digest
        .map(str::to_owned)
        .ok_or_else(|| format!("its component's digest {:?} is no SHA-256", layer.digest))
}

fn is_sha256(hex: &str) -> bool {
    hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
