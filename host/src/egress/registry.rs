//! A registry of OCI artifacts, for components that are published as `wkg oci push` does: a manifest with one layer,
//! which is the component. Anonymous, as public registries are read.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use oci_client::{
    Client, Reference,
    client::{ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageManifest, WASM_LAYER_MEDIA_TYPE},
    secrets::RegistryAuth,
};
use url::Url;

use super::client::causes;
use super::component::{Missed, SILENCE, closed, persistently, whole};
use super::grant::Opens;
use super::post::admit_literal;
use super::resolve::Lookup;

/// The media types of a layer that is a component: of today, and of the tools before.
const COMPONENT: [&str; 2] = ["application/wasm", WASM_LAYER_MEDIA_TYPE];

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Whose artifact is wanted.
pub struct ComponentRegistry {
    client: Client,
    reference: Reference,
}

impl ComponentRegistry {
    /// The registry of a reference. Private addresses are asked only where `private` says so, and one without TLS only
    /// if it is `plain`.
    ///
    /// # Errors
    /// The registry is at an address that is closed, or is not found.
    pub async fn open(
        reference: &Reference,
        private: bool,
        plain: bool,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, Missed> {
        let opens = if private { Opens::Private } else { Opens::Public };
        admit(reference.resolve_registry(), opens, lookup).await?;
        let config = ClientConfig {
            protocol: if plain { ClientProtocol::Http } else { ClientProtocol::Https },
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(SILENCE),
            user_agent: concat!("backfill/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client = Client::try_from(config).map_err(|error| missed(&error))?;
        client.store_auth_if_needed(reference.resolve_registry(), &RegistryAuth::Anonymous).await;
        Ok(Self { client, reference: reference.clone() })
    }

    /// The digest that the reference's tag stands for at the moment.
    ///
    /// # Errors
    /// Says why nobody knows.
    pub async fn digest_of_tag(&self) -> Result<String, Missed> {
        let digest = self.client.fetch_manifest_digest(&self.reference, &RegistryAuth::Anonymous);
        digest.await.map_err(|error| missed(&error))
    }

    /// The manifest of the reference's digest, as it was published.
    ///
    /// # Errors
    /// Says why it can't be had.
    pub async fn manifest(&self) -> Result<Bytes, Missed> {
        persistently(|| async {
            let (accepted, nobody) = ([OCI_IMAGE_MEDIA_TYPE], RegistryAuth::Anonymous);
            let pulled = self.client.pull_manifest_raw(&self.reference, &nobody, &accepted).await;
            pulled.map(|(bytes, _)| bytes).map_err(|error| missed(&error))
        })
        .await
    }

    /// The component of this digest, whole and checked.
    ///
    /// # Errors
    /// Says why it can't be had.
    pub async fn component(&self, sha256: &str) -> Result<Bytes, Missed> {
        let (digest, what) = (format!("sha256:{sha256}"), format!("oci://{}", self.reference));
        persistently(|| async {
            let layer = self.client.pull_blob_stream(&self.reference, digest.as_str()).await;
            let layer = layer.map_err(|error| missed(&error))?;
            let size = layer.content_length;
            let pieces = layer.map(|piece| piece.map_err(|error| Missed::passing(causes(&error))));
            whole(&what, size, pieces).await
        })
        .await
    }
}

/// The digest of the component that a manifest publishes, in hexadecimal.
///
/// # Errors
/// Says what is published instead.
pub fn published_component(manifest: &[u8]) -> Result<String, String> {
    let manifest: OciImageManifest = serde_json::from_slice(manifest)
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

/// Refuses a registry at an address that is closed. What it sends on to is not looked at: the digest says whether the
/// bytes are the right ones, and nothing of them is told to anybody unless they are.
async fn admit(registry: &str, opens: Opens, lookup: &Arc<dyn Lookup>) -> Result<(), Missed> {
    let url = Url::parse(&format!("https://{registry}"))
        .map_err(|error| Missed::lasting(format!("{registry:?} is no registry ({error})")))?;
    admit_literal(&url, opens).map_err(|what| closed(&what))?;
    let Some(name) = url.domain() else { return Ok(()) };
    let addresses = lookup.lookup(name.to_owned()).await;
    for address in addresses.map_err(|error| Missed::passing(format!("{name} is not found ({error})")))? {
        if let Err(what) = opens.admits(address) {
            return Err(closed(&format!("{name} resolves to {address}, which is not public ({what})")));
        }
    }
    Ok(())
}

fn missed(error: &OciDistributionError) -> Missed {
    match error {
        OciDistributionError::RequestError(error) => Missed::passing(causes(error)),
        OciDistributionError::IoError(error) => Missed::passing(causes(error)),
        OciDistributionError::ServerError { code, .. } if *code == 429 || *code >= 500 => {
            Missed::passing(format!("the registry answered with status {code}"))
        }
        OciDistributionError::ServerError { code, .. } => {
            Missed::lasting(format!("the registry answered with status {code}"))
        }
        OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => {
            Missed::lasting(
                "the registry shows it to nobody without a login; make it public, or name a file of it",
            )
        }
        OciDistributionError::ImageManifestNotFoundError(_) => {
            Missed::lasting("the registry has no such artifact")
        }
        other => Missed::lasting(other.to_string()),
    }
}
