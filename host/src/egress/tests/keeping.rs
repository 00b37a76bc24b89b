//! Answers that are shared, kept and found again; large ones; caps and counters.

use futures::future::join_all;
use tokio::sync::Semaphore;

use super::super::Reuse;
use super::upstream::{Reply, Upstream};
use super::*;

/// An upstream whose answers wait until the test adds permits.
async fn held() -> (Upstream, Arc<Semaphore>) {
    let go = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&go);
    let upstream = Upstream::held(move |number, _| {
        let permits = Arc::clone(&permits);
        Box::pin(async move {
            permits.acquire().await.unwrap().forget();
            Reply::ok(format!("answer {number}"))
        })
    })
    .await;
    (upstream, go)
}

#[tokio::test]
async fn identical_requests_under_way_are_made_once_for_all_calls() {
    let (upstream, go) = held().await;
    let asked = Asked::new(policy(&[&upstream.grant()]), shared());
    let calls: Vec<_> = (0..10).map(|_| asked.another_call()).collect();
    let url = upstream.url("/same");
    let all = join_all(calls.iter().map(|call| call.send(get(&url))));
    let (answers, ()) = tokio::join!(all, async {
        while upstream.heard().is_empty() {
            tokio::task::yield_now().await;
        }
        go.add_permits(10);
    });
    for answer in answers {
        assert_eq!(text(answer).await, "answer 0");
    }
    assert_eq!(upstream.heard().len(), 1);
    assert_eq!(calls.iter().map(|call| call.usage().requests).sum::<u32>(), 1);
    assert!(calls.iter().all(|call| call.usage().asked == 1 && call.usage().bytes == 8));
}

#[tokio::test]
async fn dropping_the_call_that_asked_first_leaves_the_others_their_answer() {
    let (upstream, go) = held().await;
    let asked = Asked::new(policy(&[&upstream.grant()]), shared());
    let (first, second) = (asked.another_call(), asked.another_call());
    let url = upstream.url("/same");
    let mut leader = Box::pin(first.send(get(&url)));
    assert!((&mut leader).now_or_never().is_none());
    let follower = second.send(get(&url));
    let (answer, ()) = tokio::join!(follower, async {
        while upstream.heard().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(leader);
        go.add_permits(1);
    });
    assert_eq!(text(answer).await, "answer 0");
    assert_eq!(upstream.heard().len(), 1);
}

#[tokio::test]
async fn a_call_for_the_present_is_served_by_the_upstream_alone() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(|number, _| Reply::ok(format!("answer {number}"))).await;
    let (shared, _) = keeping(folder.path());
    let reuse_for = Some(Duration::from_secs(60));
    let asked = Asked::new(Policy { reuse_for, ..policy(&[&upstream.grant()]) }, shared);
    let url = upstream.url("/now");
    assert_eq!(text(asked.get(&url).await).await, "answer 0");
    assert_eq!(text(asked.another_call().reusing(Reuse::Never).send(get(&url)).await).await, "answer 1");
    assert_eq!(
        text(asked.get(&url).await).await,
        "answer 1",
        "and what it was told is the newest kept answer"
    );
}

#[tokio::test]
async fn a_call_that_doubts_what_was_said_is_served_by_what_the_upstream_said_since() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(|number, _| Reply::ok(format!("answer {number}"))).await;
    let (shared, _) = keeping(folder.path());
    let reuse_for = Some(Duration::from_secs(60));
    let asked = Asked::new(Policy { reuse_for, ..policy(&[&upstream.grant()]) }, shared);
    let url = upstream.url("/empty");
    assert_eq!(text(asked.get(&url).await).await, "answer 0");
    let again = Reuse::Since(crate::clock::now());
    for _ in 0..2 {
        assert_eq!(text(asked.another_call().reusing(again).send(get(&url)).await).await, "answer 1");
    }
}

#[tokio::test]
async fn a_fresh_answer_is_reused_and_an_error_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(|number, request| match request.split(' ').nth(1) {
        Some("/missing") => Reply::new("404 Not Found", &[], "none"),
        _ => Reply::new("200 OK", &["x-n: 1"], format!("answer {number}")),
    })
    .await;
    let (shared, index) = keeping(folder.path());
    let reuse_for = Some(Duration::from_secs(60));
    let asked = Asked::new(Policy { reuse_for, ..policy(&[&upstream.grant()]) }, shared.clone());
    let first = asked.get(&upstream.url("/a")).await.unwrap();
    let id = first.answer;
    assert_eq!(text(Ok(first)).await, "answer 0");
    let again = asked.another_call();
    let second = again.send(get(&upstream.url("/a"))).await.unwrap();
    assert_eq!((second.answer, second.headers.iter().any(|h| *h == ("x-n".into(), "1".into()))), (id, true));
    assert_eq!(text(Ok(second)).await, "answer 0");
    let usage = again.usage();
    assert_eq!((usage.asked, usage.requests, usage.served_from_archive, usage.bytes), (1, 0, 1, 8));
    assert_eq!(usage.answers, vec![id.unwrap()]);

    for _ in 0..2 {
        assert_eq!(asked.get(&upstream.url("/missing")).await.unwrap().status, 404);
    }
    assert_eq!(upstream.heard().len(), 3);
    let recorded: Vec<_> = index.0.lock().unwrap().iter().map(|a| (a.status, a.url.clone())).collect();
    assert_eq!(recorded[1], (404, upstream.url("/missing")));

    let asked = Asked::new(policy(&[&upstream.grant()]), shared);
    assert_eq!(text(asked.get(&upstream.url("/a")).await).await, "answer 3", "without reuse_for");
}

#[tokio::test]
async fn a_damaged_or_missing_object_is_asked_for_again_and_healed() {
    let folder = tempfile::tempdir().unwrap();
    let large = "0123456789".repeat(300_000);
    let body = large.clone();
    let upstream = Upstream::start(move |_, request| match request.split(' ').nth(1) {
        Some("/large") => Reply::ok(&body),
        _ => Reply::ok("small"),
    })
    .await;
    let (shared, index) = keeping(folder.path());
    let reuse_for = Some(Duration::from_secs(60));
    let asked = Asked::new(Policy { reuse_for, ..policy(&[&upstream.grant()]) }, shared);
    for (path, expected) in [("/small", "small"), ("/large", large.as_str())] {
        let url = upstream.url(path);
        assert_eq!(text(asked.get(&url).await).await, expected);
        let digest = index.0.lock().unwrap().last().unwrap().digest.clone();
        let object = folder.path().join(format!("answers/{}/{}/{digest}.zst", &digest[..2], &digest[2..4]));
        let good = std::fs::read(&object).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        let damages = [Some(flipped), Some(good[..good.len() / 2].to_vec()), Some(vec![]), None];
        for damage in damages {
            match damage {
                Some(bytes) => std::fs::write(&object, bytes).unwrap(),
                None => std::fs::remove_file(&object).unwrap(),
            }
            let before = upstream.heard().len();
            assert_eq!(text(asked.get(&url).await).await, expected);
            assert_eq!(upstream.heard().len(), before + 1);
            assert!(asked.log().contains(&digest), "{}", asked.log());
            assert_eq!(std::fs::read(&object).unwrap(), good);
            assert_eq!(text(asked.get(&url).await).await, expected);
            assert_eq!(upstream.heard().len(), before + 1, "served from the healed archive");
        }
    }
}

#[tokio::test]
async fn a_large_answer_is_spooled_and_read_in_pieces_from_upstream_and_archive_alike() {
    let folder = tempfile::tempdir().unwrap();
    let body: Vec<u8> = (0..2_000_000_u32).flat_map(|n| (n % 9973).to_be_bytes()).collect();
    let reply = body.clone();
    let upstream = Upstream::start(move |_, _| Reply::ok(&reply)).await;
    let (shared, _) = keeping(folder.path());
    let reuse_for = Some(Duration::from_secs(60));
    let asked = Asked::new(Policy { reuse_for, ..policy(&[&upstream.grant()]) }, shared);
    for _ in 0..2 {
        let mut response = asked.get(&upstream.url("/")).await.unwrap();
        assert!(response.body.read(0).await.unwrap().is_empty(), "0 is not the end");
        let mut read = Vec::new();
        loop {
            let piece = response.body.read(100_000).await.unwrap();
            assert!(piece.len() <= 100_000);
            if piece.is_empty() {
                break;
            }
            read.extend_from_slice(&piece);
            if read.len() > 7_000_000 {
                read.extend_from_slice(&response.body.rest().await.unwrap());
            }
        }
        assert!(read == body);
        assert!(response.body.rest().await.unwrap().is_empty());
    }
    assert_eq!((upstream.heard().len(), asked.call.usage().bytes), (1, 16_000_000));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["answers"], "no spool files are left");
}

#[tokio::test]
async fn an_archive_that_cannot_be_written_is_the_hosts_fault() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start(|_, _| Reply::ok("x")).await;
    let (shared, _) = keeping(folder.path());
    std::fs::write(folder.path().join("answers"), "a file in the way").unwrap();
    let asked = Asked::new(policy(&[&upstream.grant()]), shared);
    match asked.get(&upstream.url("/")).await.unwrap_err() {
        EgressError::Internal(text) => {
            assert!(
                text.contains(&folder.path().display().to_string()) && text.contains("archive"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_ends_at_its_caps_and_the_next_call_starts_anew() {
    let upstream = Upstream::start(|_, _| Reply::ok("0123456789")).await;
    let caps = Policy { max_requests: 3, max_total_bytes: 25, ..policy(&[&upstream.grant()]) };
    let asked = Asked::new(Policy { max_total_bytes: 1000, ..caps.clone() }, shared());
    for n in 0..3 {
        asked.get(&upstream.url(&format!("/{n}"))).await.unwrap();
    }
    let error = asked.get(&upstream.url("/3")).await.unwrap_err();
    assert_eq!(error, EgressError::Cap(CapExceeded::Requests { cap: 3 }));
    assert_eq!((asked.call.usage().asked, upstream.heard().len()), (3, 3));
    assert!(asked.another_call().send(get(&upstream.url("/3"))).await.is_ok());

    let asked = Asked::new(caps, shared());
    let all = asked.call.send_all((0..3).map(|n| get(&upstream.url(&format!("/{n}")))).collect()).await;
    let caps =
        all.iter().filter(|it| matches!(it, Err(EgressError::Cap(CapExceeded::TotalBytes { cap: 25 }))));
    assert_eq!((caps.count(), all.iter().filter(|it| it.is_ok()).count()), (1, 2));
}

#[tokio::test]
async fn answers_come_in_the_order_asked_and_no_more_are_under_way_than_allowed() {
    let most = Arc::new(Mutex::new((0_u32, 0_u32)));
    let seen = Arc::clone(&most);
    let upstream = Upstream::held(move |_, request| {
        let seen = Arc::clone(&seen);
        Box::pin(async move {
            {
                let mut seen = seen.lock().unwrap();
                seen.0 += 1;
                seen.1 = seen.1.max(seen.0);
            }
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            seen.lock().unwrap().0 -= 1;
            Reply::ok(request.split(' ').nth(1).unwrap())
        })
    })
    .await;
    let asked = Asked::new(Policy { concurrency: 2, ..policy(&[&upstream.grant()]) }, shared());
    let (one, other) = (asked.another_call(), asked.another_call());
    let requests = |from: u32| (from..from + 10).map(|n| get(&upstream.url(&format!("/{n}")))).collect();
    let (one, other) = tokio::join!(one.send_all(requests(0)), other.send_all(requests(10)));
    for (n, answer) in one.into_iter().chain(other).enumerate() {
        assert_eq!(text(answer).await, format!("/{n}"));
    }
    assert_eq!(most.lock().unwrap().1, 2, "both calls share the source's places");
}
