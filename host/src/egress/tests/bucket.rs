//! The archive in a bucket: kept and read like in a folder, and clear about what fails.

use std::ffi::OsString;
use std::io::Read;

use bytes::Bytes;
use object_store::RetryConfig;
use rand::RngExt;

use super::bucket_server::BucketServer;
use crate::egress::archive::{Archive, Lost};
use crate::egress::bucket::RETRIES;
use crate::egress::sink::{Data, Sink, Stored};
use crate::egress::{Bucket, EgressError};

const SECRET: &str = "s3cr3t-access-key";
const SLOW_DOWN: &str = "<Error><Code>SlowDown</Code></Error>";

/// As ever, but without the waits.
fn retries() -> RetryConfig {
    let mut retries = RETRIES;
    retries.backoff.init_backoff = std::time::Duration::from_millis(1);
    retries.backoff.max_backoff = std::time::Duration::from_millis(2);
    retries
}

fn vars() -> impl Iterator<Item = (OsString, OsString)> {
    [
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_NONSENSE", "x"),
        ("PATH", "/bin"),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.into()))
}

fn archive(bucket: &Bucket) -> (Archive, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    (Archive::bucket_with(bucket, &spool, vars(), retries()).unwrap(), folder)
}

async fn stored(archive: &Archive, bytes: &[u8]) -> Stored {
    let mut sink = Sink::new(archive.spool_folder());
    for chunk in bytes.chunks(1 << 18) {
        sink.write(chunk).await.unwrap();
    }
    sink.finish().await.unwrap()
}

fn plain(data: Data) -> Bytes {
    match data {
        Data::Small(bytes) => bytes,
        Data::Large(spool) => {
            let mut bytes = Vec::new();
            spool.decoder().unwrap().read_to_end(&mut bytes).unwrap();
            bytes.into()
        }
    }
}

/// A port that was free a moment ago.
fn closed_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn an_answer_is_kept_under_the_prefix_once_and_read_again() {
    let server = BucketServer::start().await;
    let (archive, _folder) = archive(&server.bucket());
    let answer = stored(&archive, b"wind").await;
    assert!(matches!(archive.get(&answer.digest, answer.bytes).await, Err(Lost::Missing)));
    let size = archive.put(&answer).await.unwrap();
    assert_eq!(archive.put(&answer).await.unwrap(), size, "the second time it is there already");
    assert_eq!(plain(archive.get(&answer.digest, answer.bytes).await.unwrap()), "wind");
    let (first, second) = (&answer.digest[..2], &answer.digest[2..4]);
    let key = format!("/history/site/a/answers/{first}/{second}/{}.zst", answer.digest);
    assert!(server.objects().keys().eq([&key]));
    assert_eq!(server.heard().iter().filter(|line| line.starts_with("PUT")).count(), 1);
    for headers in server.headers() {
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(
            authorization.contains("Credential=AKIDTEST/") && authorization.contains("/eu-central-1/s3/")
        );
        assert!(!format!("{headers:?}").contains(SECRET));
    }
    // A damaged object is told by its checksum, and removed.
    let mut damaged = server.objects()[&key].to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    server.replace(&key, damaged.into());
    assert!(matches!(archive.get(&answer.digest, answer.bytes).await, Err(Lost::Damaged(_))));
    assert_eq!(server.objects().len(), 0);
}

#[tokio::test]
async fn a_large_answer_goes_in_parts_and_comes_back_whole() {
    let server = BucketServer::start().await;
    let (archive, _folder) = archive(&server.bucket());
    let mut bytes = vec![0; 13 << 20];
    rand::rng().fill(&mut bytes[..]);
    let answer = stored(&archive, &bytes).await;
    let size = archive.put(&answer).await.unwrap();
    assert_eq!(size, server.objects().into_values().next().unwrap().len() as u64);
    assert_eq!(
        server.heard().iter().filter(|line| line.starts_with("PUT")).count(),
        3,
        "two parts of 5 MiB, and a rest"
    );
    assert!(plain(archive.get(&answer.digest, answer.bytes).await.unwrap()) == bytes);
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let server = BucketServer::start().await;
    let (archive, _folder) = archive(&server.bucket());
    let answer = stored(&archive, b"wind").await;
    server.fail([(503, SLOW_DOWN), (500, "")]);
    archive.put(&answer).await.unwrap();
    server.fail([(503, "")]);
    assert_eq!(plain(archive.get(&answer.digest, answer.bytes).await.unwrap()), "wind");
}

fn said(result: Result<u64, EgressError>) -> String {
    let said = result.unwrap_err().to_string();
    assert!(said.contains("an answer can't be kept in the archive s3://history/site/a: "), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    said
}

#[tokio::test]
async fn what_fails_names_the_bucket_and_what_to_check() {
    const DENIED: &str = "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature we calculated differs.</Message>\
                          <SignatureProvided>5ca1ab1e</SignatureProvided></Error>";
    let server = BucketServer::start().await;
    let (kept, _folder) = archive(&server.bucket());
    let (small, large) = (stored(&kept, b"wind").await, stored(&kept, &vec![7; 2 << 20]).await);
    // The answer to a HEAD has no body; the one to the PUT tells why.
    server.fail([(403, "")]);
    assert!(said(kept.put(&small).await).contains("check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"));
    for answer in [&small, &large] {
        server.fail([(404, ""), (403, DENIED)]);
        let said = said(kept.put(answer).await);
        assert!(
            said.contains(": SignatureDoesNotMatch: The signature we calculated differs.; check AWS_"),
            "{said}"
        );
        assert!(!said.contains("5ca1ab1e"), "{said}");
    }
    let read = |lost| match lost {
        Err(Lost::Unreadable(why)) => why,
        _ => panic!("it can be read"),
    };
    server.fail([(403, DENIED)]);
    let why = read(kept.get(&small.digest, small.bytes).await);
    assert!(why.starts_with("s3://history/site/a: SignatureDoesNotMatch: "), "{why}");

    server.fail([(404, "")].into_iter().chain(std::iter::repeat_n((503, SLOW_DOWN), 7)));
    let said_busy = said(kept.put(&small).await);
    assert!(said_busy.contains(": SlowDown; check region and endpoint, that the server runs"), "{said_busy}");

    let mut wrong = server.bucket();
    wrong.endpoint = format!("http://127.0.0.1:{}/elsewhere", server.port).parse().ok();
    let (elsewhere, _folder) = archive(&wrong);
    let said_elsewhere = said(elsewhere.put(&small).await);
    assert!(
        said_elsewhere.contains("NoSuchBucket: as NoSuchBucket says; check the bucket's name"),
        "{said_elsewhere}"
    );

    let mut nobody = server.bucket();
    nobody.endpoint = format!("http://127.0.0.1:{}", closed_port()).parse().ok();
    let (unreachable, _folder) = archive(&nobody);
    let said = said(unreachable.put(&small).await);
    assert!(
        said.contains("refused") && said.contains("check region and endpoint, that the server runs"),
        "{said}"
    );
    let why = read(unreachable.get(&small.digest, small.bytes).await);
    assert!(why.starts_with("s3://history/site/a: ") && why.contains("that this host reaches it"), "{why}");
}

#[tokio::test]
async fn where_no_credentials_are_found_the_message_says_which_to_set() {
    let server = BucketServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let vars = [("AWS_METADATA_ENDPOINT".into(), format!("http://127.0.0.1:{}", closed_port()).into())];
    let archive = Archive::bucket_with(&server.bucket(), folder.path(), vars.into_iter(), retries()).unwrap();
    let said = said(archive.put(&stored(&archive, b"wind").await).await);
    assert!(
        said.ends_with("no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        "{said}"
    );
    assert_eq!(server.heard().len(), 0);
}

#[test]
fn encryption_is_not_given_up_unless_it_is_said() {
    let mut bucket = Bucket::parse("s3://history").unwrap();
    bucket.endpoint = "http://127.0.0.1:1".parse().ok();
    let (archive, _folder) = archive(&bucket);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async { archive.put(&stored(&archive, b"wind").await).await }).unwrap_err();
    assert!(error.to_string().contains("s3://history"), "{error}");
}
