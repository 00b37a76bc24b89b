//! What is worth telling about an answer beside its values: collected here, logged by the shell.

use std::fmt::Display;

use backfill_guest::Level;

/// Lines for the task's log, in the order they came up.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    lines: Vec<(Level, String)>,
}

impl Notes {
    /// Something to know: a gap, rows of other units.
    pub(crate) fn info(&mut self, line: String) {
        self.lines.push((Level::Info, line));
    }

    /// [`Self::info`] of what was counted, if anything was.
    pub(crate) fn info_of(&mut self, tally: &Tally, what: &str) {
        self.lines.extend(tally.line(what).map(|line| (Level::Info, line)));
    }

    /// Values that were there but contradict each other, and so are left out, if any were counted.
    pub(crate) fn warn_of(&mut self, tally: &Tally, what: &str) {
        self.lines.extend(tally.line(what).map(|line| (Level::Warn, line)));
    }

    /// The lines with their levels.
    pub(crate) fn lines(&self) -> &[(Level, String)] {
        &self.lines
    }

    /// The first contradiction, if there is any.
    pub(crate) fn contradiction(&self) -> Option<&str> {
        self.lines.iter().find(|(level, _)| *level == Level::Warn).map(|(_, line)| line.as_str())
    }
}

/// Counts one sort of finding and keeps the first as an example, so that a bad month logs a line and not 1,488.
#[derive(Default)]
pub(crate) struct Tally {
    count: usize,
    first: Option<String>,
}

impl Tally {
    /// Counts one; `example` is made for the first only.
    pub(crate) fn add<D: Display>(&mut self, example: impl FnOnce() -> D) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(example().to_string());
        }
    }

    /// `12 <what>; first: …`, or nothing if nothing was counted.
    fn line(&self, what: &str) -> Option<String> {
        self.first.as_ref().map(|first| format!("{} {what}; first: {first}", self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_findings_make_one_line_with_the_first_as_example() {
        let mut tally = Tally::default();
        assert_eq!(tally.line("gaps"), None);
        tally.add(|| "SP1");
        tally.add(|| "SP2");
        assert_eq!(tally.line("gaps").as_deref(), Some("2 gaps; first: SP1"));
    }
}
