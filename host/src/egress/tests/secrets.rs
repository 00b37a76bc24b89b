//! A canary secret goes to the upstream, and nowhere else.

use super::upstream::{Reply, Upstream};
use super::*;

const CANARY: &str = "canary/53cr3t+value";

/// Every byte under a folder, with zstd objects decompressed.
fn bytes_under(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(bytes_under(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            all.extend(zstd::decode_all(&bytes[..]).unwrap_or_default());
            all.extend(bytes);
        }
    }
    all
}

fn leaks(text: &str) -> bool {
    text.to_lowercase().contains("53cr3t")
}

/// Repeats what it heard in a body, a header, a cookie and a status line that is too odd for HTTP.
async fn echo() -> Upstream {
    Upstream::start(|_, request| {
        let echoed = request.lines().find(|line| line.contains("53cr3t")).unwrap_or("nothing").to_owned();
        match request.split(' ').nth(1) {
            Some(path) if path.starts_with("/bad") => {
                Reply::raw(format!("HTTP/1.1 {echoed}\r\n\r\n").as_bytes())
            }
            Some(path) if path.starts_with("/away") => {
                Reply::new("302 Found", &[&format!("location: /next?you={echoed}")], "")
            }
            Some(path) if path.starts_with("/same") => {
                Reply::new("302 Found", &[&format!("location: {}", path.replace("same", "end"))], "")
            }
            _ => {
                let headers = [format!("x-echo: {echoed}"), format!("set-cookie: token={echoed}")];
                let body = format!("{{\"heard\": \"{echoed}\", \"plain\": \"{CANARY}\"}}");
                Reply::new("200 OK", &[&headers[0], &headers[1]], body)
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_secret_reaches_the_upstream_and_nothing_else() {
    for credential in [Credential::header("x-token", CANARY), Credential::query("api_key", CANARY)] {
        let (upstream, folder) = (echo().await, tempfile::tempdir().unwrap());
        let (shared, index) = keeping(folder.path());
        let credential = Some(credential.unwrap());
        let asked = Asked::new(Policy { credential, ..policy(&[&upstream.grant()]) }, shared);

        let response = asked.get(&upstream.url("/data?a=1")).await.unwrap();
        assert!(leaks(&upstream.heard()[0]), "the upstream was given the credential");
        assert!(!response.headers.iter().any(|(name, _)| name == "set-cookie"));
        let echoed = response.headers.iter().find(|(name, _)| name == "x-echo").unwrap();
        assert!(echoed.1.contains(REDACTED), "{echoed:?}");
        let headers = format!("{:?}", response.headers);
        let body = text(Ok(response)).await;
        assert_eq!(body.matches(REDACTED).count(), 2, "{body}");

        let broken = asked.get(&upstream.url("/bad")).await.unwrap_err();
        let away = asked.get(&upstream.url("/away")).await.unwrap_err();
        let same = text(asked.get(&upstream.url("/same?x=1")).await).await;
        let on_disk = bytes_under(folder.path());
        assert!(on_disk.windows(REDACTED.len()).any(|window| window == REDACTED.as_bytes()));
        let everything = format!(
            "{broken} {broken:?} {away} {same} {body} {headers} {:?} {:?} {} {} {:?}",
            index.0.lock().unwrap(),
            asked.call.usage(),
            asked.log(),
            String::from_utf8_lossy(&on_disk),
            asked.gate.policy,
        );
        assert!(!leaks(&everything), "{everything}");
    }
}

#[tokio::test]
async fn a_redirect_to_the_same_origin_carries_the_secret_once_and_to_another_not_at_all() {
    let other = Upstream::start(|_, _| Reply::ok("other")).await;
    let away = other.url("/there?api_key=stale&page=2");
    let upstream = Upstream::start(move |number, _| match number {
        0 => Reply::new("302 Found", &["location: /next?api_key=canary%2F53cr3t%2Bvalue&page=2"], ""),
        1 => Reply::new("302 Found", &[&format!("location: {away}")], ""),
        _ => Reply::ok(""),
    })
    .await;
    let credential = Some(Credential::query("api_key", CANARY).unwrap());
    let grants = policy(&[&upstream.grant(), &other.grant()]);
    let asked = Asked::new(Policy { credential, ..grants }, shared());
    assert_eq!(text(asked.get(&upstream.url("/first")).await).await, "other");
    assert!(upstream.heard()[1].starts_with("GET /next?page=2&api_key=canary%2F53cr3t%2Bvalue HTTP/1.1"));
    assert!(other.heard()[0].starts_with("GET /there?page=2 HTTP/1.1"), "{}", other.heard()[0]);
}

#[tokio::test]
async fn a_secret_across_compressed_chunks_is_cut() {
    let body = format!("{}{CANARY}{}", "a".repeat(70_000), "b".repeat(70_000));
    let upstream = Upstream::start(move |_, _| {
        Reply::new("200 OK", &["content-encoding: zstd"], zstd::encode_all(body.as_bytes(), 1).unwrap())
    })
    .await;
    let credential = Some(Credential::header("x-token", CANARY).unwrap());
    let asked = Asked::new(Policy { credential, ..policy(&[&upstream.grant()]) }, shared());
    let body = text(asked.get(&upstream.url("/")).await).await;
    assert_eq!(body, format!("{}{REDACTED}{}", "a".repeat(70_000), "b".repeat(70_000)));
}
