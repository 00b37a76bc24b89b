//! Whether each source could run: what [`load`](super::load) leaves open, since it concerns one source alone
//! and may be mended while the host runs.

use std::fs;

use sha2::{Digest, Sha256};

use super::{Config, Env, Position, Problem, Severity, Source};

/// What keeps enabled sources from running: component files that are missing or have another digest, and
/// credentials that can't be had. In the order of the file. Reads every component.
pub fn check_sources(config: &Config, env: Env<'_>) -> Vec<Problem> {
    let enabled = config.sources.iter().filter(|source| source.enabled);
    enabled.flat_map(|source| check(config, source, env)).collect()
}

fn check(config: &Config, source: &Source, env: Env<'_>) -> Vec<Problem> {
    let problem = |position: Option<Position>, key: &str, message: String| Problem {
        severity: Severity::Source,
        file: config.path.clone(),
        position,
        key: format!("{}.{key}", source.written.key),
        message: format!("{message}; source {} can't run until then", source.id),
    };
    let written = &source.written;
    let mut problems = Vec::new();
    // What is elsewhere shows once it is loaded.
    match source.component.file().map(fs::read) {
        None => {}
        Some(Err(error)) => {
            let message = format!(
                "component {} cannot be read ({error}); build it, or name the file that holds it",
                source.component
            );
            problems.push(problem(written.component, "component", message));
        }
        Some(Ok(bytes)) => {
            let found = hex::encode(Sha256::digest(&bytes));
            if let Some(expected) = source.sha256.as_deref().filter(|expected| *expected != found) {
                let message = format!(
                    "{expected} is expected, but {} has {found}; put the expected file there, or this digest here if \
                     you trust that one",
                    source.component
                );
                problems.push(problem(written.sha256, "sha256", message));
            }
        }
    }
    if let Some(Err(wrong)) = source.credential.as_ref().map(|credential| credential.resolve(env)) {
        problems.push(problem(written.credential, "credential", wrong));
    }
    problems.sort_by_key(|problem| problem.position);
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    /// What is said of a configuration in a folder that holds one component, `hello.wasm`.
    fn said_of(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hello.wasm"), "hello").unwrap();
        let path = folder.path().join("backfill.toml");
        fs::write(&path, text).unwrap();
        let config = load(&path, &|_| None).unwrap();
        let problems = check_sources(&config, &|name| (name == "SET").then(|| "hush".to_owned()));
        assert!(problems.iter().all(|problem| problem.severity == Severity::Source));
        let shorten = |text: String, path: &Path| text.replace(&format!("{}/", path.display()), "");
        problems.iter().map(|problem| shorten(problem.to_string(), folder.path())).collect()
    }

    #[test]
    fn a_source_that_has_all_it_needs_has_no_problem() {
        let text = format!(
            "[[source]]\nid = \"a\"\ncomponent = \"hello.wasm\"\nsha256 = \"{HELLO}\"\n\
             credential = {{ query = \"k\", from = \"env:SET\" }}\n"
        );
        assert_eq!(said_of(&text), Vec::<String>::new());
    }

    #[test]
    fn each_source_is_told_what_it_lacks_and_a_disabled_one_nothing() {
        let zeros = "0".repeat(64);
        let found = said_of(&format!(
            "[[source]]\nid = \"a\"\ncredential = {{ query = \"k\", from = \"env:UNSET\" }}\ncomponent = \"gone.wasm\"\n\
             [[source]]\nid = \"b\"\ncomponent = \"hello.wasm\"\nsha256 = \"{zeros}\"\n\
             [[source]]\nid = \"c\"\ncomponent = \"gone.wasm\"\nenabled = false\n"
        ));
        let expected = [
            "backfill.toml:3:14: source[0].credential: environment variable UNSET is not set; set it to the credential; source a can't run until then".to_owned(),
            "backfill.toml:4:13: source[0].component: component gone.wasm cannot be read (No such file or directory (os error 2)); build it, or name the file that holds it; source a can't run until then".to_owned(),
            format!("backfill.toml:8:10: source[1].sha256: {zeros} is expected, but hello.wasm has {HELLO}; put the expected file there, or this digest here if you trust that one; source b can't run until then"),
        ];
        assert_eq!(found, expected);
    }
}
