//! What a fetch has to tell besides its result. Gathered and written to the log at the end, so that everything
//! before is a plain function of the answers.

use backfill_guest::Level;

/// Items that a list in a note may have before it is cut.
const LISTED: usize = 6;

/// Lines for the task's log.
#[derive(Debug, Default)]
pub struct Notes(pub Vec<(Level, String)>);

impl Notes {
    /// Adds a line.
    pub fn add(&mut self, level: Level, line: String) {
        self.0.push((level, line));
    }
}

/// The first few items of a list, and how many more there are.
pub fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let mut text = items.take(LISTED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        assert_eq!(listed((1..=3).map(|n: i32| n.to_string()).collect::<Vec<_>>().into_iter()), "1, 2, 3");
        assert!(listed(vec!["x".to_owned(); 9].into_iter()).ends_with("x and 3 more"));
    }
}
