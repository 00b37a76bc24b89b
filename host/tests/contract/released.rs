//! Nobody edits a released contract unnoticed.

use wit_component::{OutputToString, WitPrinter};
use wit_parser::{PackageId, Resolve};

use crate::{
    derived::{current, edited, later, parsed, versioned},
    support::manifest,
};

/// What a contract says, without its comments and its layout.
fn meaning(contract: &str) -> String {
    let (resolve, package) = parsed(contract);
    let mut printer = WitPrinter::<OutputToString>::default();
    printer.emit_docs(false);
    printer.print(&resolve, package, &[]).unwrap();
    printer.output.to_string()
}

fn version(resolve: &Resolve, package: PackageId) -> (u64, u64, u64) {
    let version = resolve.packages[package].name.version.clone().unwrap();
    (version.major, version.minor, version.patch)
}

/// The released contracts: version and text.
fn released() -> Vec<((u64, u64, u64), String)> {
    let files = std::fs::read_dir(manifest("../wit/released")).unwrap();
    let mut all: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let (resolve, package) = parsed(&text);
            let (major, minor, patch) = version(&resolve, package);
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert_eq!(name, format!("{major}.{minor}.{patch}.wit"), "a file is named as its version");
            ((major, minor, patch), text)
        })
        .collect();
    all.sort();
    all
}

/// What is wrong with a contract beside those that were released, if anything is.
fn objection(contract: &str) -> Option<String> {
    let (resolve, package) = parsed(contract);
    let ours = version(&resolve, package);
    let released = released();
    if let Some((_, text)) = released.iter().find(|(version, _)| *version == ours) {
        let same = meaning(text) == meaning(contract);
        return (!same).then(|| {
            format!(
                "wit/source.wit says something else than wit/released/{}.{}.{}.wit, which was released; give it a new \
                 version, see wit/CHANGES.md",
                ours.0, ours.1, ours.2
            )
        });
    }
    let (last, _) = released.last().unwrap();
    (ours < *last).then(|| format!("version {ours:?} is older than {last:?}, which was released"))
}

#[test]
fn the_contract_is_what_was_released_under_its_version() {
    assert_eq!(objection(&current()), None);
    let changes = std::fs::read_to_string(manifest("../wit/CHANGES.md")).unwrap();
    for ((major, minor, patch), _) in released() {
        let heading = format!("## {major}.{minor}.{patch}");
        assert!(changes.lines().any(|line| line == heading), "wit/CHANGES.md lacks {heading:?}");
    }
}

#[test]
fn comments_may_be_mended_and_anything_else_needs_a_new_version() {
    let current = current();
    let comment = edited(&current, "    /// Writes to the task's log.\n", "    /// Writes to the log.\n\n");
    assert_eq!(objection(&comment), None);
    for (from, to) in [
        ("    log: func(level: level, message: string);", "    log: func(level: level, text: string);"),
        ("    enum level { debug, info, warn, error }", "    enum level { debug, info, warn, error, fatal }"),
        ("        name: string,\n        /// MW.", "        label: string,\n        /// MW."),
        ("    import host;\n", ""),
    ] {
        let edited = edited(&current, from, to);
        assert!(objection(&edited).unwrap().contains("give it a new version"), "{to}");
        assert_eq!(objection(&versioned(&edited, "9.0.0")), None);
    }
    assert!(objection(&versioned(&current, "0.9.0")).unwrap().contains("older"));
}

#[test]
fn the_contract_of_the_tests_is_the_released_one_and_its_additions() {
    let text = std::fs::read_to_string(manifest("tests/contract/later/source.wit")).unwrap();
    let first = released().into_iter().find(|(version, _)| *version == (1, 0, 0)).unwrap().1;
    assert!(text == later(&first), "later/source.wit should read:\n{}", later(&first));
}

#[test]
fn sources_of_their_own_speak_a_released_contract_word_for_word_but_for_comments() {
    for folder in std::fs::read_dir(manifest("../sources")).unwrap() {
        let path = folder.unwrap().path().join("wit/source.wit");
        let text = std::fs::read_to_string(&path).unwrap();
        let (resolve, package) = parsed(&text);
        let ours = version(&resolve, package);
        let found = released().into_iter().find(|(version, _)| *version == ours);
        let (_, text_of_release) =
            found.unwrap_or_else(|| panic!("{}: {ours:?} was never released", path.display()));
        assert!(meaning(&text) == meaning(&text_of_release), "{} is not what {ours:?} was", path.display());
    }
}
