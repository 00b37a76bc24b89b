//! A component from elsewhere becomes a file of this host: downloaded once, checked against its digest, and kept by it,
//! so that a host that is cut off from where it came starts all the same.

use std::path::PathBuf;

use bytes::Bytes;
use oci_spec::distribution::Reference;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

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
    // Opened when something of it is not kept, and once, since it keeps its token.
    let opened = OnceCell::new();
    let registry = || {
        opened.get_or_try_init(|| async {
            let plain = private && config::is_loopback(reference.resolve_registry());
            ComponentRegistry::open(reference, private, plain, shared.lookup.clone())
        })
    };
    let Some(named) = reference.digest() else {
        let manifest = async { registry().await?.manifest().await };
        return Err(tagged(reference, manifest.await));
    };
    let manifest = match kept_manifest(engine, named).await {
        Some(manifest) => manifest,
        None => {
            let manifest = registry().await?.manifest().await?;
            expect(&manifest, named.trim_start_matches("sha256:"))?;
            let kept = engine.keep_as(&manifest_file(named), manifest.clone()).await;
            kept.map_err(|error| not_kept(&error))?;
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
fn tagged(reference: &Reference, manifest: Result<Bytes, Missed>) -> Missed {
    let (registry, repository) = (reference.registry(), reference.repository());
    let tag = reference.tag().unwrap_or("latest");
    let refused =
        format!("the tag {tag} can stand for another component tomorrow, so that it is not taken; write");
    match manifest {
        Ok(manifest) => lasting(format!(
            "{refused} component = \"oci://{registry}/{repository}@sha256:{}\", which it stands for now",
            sha256(&manifest)
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
    expect(&bytes, expected)?;
    let file = PathBuf::from(expected).with_extension("wasm");
    engine.keep_as(&file, bytes).await.map_err(|error| not_kept(&error))
}

/// Refuses bytes that are not those of a digest.
fn expect(bytes: &[u8], expected: &str) -> Result<(), Missed> {
    let found = sha256(bytes);
    if found == expected {
        return Ok(());
    }
    Err(lasting(format!(
        "what is there has the SHA-256 {found}, but {expected} is expected: it is damaged, or another one; if you trust \
         it, write that digest"
    )))
}

async fn kept_manifest(engine: &Engine, named: &str) -> Option<Bytes> {
    let bytes = tokio::fs::read(engine.components()?.join(manifest_file(named))).await.ok()?;
    (named == format!("sha256:{}", sha256(&bytes))).then(|| bytes.into())
}

fn manifest_file(named: &str) -> PathBuf {
    PathBuf::from(named.replace(':', "-")).with_extension("json")
}

/// Once there is room it is tried again, without anybody's telling.
fn not_kept(error: &std::io::Error) -> Missed {
    let why = format!(
        "it can't be kept beside the other components of this host ({error}); make room, or let it write there"
    );
    Missed { why, passing: true }
}

fn lasting(why: impl Into<String>) -> Missed {
    Missed { why: why.into(), passing: false }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
