//! Components from elsewhere: from a web server and from a registry, both on loopback.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use axum::{body::Body, response::Response};
use backfill::source::sha256;
use futures::stream;
use serde_json::json;
use tokio::sync::Barrier;

use crate::{
    Component, World,
    host::Host,
    support::{Asked, Upstream, text, tls::Authority, work_folder::Ran},
};

/// An artifact as `wkg oci push` publishes it.
#[derive(Clone)]
struct Artifact {
    manifest: Vec<u8>,
    component: Component,
}

impl Artifact {
    fn new(component: Component) -> Self {
        Self::of_type(component, "application/wasm")
    }

    fn of_type(component: Component, media_type: &str) -> Self {
        let config = b"{}";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.wasm.config.v0+json",
                "digest": format!("sha256:{}", sha256(config)),
                "size": config.len(),
            },
            "layers": [{
                "mediaType": media_type,
                "digest": format!("sha256:{}", component.digest),
                "size": component.bytes.len(),
            }],
        });
        Self { manifest: manifest.to_string().into_bytes(), component }
    }

    fn digest(&self) -> String {
        format!("sha256:{}", sha256(&self.manifest))
    }
}

/// A registry that gives a token to everybody, and shows `parks/fifth` to who has it. The first one is tagged 1.0.
struct Registry {
    server: Upstream,
    artifacts: Vec<Artifact>,
}

impl Registry {
    async fn of(artifacts: Vec<Artifact>) -> Self {
        let shown = artifacts.clone();
        let server = Upstream::start(move |asked| answer(&shown, asked)).await;
        Self { server, artifacts }
    }

    /// `component` of the configuration, for one of the artifacts.
    fn component(&self, at: usize) -> String {
        self.named(&format!("@{}", self.artifacts[at].digest()))
    }

    fn named(&self, suffix: &str) -> String {
        format!("{{ url = \"oci://{}/parks/fifth{suffix}\", private = true }}", self.server.addr)
    }
}

fn answer(artifacts: &[Artifact], asked: &Asked) -> Response {
    let host = &asked.headers["host"];
    if let Some(scope) = asked.path.strip_prefix("/token?") {
        assert!(scope.contains("scope=repository%3Aparks%2Ffifth%3Apull"), "{scope}");
        return text(200, r#"{"token":"for-everybody"}"#);
    }
    if asked.headers.get("authorization").is_none_or(|given| given != "Bearer for-everybody") {
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"parks\"");
        return Response::builder()
            .status(401)
            .header("www-authenticate", challenge)
            .body(Body::empty())
            .unwrap();
    }
    let found = |digest: &str| artifacts.iter().find(|artifact| artifact.digest() == digest);
    let manifest = match asked.path.strip_prefix("/v2/parks/fifth/manifests/") {
        Some("1.0") => artifacts.first(),
        Some(digest) => found(digest),
        None => None,
    };
    if let Some(artifact) = manifest {
        return Response::builder()
            .header("content-type", "application/vnd.oci.image.manifest.v1+json")
            .header("docker-content-digest", artifact.digest())
            .body(artifact.manifest.clone().into())
            .unwrap();
    }
    let blob = asked.path.strip_prefix("/v2/parks/fifth/blobs/sha256:");
    match artifacts.iter().find(|artifact| Some(artifact.component.digest.as_str()) == blob) {
        Some(artifact) => text(200, artifact.component.bytes.clone()),
        None => text(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such thing"}]}"#),
    }
}

async fn list(world: &World) -> Ran {
    world.folder.backfill(&["source", "list"]).await
}

#[tokio::test]
async fn an_artifact_of_a_registry_is_downloaded_once_and_a_host_starts_without_the_registry() {
    let world = World::new().await;
    let registry = Registry::of(vec![Artifact::new(Component::second())]).await;
    world.write_config(&registry.component(0), "", "");
    let listed = list(&world).await.succeeded();
    assert!(listed.out.contains("0.2.0"), "{}", listed.out);
    assert!(listed.err.contains("downloaded oci://"), "{}", listed.err);
    let blobs = |registry: &Registry| {
        let answered = |asked: &&Asked| asked.headers.contains_key("authorization");
        registry.server.asked().iter().filter(answered).filter(|asked| asked.path.contains("/blobs/")).count()
    };
    assert_eq!(blobs(&registry), 1);
    list(&world).await.succeeded();
    assert_eq!(blobs(&registry), 1, "it is kept");

    let kept = world.folder.path(&format!(".backfill/components/{}.wasm", Component::second().digest));
    std::fs::write(&kept, "bits that fell over").unwrap();
    list(&world).await.succeeded();
    assert_eq!(blobs(&registry), 2, "what was damaged is downloaded again");

    drop(registry);
    world.units(1).await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let job = world.job("2024-01", "2024-01").await;
    assert_eq!(world.ended(&job).await["job"]["completed_tasks"], 1);
    assert_eq!(world.attempts(&Component::second()).await, 1);
    host.signal("-TERM");
    assert_eq!(host.ended().await, Some(0));
}

#[tokio::test]
async fn another_reference_swaps_and_a_rollback_edits_it_back_without_the_registry() {
    let world = World::new().await;
    let registry = Registry::of([Component::first(), Component::third()].map(Artifact::new).to_vec()).await;
    let (one, two) = (registry.component(0), registry.component(1));
    world.write_config(&one, "", "");
    let mut host = Host::start(&world.folder, &["worker"]).await;
    world.write_config(&two, "", "");
    host.says("new attempts use 0.3.0").await;
    drop(registry);
    let back = world.folder.backfill(&["source", "rollback", "parks"]).await.succeeded();
    assert!(back.out.contains("goes back to 0.1.0"), "{}", back.out);
    host.says("new attempts use 0.1.0").await;
    let text = std::fs::read_to_string(world.folder.path("backfill.toml")).unwrap();
    assert!(text.contains(&format!("component = {one}\n")) && !text.contains("sha256 ="), "{text}");
}

#[tokio::test]
async fn a_tag_is_refused_with_the_digest_to_write_and_all_other_sources_are_checked_too() {
    let world = World::new().await;
    let registry = Registry::of(vec![Artifact::new(Component::first())]).await;
    let source = |id: &str, component: &str| format!("[[source]]\nid = {id:?}\ncomponent = {component}\n");
    let others = [
        source("file", "\"gone.wasm\""),
        source("nobody", &registry.named(&format!("@sha256:{}", "0".repeat(64)))),
        source(
            "closed",
            &format!("\"https://{}/x.wasm\"\nsha256 = \"{}\"", registry.server.addr, "0".repeat(64)),
        ),
        source("away", &format!("\"oci://no-such-host.invalid/x@sha256:{}\"", "0".repeat(64))),
    ];
    world.write_config(&registry.named(":1.0"), "", &others.concat());
    let checked = world.folder.backfill(&["config", "check"]).await.failed();
    let digest = registry.artifacts[0].digest();
    let expected = format!("write component = \"oci://{}/parks/fifth@{digest}\"", registry.server.addr);
    assert!(checked.out.contains(&expected), "{}", checked.out);
    for (id, hint) in [
        ("file", "gone.wasm cannot be read"),
        ("nobody", "no such"),
        ("closed", "is not public (loopback); write component = { url"),
        ("away", "no-such-host.invalid is not found"),
    ] {
        let line = checked.out.lines().find(|line| line.contains(&format!("source {id}")));
        assert!(line.is_some_and(|line| line.contains(hint)), "{id}: {}", checked.out);
    }
    assert_eq!(checked.out.lines().count(), 5, "{}", checked.out);
}

#[tokio::test]
async fn what_is_no_component_or_not_the_pinned_one_is_refused() {
    let world = World::new().await;
    let layers = Artifact::of_type(Component::first(), "application/vnd.oci.image.layer.v1.tar+gzip");
    let registry = Registry::of(vec![layers, Artifact::new(Component::second())]).await;
    for (component, more, hint) in [
        (0, String::new(), "it holds application/vnd.oci.image.layer.v1.tar+gzip; expected application/wasm"),
        (1, format!("sha256 = {:?}", Component::first().digest), "leave `sha256` out"),
    ] {
        world.write_config(&registry.component(component), &more, "");
        let checked = world.folder.backfill(&["config", "check"]).await.failed();
        assert!(checked.out.contains(hint), "{}", checked.out);
    }
}

#[tokio::test]
async fn what_a_registry_gives_is_taken_only_if_it_has_the_digest_by_which_it_is_named() {
    let [wanted, other] = [Component::first(), Component::second()].map(Artifact::new);
    for (lies_at, found, expected) in [
        ("/manifests/", other.digest(), wanted.digest()),
        ("/blobs/", other.component.digest.clone(), wanted.component.digest.clone()),
    ] {
        let world = World::new().await;
        let [right, wrong] = [&wanted, &other].map(Clone::clone);
        let server = Upstream::start(move |asked| {
            let artifact = if asked.path.contains(lies_at) { &wrong } else { &right };
            match asked.path.contains("/manifests/") {
                true => text(200, artifact.manifest.clone()),
                false => text(200, artifact.component.bytes.clone()),
            }
        })
        .await;
        let component = format!("oci://{}/parks/fifth@{}", server.addr, wanted.digest());
        world.write_config(&format!("{{ url = {component:?}, private = true }}"), "", "");
        let checked = world.folder.backfill(&["config", "check"]).await.failed();
        let hex = |digest: &str| digest.trim_start_matches("sha256:").to_owned();
        let hint =
            format!("what is there has the SHA-256 {}, but {} is expected", hex(&found), hex(&expected));
        assert!(checked.out.contains(&hint), "{}", checked.out);
        let kept = world.folder.path(&format!(".backfill/components/{}.wasm", wanted.component.digest));
        assert!(!kept.exists());
    }
}

#[tokio::test]
async fn two_sources_of_one_component_that_is_not_kept_yet_are_loaded_at_once() {
    let (world, first) = (World::new().await, Component::first());
    let (bytes, both) = (first.bytes, Arc::new(Barrier::new(2)));
    let server = Upstream::start(move |_| {
        let (bytes, both) = (bytes.clone(), Arc::clone(&both));
        let body = stream::once(async move {
            both.wait().await;
            Ok::<_, std::io::Error>(bytes)
        });
        text(200, Body::from_stream(body))
    })
    .await;
    let component = format!("{{ url = \"{}/parks.wasm\", private = true }}", server.url());
    let digest = format!("sha256 = {:?}", first.digest);
    let twin = format!("[[source]]\nid = \"twin\"\ncomponent = {component}\n{digest}\n");
    world.write_config(&component, &digest, &twin);
    let listed = list(&world).await.succeeded();
    assert_eq!(listed.out.matches("0.1.0").count(), 2, "{}{}", listed.out, listed.err);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_web_server_with_tls_is_one_whose_certificate_is_trusted() {
    let (world, authority, first) = (World::new().await, Authority::new(), Component::first());
    let bytes = first.bytes.clone();
    let server = Upstream::secured(&authority, move |_| text(200, bytes.clone())).await;
    let component = format!("{{ url = \"{}/parks.wasm\", private = true }}", server.url());
    world.write_config(&component, &format!("sha256 = {:?}", first.digest), "");
    let checked = world.folder.backfill(&["config", "check"]).await.failed();
    assert!(checked.out.contains("127.0.0.1: ") && checked.out.contains("certificate"), "{}", checked.out);
    assert_eq!(server.asked().len(), 0);

    world.folder.write("authority.pem", &authority.pem());
    let mut trusting = world.folder.command(&["source", "list"]);
    trusting.env("SSL_CERT_FILE", world.folder.path("authority.pem"));
    let listed = Ran::of(trusting.output().await.unwrap()).succeeded();
    assert!(listed.out.contains("0.1.0"), "{}{}", listed.out, listed.err);
}

#[tokio::test]
async fn a_file_of_a_web_server_is_taken_by_its_digest_alone() {
    let world = World::new().await;
    let (first, bytes) = (Component::first(), Component::first().bytes);
    let busy = Arc::new(AtomicU32::new(2));
    let server = Upstream::start(move |asked| match asked.path.as_str() {
        "/latest?key=hush" => {
            Response::builder().status(302).header("location", "/1.0/parks.wasm").body(Body::empty()).unwrap()
        }
        _ if busy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() => {
            text(503, "")
        }
        "/1.0/parks.wasm" => text(200, bytes.clone()),
        _ => text(404, ""),
    })
    .await;
    let component = format!("{{ url = \"{}/latest?key=hush\", private = true }}", server.url());
    let wrong = format!("sha256 = \"{}\"", "1".repeat(64));
    let right = format!("sha256 = {:?}", first.digest);

    for (component, more, hint) in [
        (component.clone(), "", "is taken only by its digest; add sha256"),
        (format!("{}/1.0/parks.wasm", server.url()), &*right, "is without TLS"),
        (component.clone(), &*wrong, "what is there has the SHA-256"),
        (component.replace("latest?key=hush", "gone"), &*right, "answered with status 404"),
        (component.replace("http://", "https://"), &*right, "(asked 3 times)"),
    ] {
        world.write_config(&component, more, "");
        let checked = world.folder.backfill(&["config", "check"]).await.failed();
        assert!(checked.out.contains(hint) && !checked.out.contains("hush"), "{hint}: {}", checked.out);
    }
    world.write_config(&component, &right, "");
    let listed = list(&world).await.succeeded();
    assert!(listed.out.contains("0.1.0") && !listed.err.contains("hush"), "{}{}", listed.out, listed.err);
    drop(server);
    let listed = list(&world).await.succeeded();
    assert!(listed.out.contains("0.1.0"), "from what is kept: {}", listed.out);
}

#[tokio::test]
async fn a_source_whose_component_could_not_be_had_is_told_and_the_one_that_runs_stays() {
    let world = World::new().await;
    let mut host = Host::start(&world.folder, &["worker"]).await;
    let nobody = Upstream::start(|_| text(503, "")).await;
    let component = format!("{{ url = \"{}/x.wasm\", private = true }}", nobody.url());
    world.write_config(&component, &format!("sha256 = \"{}\"", "1".repeat(64)), "");
    let said = host.says("refused, so that").await;
    assert!(said.contains("answered with status 503") && said.contains(Component::first().short()), "{said}");
    assert_eq!(nobody.asked().len(), 3);
}
