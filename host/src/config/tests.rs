//! The rules of `backfill.toml`, as messages that people read.

use std::{fs, path::PathBuf, time::Duration};

use super::*;
use crate::egress::{Bucket, Grant};

fn no_env(_: &str) -> Option<String> {
    None
}

/// Reads a text as if it were `backfill.toml` in the current folder.
fn parse(text: &str) -> Result<Config, Problems> {
    let path = Path::new("backfill.toml");
    let (config, problems) = reading::document(path, text, |root| read(path, root, &no_env));
    Problems::unless_any(config, problems)
}

fn messages(text: &str) -> Vec<String> {
    parse(text).err().iter().flat_map(Problems::iter).map(ToString::to_string).collect()
}

/// The messages about a source with these further lines, which begin at line 4.
fn about_source(lines: &str) -> Vec<String> {
    messages(&format!("[[source]]\nid = \"x\"\ncomponent = \"x.wasm\"\n{lines}"))
}

#[test]
fn an_empty_file_is_a_configuration_with_every_default() {
    let config = parse("").unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database, Database::Sqlite { path: ".backfill/backfill.db".into() });
    assert_eq!(
        config.archive,
        Archive { enabled: true, place: ArchivePlace::Folder(".backfill/archive".into()) }
    );
    let second = Duration::from_secs(1);
    let retry = Retry { attempts: 3, base: 60 * second, max: 960 * second, confirm: 90 * second };
    let worker = Worker {
        concurrency: 16,
        total_concurrency: None,
        lease: 60 * second,
        heartbeat: 20 * second,
        poll: second,
        grace: 30 * second,
        retry,
    };
    assert_eq!(config.worker, worker);
    assert_eq!(config.sources, []);
}

#[test]
fn a_source_is_read_whole() {
    let config = parse(
        r#"
        [[source]]
        id = "entsoe"
        component = "plugins/entsoe.wasm"
        sha256 = "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
        hosts = ["web-api.tp.entsoe.eu", { host = "http://mirror.lan:8080", private = true }]
        credential = { header = "SECURITY_TOKEN", from = "file:token" }
        rate = "400/min burst 20"
        concurrency = 8
        penalty = "1m"
        reuse_for = "0s"
        enabled = false
        wasi_http = true
        [source.caps]
        memory = "128MiB"
        measurements = 1_000
        [source.settings]
        base_url = "http://mirror.lan:8080"
        depth = 0x10
        factor = 0.5
        strict = true
        "#,
    )
    .unwrap();
    let [source] = config.sources.as_slice() else { panic!("one source") };
    assert_eq!(source.id.as_str(), "entsoe");
    assert_eq!(source.component, Component::File(PathBuf::from("plugins/entsoe.wasm")));
    assert_eq!(
        source.sha256.as_deref(),
        Some("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
    );
    let grant = |host: &str| Grant::parse(host).unwrap();
    assert_eq!(source.hosts, [grant("web-api.tp.entsoe.eu"), grant("http://mirror.lan:8080").with_private()]);
    let credential = CredentialSpec {
        place: CredentialPlace::Header("SECURITY_TOKEN".to_owned()),
        from: Origin::File("token".into()),
    };
    assert_eq!(source.credential, Some(credential));
    assert_eq!(source.rate, "400/min burst 20".parse().ok());
    assert_eq!((source.concurrency, source.enabled, source.wasi_http), (8, false, true));
    assert_eq!((source.penalty, source.reuse_for), (Duration::from_secs(60), Duration::ZERO));
    let caps = Caps {
        memory: 128 << 20,
        wall: Duration::from_secs(600),
        cpu: Duration::from_secs(60),
        requests: 1000,
        response: 64 << 20,
        total: 2 << 30,
        measurements: 1000,
        log: 1 << 20,
    };
    assert_eq!(source.caps, caps);
    let settings =
        [("base_url", "http://mirror.lan:8080"), ("depth", "16"), ("factor", "0.5"), ("strict", "true")];
    assert!(source.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(settings));
}

#[test]
fn every_problem_is_named_at_once_in_the_order_of_the_file() {
    let text = r#"[sever]
listen = "nowhere"
[server]
listen = "nowhere"
[database]
url = "mysql://db"
[worker]
concurrency = 0
heartbeat = "40s"
lease = 60
[[source]]
component = 7
rate = "400/mn"
host = ["a.org"]
[source.caps]
memory = "many"
response = "64GiB"
[[source]]
id = "eia"
component = "eia.wasm"
hosts = ["https://a.org/x", 5, { hots = "a.org" }]
[[source]]
id = "eia"
component = "eia.wasm"
"#;
    let expected = [
        r#"backfill.toml:1:2: sever: unknown table; did you mean "server"?"#,
        r#"backfill.toml:4:10: server.listen: "nowhere" is not an address and port; expected an address and port such as "127.0.0.1:8080" or "[::]:8080""#,
        r#"backfill.toml:6:7: database.url: "mysql://db" is not a database; expected "sqlite://PATH", "postgres://USER@HOST/DATABASE", or "env:VAR" for a variable that holds it"#,
        "backfill.toml:8:15: worker.concurrency: 0 is out of range; expected a whole number from 1 to 4096",
        "backfill.toml:9:13: worker.heartbeat: 40s is more than half of the lease of 1m, so that one lost renewal would lose the task; expected at most 30s",
        r#"backfill.toml:10:9: worker.lease: is an integer; expected a duration such as "90s", "10m", "12h" or "7d""#,
        r#"backfill.toml:11:1: source[0].id: is missing; expected a lower-case letter followed by lower-case letters, digits and hyphens, at most 64 in all, such as "entsoe""#,
        "backfill.toml:12:13: source[0].component: is an integer; expected a string that is not blank",
        r#"backfill.toml:13:8: source[0].rate: "400/mn" is not a rate; expected COUNT/UNIT with unit s, min, h or day, such as "400/min", "9000/h" or "5/s burst 2""#,
        r#"backfill.toml:14:1: source[0].host: unknown key; did you mean "hosts"?"#,
        r#"backfill.toml:16:10: source[0].caps.memory: "many" is not a size; expected a size such as "512KiB", "64MiB" or "2GiB""#,
        "backfill.toml:17:12: source[0].caps.response: 64.0 GiB is too large; expected 1.0 KiB to 16.0 GiB",
        r#"backfill.toml:21:10: source[1].hosts[0]: "https://a.org/x" is not a host that can be granted: a grant covers a whole host, so leave out the path: `a.org`; expected a host such as "api.example.org", "*.example.org", "localhost:8900" or "http://localhost:8900", without path, user or query; or { host = "…", private = true } for one inside a private network"#,
        r#"backfill.toml:21:29: source[1].hosts[1]: is an integer; expected a host such as "api.example.org", "*.example.org", "localhost:8900" or "http://localhost:8900", without path, user or query; or { host = "…", private = true } for one inside a private network"#,
        r#"backfill.toml:21:32: source[1].hosts[2].host: is missing; expected a host such as "api.example.org", "*.example.org", "localhost:8900" or "http://localhost:8900", without path, user or query; or { host = "…", private = true } for one inside a private network"#,
        r#"backfill.toml:21:34: source[1].hosts[2].hots: unknown key; did you mean "host"?"#,
        r#"backfill.toml:23:6: source[2].id: "eia" is taken by line 19; expected an id of its own"#,
    ];
    assert_eq!(messages(text), expected);
    assert_eq!(parse(text).unwrap_err().to_string(), expected.join("\n"));
}

#[test]
fn broken_syntax_is_named_together_with_what_is_wrong_elsewhere_and_once() {
    let text = "[server\nlisten = 1\n[worker]\nlease = 5m\npol = \"1s\"\nlease = \"1m\n";
    let expected = [
        "backfill.toml:1:8: unclosed table, expected `]`",
        "backfill.toml:4:9: string values must be quoted, expected literal string",
        r#"backfill.toml:5:1: worker.pol: unknown key; did you mean "poll"?"#,
        r#"backfill.toml:6:1: duplicate key "lease"; expected it once"#,
        r#"backfill.toml:6:12: invalid basic string, expected `"`"#,
    ];
    assert_eq!(messages(text), expected);
}

#[test]
fn a_source_whose_lines_are_broken_is_not_said_to_lack_keys() {
    assert_eq!(
        messages("[[source]]\nid \"x\"\ncomponent = \"x.wasm\"\n"),
        ["backfill.toml:2:4: key with no value, expected `=`"]
    );
}

#[test]
fn an_unknown_key_that_resembles_none_lists_the_known_ones() {
    assert_eq!(
        messages("[server]\nbucket = \"b\"\n"),
        [
            "backfill.toml:2:1: server.bucket: unknown key; expected one of behind_proxy, cors_origins, listen, max_open_tasks"
        ]
    );
    assert_eq!(
        messages("[source]\nid = \"x\"\n"),
        ["backfill.toml:1:1: source: is a table; expected an array of tables, each begun by [[source]]"]
    );
    assert_eq!(
        messages("[[sources]]\n"),
        [r#"backfill.toml:1:3: sources: unknown table; did you mean "source"?"#]
    );
}

#[test]
fn columns_count_characters_and_a_byte_order_mark_counts_nothing() {
    let text = "\u{feff}server = { \"café\" = \"é\", listen = 1 }";
    let found = messages(text);
    assert_eq!(
        found[0],
        "backfill.toml:1:12: server.café: unknown key; expected one of behind_proxy, cors_origins, listen, max_open_tasks"
    );
    assert!(found[1].starts_with("backfill.toml:1:35: server.listen: is an integer"), "{found:?}");
}

#[test]
fn a_source_keeps_the_rules_of_its_values() {
    let cases = [
        ("rate = \"0/s\"", "rate: the rate \"0/s\" allows no request"),
        ("sha256 = \"abc\"", "sha256: \"abc\" is not a SHA-256 digest"),
        ("penalty = \"0s\"", "penalty: 0s is too small; expected 1s to 7days"),
        ("penalty = \"ten minutes\"", "penalty: \"ten minutes\" is not a duration (expected number at 0)"),
        ("reuse_for = \"-1h\"", "reuse_for: \"-1h\" is not a duration"),
        ("concurrency = 1.5", "concurrency: is a float; expected a whole number from 1 to 1024"),
        ("concurrency = -1", "concurrency: -1 is out of range"),
        ("enabled = \"yes\"", "enabled: is a string; expected true or false"),
        ("hosts = \"a.org\"", "hosts: is a string; expected an array of hosts"),
        (
            "settings = { day = 2024-01-01 }",
            "settings.day: is a date or time; expected a string, a number or a boolean",
        ),
        ("settings = { many = [1] }", "settings.many: is an array"),
        (
            "caps = { total = \"1MiB\" }",
            "caps.total: 1.0 MiB is less than response, 64.0 MiB; expected at least that",
        ),
        ("caps = { memory = \"5GiB\" }", "caps.memory: 5.0 GiB is too large; expected 1.0 MiB to 4.0 GiB"),
        ("caps = { wall = \"0s\" }", "caps.wall: 0s is too small"),
    ];
    for (line, expected) in cases {
        let found = about_source(line);
        let [message] = found.as_slice() else { panic!("{line}: {found:?}") };
        assert!(message.contains(&format!(": source[0].{expected}")), "{line}: {message}");
        assert!(message.starts_with("backfill.toml:4:"), "{message}");
    }
}

#[test]
fn retries_end_no_sooner_than_they_begin() {
    assert_eq!(
        messages("[worker.retry]\nbase = \"1h\"\n"),
        ["backfill.toml:1:1: worker.retry.max: 16m is less than base, 1h; expected at least that"]
    );
}

/// The database of a configuration in the folder `etc`, with this `url`.
fn database(url: &str, env: Env<'_>) -> Result<Database, String> {
    let text = format!("[database]\nurl = {url:?}\n");
    let path = Path::new("etc/backfill.toml");
    let (config, problems) = reading::document(path, &text, |root| read(path, root, env));
    Problems::unless_any(config.database, problems).map_err(|problems| problems.to_string())
}

fn holds(value: &'static str) -> impl Fn(&str) -> Option<String> {
    move |name| (name == "DB").then(|| value.to_owned())
}

#[test]
fn a_database_is_a_path_or_a_variable_that_holds_one() {
    let sqlite = |path: &str| Ok(Database::Sqlite { path: path.into() });
    assert_eq!(database("sqlite://a b/%.db", &no_env), sqlite("etc/a b/%.db"));
    assert_eq!(database("sqlite:///var/b.db", &no_env), sqlite("/var/b.db"));
    assert_eq!(database("env:DB", &holds("sqlite:///var/b.db\n")), sqlite("/var/b.db"));
    assert_eq!(
        database("env:DB", &no_env).unwrap_err(),
        r#"etc/backfill.toml:2:7: database.url: environment variable DB is not set; expected it to hold "sqlite://PATH", "postgres://USER@HOST/DATABASE", or "env:VAR" for a variable that holds it"#
    );
    for text in ["sqlite://", "sqlite::memory:", "b.db", "env:", "env:1B"] {
        assert!(database(text, &no_env).is_err(), "{text}");
    }
}

#[test]
fn a_database_may_be_on_a_postgres_server_and_its_password_shows_nowhere() {
    let found = database("env:DB", &holds("postgres://u:hush@db/x")).unwrap();
    let Database::Postgres { url } = &found else { panic!("{found:?}") };
    assert_eq!(url.expose(), "postgres://u:hush@db/x");
    assert!(!format!("{found:?}").contains("hush"));
    assert!(matches!(database("postgresql://u@db/x", &no_env), Ok(Database::Postgres { .. })));
    assert_eq!(
        database("postgres://u:hush@db:x/y", &no_env).unwrap_err(),
        r#"etc/backfill.toml:2:7: database.url: the text is not an address (invalid port number); expected "postgres://USER@HOST/DATABASE""#
    );
    assert_eq!(
        database("postgres://db", &no_env).unwrap_err(),
        r#"etc/backfill.toml:2:7: database.url: the text names no database after the host; expected "postgres://USER@HOST/DATABASE""#
    );
    for (text, value) in
        [("env:DB", "mysql://u:hush@db"), ("env:DB", "postgres://u:hush@db"), ("mysql://u:hush@db", "")]
    {
        let said = database(text, &holds(value)).unwrap_err();
        assert!(said.starts_with("etc/backfill.toml:2:7: database.url: the "), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backfill.toml");
    let missing = load(&path, &no_env).unwrap_err().to_string();
    assert!(missing.starts_with(&format!("{}: cannot be read (", path.display())), "{missing}");
    assert!(missing.ends_with("; expected a configuration (backfill.toml) there"), "{missing}");
    fs::write(&path, b"[server]\n# \xff\n").unwrap();
    let encoding = load(&path, &no_env).unwrap_err().to_string();
    assert_eq!(encoding, format!("{}: line 2 is not UTF-8; save the file in that encoding", path.display()));
}

#[test]
fn the_configurations_of_this_repository_have_no_problem() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (file, folder) in [("backfill.toml", "."), ("demo/backfill.toml", "demo/..")] {
        let config = load(&root.join(file), &no_env).unwrap_or_else(|problems| panic!("{problems}"));
        let ids: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
        assert_eq!(ids, ["entsoe", "elexon", "eia", "taipower"], "{file}");
        for source in &config.sources {
            let component = format!("{folder}/plugins/target/wasm32-wasip2/release/{}.wasm", source.id);
            assert_eq!(
                source.component.file().unwrap().components().collect::<PathBuf>(),
                root.join(component).components().collect::<PathBuf>()
            );
        }
    }
}

#[test]
fn the_archive_is_a_folder_or_a_bucket() {
    let config = parse(
        "[archive]\nurl = \"s3://history/answers\"\nregion = \"eu-central-1\"\n\
         endpoint = \"http://minio.lan:9000\"\nallow_http = true\nvirtual_hosted_style = true\n",
    )
    .unwrap();
    let mut bucket = Bucket::parse("s3://history/answers").unwrap();
    bucket.region = Some("eu-central-1".to_owned());
    bucket.endpoint = "http://minio.lan:9000".parse().ok();
    (bucket.allow_http, bucket.virtual_hosted_style) = (true, true);
    let place = ArchivePlace::Bucket { bucket, spool: ".backfill/spool".into() };
    assert_eq!(config.archive, Archive { enabled: true, place });
    for (lines, expected) in [
        (
            "path = \"a\"\nurl = \"s3://history\"",
            ["backfill.toml:3:7: archive.url: is given beside path; expected one of the two"].as_slice(),
        ),
        (
            "url = \"s3://H\"",
            &[
                r#"backfill.toml:2:7: archive.url: "s3://H" names no bucket: 3 to 63 lower-case letters, digits, dots and hyphens; expected "s3://BUCKET/PREFIX""#,
            ],
        ),
        (
            "region = \"x\"\nallow_http = false",
            &[
                r#"backfill.toml:2:10: archive.region: is of a bucket; expected url = "s3://BUCKET/PREFIX" too"#,
                r#"backfill.toml:3:14: archive.allow_http: is of a bucket; expected url = "s3://BUCKET/PREFIX" too"#,
            ],
        ),
        (
            "url = \"s3://history\"\nendpoint = \"http://m:9000\"",
            &[
                "backfill.toml:3:12: archive.endpoint: is not encrypted; expected https://, or allow_http = true too",
            ],
        ),
        (
            "url = \"s3://history\"\nendpoint = \"https://me:hush@m\"",
            &[
                r#"backfill.toml:3:12: archive.endpoint: holds a user or password; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; expected the address of a server, such as "https://minio.example.org:9000""#,
            ],
        ),
    ] {
        assert_eq!(messages(&format!("[archive]\n{lines}\n")), expected, "{lines}");
    }
}
