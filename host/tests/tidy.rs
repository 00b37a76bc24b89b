//! What the map of the code promises, held against the code.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A Rust file of this repository: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

fn read(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "{folder} holds no Rust file");
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "bindings.rs" {
            // Those are what `cargo component` leaves behind.
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            files.push(File { path, text });
        }
    }
}

/// Whether a name stands in a text by itself, outside of comments.
fn names(text: &str, name: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let whole = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    code.flat_map(|line| line.match_indices(name).map(move |(at, _)| (line, at))).any(|(line, at)| {
        let ends = name.ends_with("::") || whole(line[at + name.len()..].chars().next());
        ends && whole(line[..at].chars().next_back())
    })
}

/// The modules of the host that a file names, by `crate::…` or inside of `use crate::{…}`.
fn modules_named(text: &str, modules: &[&'static str]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for module in modules {
        let listed = text.split("use crate::{").skip(1).any(|rest| {
            let list = rest.split("};").next().unwrap_or_default();
            list.lines().any(|line| {
                line.split(", ").any(|item| {
                    let item = item.trim().trim_end_matches(',');
                    item == *module || item.starts_with(&format!("{module}::"))
                })
            })
        });
        if listed || names(text, &format!("crate::{module}")) {
            found.push(*module);
        }
    }
    found
}

const MODULES: [&str; 18] = [
    "api",
    "cli",
    "clock",
    "config",
    "domain",
    "egress",
    "export",
    "importing",
    "kit",
    "notify",
    "observe",
    "planning",
    "registry_file",
    "reload",
    "schedules",
    "source",
    "store",
    "worker",
];

#[test]
fn modules_of_the_host_know_only_those_below_them() {
    let allowed: [(&str, &[&str]); 17] = [
        ("domain", &[]),
        ("observe", &[]),
        ("egress", &["clock", "domain", "observe"]),
        ("store", &["clock", "domain"]),
        ("export", &["domain", "store"]),
        ("config", &["domain", "egress"]),
        ("registry_file", &["config", "domain"]),
        ("source", &["clock", "config", "domain", "egress", "observe"]),
        ("worker", &["clock", "config", "domain", "egress", "observe", "source", "store"]),
        ("notify", &["clock", "config", "domain", "egress", "store"]),
        ("planning", &["domain", "observe", "source", "store"]),
        ("importing", &["domain", "registry_file", "source", "store"]),
        ("kit", &["clock", "config", "domain", "egress", "source", "store"]),
        ("reload", &["config", "source", "worker"]),
        ("schedules", &["domain", "observe", "planning", "source", "store"]),
        (
            "api",
            &[
                "clock",
                "config",
                "domain",
                "egress",
                "export",
                "importing",
                "observe",
                "planning",
                "registry_file",
                "schedules",
                "source",
                "store",
                "worker",
            ],
        ),
        ("cli", &MODULES),
    ];
    for (module, below) in allowed {
        for File { path, text } in read(&format!("host/src/{module}")) {
            let above: Vec<_> = modules_named(&text, &MODULES)
                .into_iter()
                .filter(|named| *named != module && !below.contains(named))
                .collect();
            assert!(above.is_empty(), "{path} names {above:?}; {module} may know {below:?} only");
        }
    }
}

#[test]
fn types_of_the_engine_and_of_the_database_stay_where_they_belong() {
    let homes = [
        ("wasmtime", "source"),
        ("wasmtime_wasi", "source"),
        ("wasmtime_wasi_http", "source"),
        ("sqlx", "store"),
    ];
    for (library, home) in homes {
        let home = format!("host/src/{home}/");
        let everywhere = read("host/src");
        let library = format!("{library}::");
        assert!(everywhere.iter().any(|file| file.path.starts_with(&home) && names(&file.text, &library)));
        for File { path, text } in everywhere {
            assert!(
                path.starts_with(&home) || !names(&text, &library),
                "{path} names {library}; only {home} may"
            );
        }
    }
}

#[test]
fn only_one_place_of_the_host_reads_the_clock() {
    for File { path, text } in read("host/src") {
        let reads = names(&text, "Utc::now") || names(&text, "SystemTime::now");
        assert!(!reads || path == "host/src/clock.rs", "{path} reads the clock; take `now` as an argument");
    }
}

#[test]
fn no_file_is_long_without_saying_why() {
    for File { path, text } in ["host", "simulator", "plugins"].into_iter().flat_map(read) {
        let lines = text.lines().count();
        let mut head = text.lines().take_while(|line| line.starts_with("//!"));
        let says_why = head.any(|line| line.contains("over 400 lines because"));
        assert!(
            lines <= 400 || says_why,
            "{path} has {lines} lines; split it, or say in its head: over 400 lines because …"
        );
    }
}

#[test]
fn tests_wait_for_conditions_and_not_for_luck() {
    // In two parts, so that this line is no such call itself.
    let call = ["sle", "ep("].concat();
    // The guests are what is tested: one of them sleeps for ever.
    let tests = read("host/tests").into_iter().filter(|file| !file.path.starts_with("host/tests/guests/"));
    for File { path, text } in tests {
        let mut before = "";
        for (number, line) in text.lines().enumerate() {
            let is_call = line.contains(&call) && !line.contains(&format!("fn {call}"));
            let justified = [line, before].iter().any(|line| line.contains("// waits for"));
            assert!(
                !is_call || justified,
                "{path}:{}: wait for a condition, or say what it `// waits for`",
                number + 1
            );
            before = line;
        }
    }
}

#[test]
fn the_readme_names_both_commands_and_the_documents_that_it_refers_to_are_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for command in ["make run", "make test"] {
        assert!(readme.lines().any(|line| line.starts_with(command)), "README.md does not show `{command}`");
    }
    for target in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let is_elsewhere = target.starts_with("https://");
        assert!(
            is_elsewhere || root().join(target).exists(),
            "README.md refers to {target}, which is not there"
        );
    }
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    for target in ["run:", "test:"] {
        assert!(makefile.lines().any(|line| line.starts_with(target)), "the Makefile has no {target}");
    }
}
