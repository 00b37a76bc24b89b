//! A component from elsewhere becomes a file of this host: downloaded once, checked against its digest, and kept by it,
//! so that a host that is cut off from where it came starts all the same.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use oci_client::Reference;
use sha2::{Digest, Sha256};

use super::{engine::Engine, open::Unusable};
use crate::{
    config::{self, Component},
    egress::{self, ComponentRegistry, Missed, Shared},
};

/// The file of a source's component, and the digest that it must have.
pub(super) async fn obtain(
    source: &config::Source,
    engine: &Engine,
    shared: &Shared,
) -> Result<(PathBuf, Option<String>), Unusable> {
    let pinned = source.sha256.clone();
    let obtained = match (&source.component, pinned) {
        (Component::File(path), pinned) => return Ok((path.clone(), pinned)),
        (Component::Web { url, private }, Some(digest)) => {
            let download = || egress::download(url, *private, shared.lookup.clone());
            kept_or(engine, &digest, download).await.map(|path| (path, digest))
        }
        // The configuration is not read without it.
        (Component::Web { .. }, None) => Err(lasting("it has no sha256")),
        (Component::Oci { reference, private }, pinned) => {
            published(engine, shared, reference, *private, pinned.as_deref()).await
        }
    };
    let (path, digest) = obtained.map_err(|Missed { why, passing }| Unusable::Elsewhere {
        component: source.component.to_string(),
        why,
        passing,
    })?;
    Ok((path, Some(digest)))
}

/// The SHA-256 of the component that a source names now, as far as that is known without asking anybody.
pub async fn digest_of(source: &config::Source, engine: &Engine) -> Option<String> {
    match &source.component {
        Component::File(path) => tokio::fs::read(path).await.ok().map(|bytes| sha256(&bytes)),
        Component::Web { .. } => source.sha256.clone(),
        Component::Oci { reference, .. } => {
            let manifest = kept_manifest(engine, reference.digest()?).await?;
            egress::published_component(&manifest).ok()
        }
    }
}

/// The component of an artifact: the manifest of the named digest says which layer it is.
async fn published(
    engine: &Engine,
    shared: &Shared,
    reference: &Reference,
    private: bool,
    pinned: Option<&str>,
) -> Result<(PathBuf, String), Missed> {
    let registry = || async {
        let plain = private && config::is_loopback(reference.resolve_registry());
        ComponentRegistry::open(reference, private, plain, &shared.lookup).await
    };
    let Some(named) = reference.digest() else {
        return Err(tagged(reference, registry().await?.digest_of_tag().await));
    };
    let manifest = match kept_manifest(engine, named).await {
        Some(manifest) => manifest,
        None => {
            let manifest = registry().await?.manifest().await?;
            let file = manifest_file(named);
            engine.keep_as(&file, manifest.clone()).await.map_err(|error| not_kept(&error))?;
            manifest
        }
    };
    let digest = egress::published_component(&manifest).map_err(lasting)?;
    if let Some(pinned) = pinned.filter(|pinned| *pinned != digest) {
        return Err(lasting(format!(
            "the component has the SHA-256 {digest}, but the configuration pins {pinned}; leave `sha256` out, since the \
             reference says it all, or correct one of the two"
        )));
    }
    let pull = || async { registry().await?.component(&digest).await };
    let path = kept_or(engine, &digest, pull).await?;
    Ok((path, digest))
}

/// What a tag stands for can change at any time; so it is not taken, and what it stands for now is told.
fn tagged(reference: &Reference, digest: Result<String, Missed>) -> Missed {
    let (registry, repository) = (reference.registry(), reference.repository());
    let tag = reference.tag().unwrap_or("latest");
    let refused =
        format!("the tag {tag} can stand for another component tomorrow, so that it is not taken; write");
    match digest {
        Ok(digest) => lasting(format!(
            "{refused} component = \"oci://{registry}/{repository}@{digest}\", which it stands for now"
        )),
        Err(missed) => lasting(format!(
            "{refused} oci://{registry}/{repository}@sha256:… with the digest that the registry shows beside the tag \
             (asked for it, it said: {})",
            missed.why
        )),
    }
}

/// The kept component of a digest, or else the downloaded one.
async fn kept_or<D: Future<Output = Result<Bytes, Missed>>>(
    engine: &Engine,
    expected: &str,
    download: impl FnOnce() -> D,
) -> Result<PathBuf, Missed> {
    if let Some(path) = engine.kept(expected)
        && tokio::fs::read(&path).await.is_ok_and(|bytes| sha256(&bytes) == expected)
    {
        return Ok(path);
    }
    let bytes = download().await?;
    let found = sha256(&bytes);
    if found != expected {
        return Err(lasting(format!(
            "what is there has the SHA-256 {found}, but {expected} is expected; if you trust it, write that digest"
        )));
    }
    engine
        .keep_as(Path::new(expected).with_extension("wasm").as_path(), bytes)
        .await
        .map_err(|e| not_kept(&e))
}

async fn kept_manifest(engine: &Engine, named: &str) -> Option<Bytes> {
    let bytes = tokio::fs::read(engine.components()?.join(manifest_file(named))).await.ok()?;
    (named == format!("sha256:{}", sha256(&bytes))).then(|| bytes.into())
}

fn manifest_file(named: &str) -> PathBuf {
    PathBuf::from(named.replace(':', "-")).with_extension("json")
}

fn not_kept(error: &std::io::Error) -> Missed {
    lasting(format!(
        "it can't be kept beside the other components of this host ({error}); make room, or let it write there"
    ))
}

fn lasting(why: impl Into<String>) -> Missed {
    Missed { why: why.into(), passing: false }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
