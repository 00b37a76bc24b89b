//! What must change so that stored rows agree with an answer.
//!
//! The difference is computed here and not by one SQL statement with three counters: the counts are exact by
//! construction on every database (an `ON CONFLICT … RETURNING` can't tell an insert from an update, nor see the
//! rows that it left alone), one code serves all of them, and rows of another resolution, which no key
//! conflict finds, are seen too. The price is reading the stored span first, by primary key.
//!
//! Two things hold whatever comes in: rows of one series never overlap, and the same answer again changes nothing.

use super::Measurement;

/// The difference between the stored rows of one series and an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Rows to write, in order: new ones, and ones that overwrite the row with the same start.
    pub writes: Vec<Measurement>,
    /// Stored rows that go to the revisions, in order.
    pub replaced: Vec<Measurement>,
    /// Starts of those replaced rows that no write overwrites, to delete.
    pub deletes: Vec<i64>,
    /// Rows that came where nothing was stored.
    pub inserted: u64,
    /// Rows that came in the place of something else: another value or length at the same start, or rows of
    /// another resolution (an hour that becomes four quarters is four updates and one revision).
    pub updated: u64,
    /// Rows that are stored already. Together with the other two: all rows of the answer.
    pub unchanged: u64,
}

/// Compares stored rows with incoming ones; both ordered by start and without overlaps, `stored` holding at
/// least every row that overlaps the span of `incoming`. Stored rows that nothing overlaps are left alone:
/// an answer that lacks an interval does not say that it never was.
pub fn reconcile(stored: &[Measurement], incoming: &[Measurement]) -> Changes {
    let mut changes = Changes::default();
    let mut rest = stored;
    for row in incoming {
        while let [first, tail @ ..] = rest
            && first.end() <= row.start
        {
            rest = tail;
        }
        let mut overlapping = rest.iter().take_while(|old| old.start < row.end()).peekable();
        if overlapping.peek() == Some(&row) {
            changes.unchanged += 1;
            continue;
        }
        if overlapping.peek().is_none() {
            changes.inserted += 1;
        } else {
            changes.updated += 1;
        }
        for old in overlapping {
            // A long stored row overlaps several incoming ones; it is replaced once.
            if changes.replaced.last().is_none_or(|last| last.start < old.start) {
                changes.replaced.push(*old);
                if old.start != row.start {
                    changes.deletes.push(old.start);
                }
            }
        }
        changes.writes.push(*row);
    }
    changes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const fn row(start: i64, seconds: u32, value: f64) -> Measurement {
        Measurement { start, seconds, value }
    }

    /// What a store does with the changes; panics where a store would refuse.
    fn apply(stored: &[Measurement], changes: &Changes) -> Vec<Measurement> {
        let mut rows: BTreeMap<i64, Measurement> = stored.iter().map(|row| (row.start, *row)).collect();
        for old in &changes.replaced {
            assert_eq!(rows.get(&old.start), Some(old), "a revision is a row that was stored");
        }
        for start in &changes.deletes {
            assert!(rows.remove(start).is_some());
        }
        for new in &changes.writes {
            rows.insert(new.start, *new);
        }
        rows.into_values().collect()
    }

    /// Rows with gaps, of mixed lengths, with few distinct values so that equal ones are common.
    fn rows() -> impl Strategy<Value = Vec<Measurement>> {
        prop::collection::vec((0..3i64, 1..5u32, 0..3u8), 0..30).prop_map(|parts| {
            let mut at = 0;
            parts
                .into_iter()
                .map(|(gap, length, value)| {
                    let new = row(at + gap * 900, length * 900, f64::from(value));
                    at = new.end();
                    new
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn afterwards_every_incoming_row_is_stored_and_none_overlap(stored in rows(), incoming in rows()) {
            let changes = reconcile(&stored, &incoming);
            let after = apply(&stored, &changes);
            prop_assert!(after.is_sorted_by(|a, b| a.end() <= b.start), "{after:?}");
            prop_assert!(incoming.iter().all(|row| after.contains(row)));
            let untouched = |old: &Measurement| incoming.iter().all(|new| old.end() <= new.start || new.end() <= old.start);
            prop_assert!(stored.iter().filter(|old| untouched(old)).all(|old| after.contains(old)));
            prop_assert_eq!(after.len(), incoming.len() + stored.iter().filter(|old| untouched(old)).count());
        }

        #[test]
        fn every_incoming_row_is_counted_once_and_nothing_is_lost(stored in rows(), incoming in rows()) {
            let changes = reconcile(&stored, &incoming);
            prop_assert_eq!(changes.inserted + changes.updated + changes.unchanged, incoming.len() as u64);
            prop_assert_eq!(changes.inserted + changes.updated, changes.writes.len() as u64);
            let after = apply(&stored, &changes);
            prop_assert!(stored.iter().all(|old| after.contains(old) != changes.replaced.contains(old)));
        }

        #[test]
        fn the_same_answer_again_changes_nothing(stored in rows(), incoming in rows()) {
            let after = apply(&stored, &reconcile(&stored, &incoming));
            let again = reconcile(&after, &incoming);
            prop_assert_eq!(again, Changes { unchanged: incoming.len() as u64, ..Changes::default() });
        }
    }

    #[test]
    fn an_hour_becomes_four_quarters_and_an_hour_again() {
        let hour = [row(0, 3600, 8.0)];
        let quarters: Vec<_> = (0..4).map(|n| row(n * 900, 900, n as f64)).collect();
        let finer = reconcile(&hour, &quarters);
        assert_eq!((finer.inserted, finer.updated, finer.unchanged), (0, 4, 0));
        assert_eq!((&finer.replaced[..], &finer.deletes[..]), (&hour[..], &[][..]));
        let coarser = reconcile(&quarters, &hour);
        assert_eq!((coarser.inserted, coarser.updated, coarser.unchanged), (0, 1, 0));
        assert_eq!((&coarser.replaced, &coarser.deletes[..]), (&quarters, &[900, 1800, 2700][..]));
    }

    #[test]
    fn negative_zero_is_zero() {
        assert_eq!(reconcile(&[row(0, 900, 0.0)], &[row(0, 900, -0.0)]).unchanged, 1);
    }
}
