//! `docs/sources.md` is followed command by command, in an empty folder, and prints what it says. One thing differs: the
//! upstream is the simulator, so what grants the real one grants that.

use simulator::Options;

use crate::{
    project::Workshop,
    support::{manifest, work_folder::Ran},
    wanted,
};

/// Commands of the document, and what it says that they print.
struct Step {
    line: usize,
    commands: String,
    output: Vec<String>,
}

/// The ```sh blocks in their order, each with the ```text block that follows it.
fn steps(document: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = document.lines().enumerate();
    while let Some((at, fence)) = lines.next() {
        let Some(kind) = fence.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let block: Vec<_> =
            lines.by_ref().map(|(_, line)| line.to_owned()).take_while(|line| line != "```").collect();
        match (kind, steps.last_mut()) {
            ("sh", _) => steps.push(Step { line: at + 1, commands: block.join("\n"), output: Vec::new() }),
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
async fn every_command_of_the_tutorial_works_and_prints_what_it_says() {
    if !wanted() {
        return;
    }
    let now = Some("2026-11-24T12:00:00Z".parse().unwrap());
    let simulator = simulator::start(Options { now, ..Options::default() }).await.unwrap();
    let at_simulator = |text: &str| {
        let granted = format!("rate = \"2/s\"\n[source.settings]\nbase_url = {:?}", simulator.url());
        let hosts = format!("hosts = [{:?}]", simulator.url());
        text.replace("hosts = [\"data.elexon.co.uk\"]", &hosts).replace("rate = \"2/s\"", &granted)
    };
    let document = std::fs::read_to_string(manifest("../docs/sources.md")).unwrap();
    let steps = steps(&document);
    assert!(steps.len() >= 12, "{} steps", steps.len());
    let (workshop, mut folder) = (Workshop::new(), ".".to_owned());
    for (number, step) in steps.iter().enumerate() {
        let line = format!("{}\necho \"IN:$PWD\"", at_simulator(&step.commands));
        let Ran { code, out, err } = workshop.sh(&folder, &line).await;
        let said = format!("docs/sources.md:{}\n{line}\n{out}{err}", step.line);
        assert_eq!(code, Some(0), "{said}");
        if let Some(missing) =
            missing(&step.output, &out).and_then(|_| missing(&step.output, &format!("{err}{out}")))
        {
            panic!("it does not print {missing:?}\n{said}");
        }
        folder = out.lines().find_map(|line| line.strip_prefix("IN:")).unwrap().to_owned();
        if number == 0 {
            let path = workshop.path("windy/backfill.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, at_simulator(&text)).unwrap();
            workshop.built_elsewhere("windy");
        }
    }
}
