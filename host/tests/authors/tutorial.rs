//! `docs/sources.md` is followed command by command, in an empty folder, and prints what it says: in each language, whose
//! own commands are in blocks that name it. One thing differs: the upstream is the simulator, so what grants the real one
//! grants that.

use simulator::Options;

use crate::{
    project::Workshop,
    support::{manifest, work_folder::Ran},
};

/// Commands of the document, and what it says that they print.
struct Step {
    line: usize,
    /// The language that they are for, if it is for one alone.
    language: Option<String>,
    commands: String,
    output: Vec<String>,
}

/// The blocks of ```sh, and of ```sh LANGUAGE, in their order, each with the ```text block that follows it.
fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((at, fence)) = lines.next() {
        let Some(kind) = fence.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let block: Vec<_> =
            lines.by_ref().map(|(_, line)| line.to_owned()).take_while(|line| line != "```").collect();
        let (kind, language) =
            kind.split_once(' ').map_or((kind, None), |(kind, of)| (kind, Some(of.to_owned())));
        match (kind, steps.last_mut()) {
            ("sh", _) => {
                steps.push(Step { line: at + 1, language, commands: block.join("\n"), output: Vec::new() })
            }
            ("text", Some(step)) => step.output = block,
            _ => {}
        }
    }
    steps
}

/// What the line of the document is not in, in order after what was found before; `…` stands for anything.
fn missing<'a>(output: &'a [String], printed: &str) -> Option<&'a String> {
    let mut lines = printed.lines();
    output.iter().find(|expected| !lines.any(|line| fits(expected, line)))
}

fn fits(expected: &str, line: &str) -> bool {
    let mut pieces = expected.split('…');
    let first = pieces.next().unwrap_or_default().trim_end();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut open = false;
    for piece in pieces.map(str::trim) {
        open = piece.is_empty();
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    open || rest.trim().is_empty()
}

#[test]
fn a_line_fits_if_all_of_its_words_are_there_in_order() {
    assert!(fits("PASSED: 2 passed, …", "PASSED: 2 passed, 0 failed, in 1.2 s"));
    assert!(fits(" … 0.2.0 … active …", " 72f2   0.2.0   now   active "));
    assert!(fits("a … z", "a b z") && !fits("a … z", "a b z c"));
    assert!(!fits("PASSED: 2 passed", "PASSED: 2 passed, 0 failed"));
    assert!(!fits("b", "a b"));
}

#[tokio::test]
#[ignore = "builds a project: make test-authors"]
async fn every_command_of_the_tutorial_works_and_prints_what_it_says() {
    follow("rust").await;
}

#[tokio::test]
#[ignore = "builds a project: make test-authors"]
async fn every_command_of_the_tutorial_works_in_python() {
    follow("python").await;
}

#[tokio::test]
#[ignore = "builds a project: make test-authors"]
async fn every_command_of_the_tutorial_works_in_javascript() {
    follow("javascript").await;
}

async fn follow(language: &str) {
    let now = Some("2026-11-24T12:00:00Z".parse().unwrap());
    let simulator = simulator::start(Options { now, ..Options::default() }).await.unwrap();
    let at_simulator = |text: &str| {
        let granted = format!("rate = \"2/s\"\n[source.settings]\nbase_url = {:?}", simulator.url());
        let hosts = format!("hosts = [{:?}]", simulator.url());
        text.replace("hosts = [\"data.elexon.co.uk\"]", &hosts).replace("rate = \"2/s\"", &granted)
    };
    let document = std::fs::read_to_string(manifest("../docs/sources.md")).unwrap();
    let mut steps = steps(&document);
    steps.retain(|step| step.language.as_deref().is_none_or(|only| only == language));
    assert!(steps.len() >= 12, "{} steps", steps.len());
    let (workshop, mut folder, mut component) = (Workshop::new(), ".".to_owned(), String::new());
    for (number, step) in steps.iter().enumerate() {
        // What one step leaves to the next: where it is, and what it calls the component.
        let line = format!(
            "WINDY='{component}'\n{}\necho \"IN:$PWD\"\necho \"WINDY:$WINDY\"",
            at_simulator(&step.commands)
        );
        let Ran { code, out, err } = workshop.sh(&folder, &line).await;
        let said = format!("docs/sources.md:{}\n{line}\n{out}{err}", step.line);
        assert_eq!(code, Some(0), "{said}");
        if let Some(missing) =
            missing(&step.output, &out).and_then(|_| missing(&step.output, &format!("{err}{out}")))
        {
            panic!("it does not print {missing:?}\n{said}");
        }
        let left = |name: &str| out.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        (folder, component) = (left("IN:"), left("WINDY:"));
        if number == 0 {
            let path = workshop.path("windy/backfill.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, at_simulator(&text)).unwrap();
            if language == "rust" {
                workshop.built_elsewhere("windy");
            }
            workshop.share_compiled("windy");
        }
    }
}
