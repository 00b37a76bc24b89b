//! A credential is in requests and nowhere else: not in what is printed, stored, kept or cached, in no form.

use std::path::Path;

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use simulator::Options;

use crate::{
    folder_at, present,
    support::work_folder::{CANARY, Ran},
};

/// Every form in which the canary could sing.
fn forms() -> Vec<Vec<u8>> {
    let encoded = utf8_percent_encode(CANARY, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(CANARY.as_bytes()).collect();
    let mut forms = vec![
        CANARY.to_owned(),
        encoded.to_lowercase(),
        encoded,
        form,
        BASE64_STANDARD.encode(CANARY),
        BASE64_URL_SAFE_NO_PAD.encode(CANARY),
        hex::encode(CANARY),
    ];
    forms.push(CANARY.replace('/', "\\/"));
    forms.into_iter().map(String::into_bytes).collect()
}

fn assert_silent(what: &str, bytes: &[u8]) {
    for form in forms() {
        let sings = bytes.windows(form.len()).any(|window| window == form);
        assert!(!sings, "{what} holds the credential as {:?}", String::from_utf8_lossy(&form));
    }
}

fn assert_silent_run(ran: &Ran) {
    assert_silent("standard output", ran.out.as_bytes());
    assert_silent("standard error", ran.err.as_bytes());
}

/// Every file of a folder, objects of the archive decompressed as well. Gives the number of those.
fn assert_silent_files(folder: &Path) -> usize {
    let mut objects = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            // Compiled components, shared by all tests.
            continue;
        }
        if path.is_dir() {
            objects += assert_silent_files(&path);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert_silent(&path.display().to_string(), &bytes);
        if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let plain = zstd::decode_all(bytes.as_slice()).unwrap();
            assert_silent(&format!("{}, decompressed", path.display()), &plain);
            objects += 1;
        }
    }
    objects
}

#[tokio::test]
async fn the_credential_is_in_no_file_and_in_nothing_printed_whatever_happens() {
    let options = Options {
        now: Some(present()),
        entsoe_token: Some(CANARY.to_owned()),
        eia_key: Some(CANARY.to_owned()),
        ..Options::default()
    };
    let simulator = simulator::start(options).await.unwrap();
    let folder = folder_at(&simulator, &["entsoe", "eia"], "");
    folder
        .import(
            "windfarm,source,code,area,fuel2002\nBoth,entsoe,45W000000000046I,10Y1001A1001A796,\nBoth,eia,61014,,WND\n",
        )
        .await;
    // The simulator accepts nothing but the canary, so that success shows that it was sent.
    let arguments = ["--log", "trace", "run", "--windfarm", "Both", "--from", "2024-02", "--to", "2024-02"];
    assert_silent_run(&folder.backfill(&arguments).await.succeeded());

    let echo = format!("kind=status,status=400,body={CANARY} {} ", BASE64_STANDARD.encode(CANARY));
    for spec in [
        echo.as_str(),
        "kind=status,status=401",
        "kind=status,status=429,retry-after=0,times=2",
        "kind=garbage-body",
        "kind=cut-before-head",
        "kind=truncated-body",
    ] {
        simulator.set_faults(crate::fault(spec));
        // Months not asked before, so that no kept answer serves them.
        let month = format!("2024-{:02}", 3 + spec.len() % 7);
        let arguments = ["--log", "trace", "run", "--windfarm", "Both", "--from", &month, "--to", &month];
        assert_silent_run(&folder.backfill(&arguments).await);
    }
    let fetch = ["source", "fetch", "eia", "--code", "61014", "--month", "2024-01", "--format", "json"];
    assert_silent_run(&folder.backfill(&fetch).await);
    assert_silent_run(&folder.backfill(&["config", "check"]).await);
    assert_silent_run(&folder.backfill(&["source", "list"]).await);
    let exported = folder.backfill(&["export", "--format", "csv"]).await.succeeded();
    assert_silent_run(&exported);

    assert!(assert_silent_files(folder.root()) > 30, "the archive holds a document a day");
    let stopped =
        folder.backfill(&["run", "--windfarm", CANARY, "--from", "2024-02", "--to", "2024-02"]).await;
    assert_eq!(stopped.code, Some(1));
    assert!(
        stopped.err.contains(CANARY),
        "what was typed is repeated, so the search above would have found it"
    );
}
