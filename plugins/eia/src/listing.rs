//! All rows of a query: page after page until EIA's own count is reached, and never for ever.

use std::collections::HashSet;
use std::hash::Hash;

use backfill_guest::Failure;

use crate::answer::Page;

/// Rows asked for at once; EIA caps a page of JSON there.
pub(crate) const PAGE_ROWS: usize = 5000;

/// A unit's month is one page. More than this means that EIA ignores the filters.
const MAX_PAGES: usize = 20;

/// The different rows of all pages.
#[derive(Debug)]
pub(crate) struct Listing<R> {
    /// Rows without repeats; EIA repeats rows when the order shifts between pages.
    pub(crate) rows: HashSet<R>,
    /// Whether EIA has no more rows than these. If not, a row that is missing may exist.
    pub(crate) complete: bool,
    /// What a person should know: warnings of the API, counts that don't agree.
    pub(crate) notes: Vec<String>,
}

/// Asks for the page at each offset until all rows are there: as many as EIA counts, or an empty page. A page
/// without a new row ends it too, but leaves it incomplete: the upstream ignores the offset.
///
/// # Errors
/// Those of `ask`.
pub(crate) fn collect<R: Eq + Hash>(
    mut ask: impl FnMut(usize) -> Result<Page<R>, Failure>,
) -> Result<Listing<R>, Failure> {
    let mut listing = Listing { rows: HashSet::new(), complete: false, notes: Vec::new() };
    let mut offset = 0;
    for _ in 0..MAX_PAGES {
        let Page { rows, total, warnings } = ask(offset)?;
        let (had, came) = (listing.rows.len(), rows.len());
        listing.rows.extend(rows);
        let new = listing.rows.len() - had;
        for warning in warnings {
            if !listing.notes.contains(&warning) {
                listing.notes.push(warning);
            }
        }

        if came > 0 && new == 0 {
            listing.complete = total.is_some_and(|total| had >= total);
            if !listing.complete {
                listing
                    .notes
                    .push(format!("EIA repeated its rows at offset {offset}; {had} of {total:?} were read"));
            }
            return Ok(listing);
        }
        offset += came;
        if came == 0 {
            listing.complete = true;
            if total.is_some_and(|total| total != offset) {
                listing.notes.push(format!("EIA counts {total:?} rows and sent {offset}"));
            }
            return Ok(listing);
        }
        // A full page is followed whatever the count says: some versions of the API count too few.
        if came < PAGE_ROWS && total.is_none_or(|total| offset >= total) {
            listing.complete = true;
            if listing.rows.len() < offset {
                let twice = offset - listing.rows.len();
                listing.notes.push(format!("EIA sent {twice} of {offset} rows more than once"));
            }
            return Ok(listing);
        }
    }
    listing.notes.push(format!("EIA still has rows after {MAX_PAGES} pages; reading stopped there"));
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks an upstream that holds `rows`, counts them as `total`, and gives at most `page` at once.
    fn read(rows: std::ops::Range<u32>, total: Option<usize>, page: usize) -> (Listing<u32>, usize) {
        let mut asked = 0;
        let listing = collect(|offset| {
            asked += 1;
            Ok(Page { rows: rows.clone().skip(offset).take(page).collect(), total, warnings: Vec::new() })
        });
        (listing.unwrap(), asked)
    }

    #[test]
    fn one_page_with_all_rows_is_one_request() {
        let (listing, asked) = read(0..125, Some(125), PAGE_ROWS);
        assert_eq!((listing.rows.len(), listing.complete, asked, listing.notes.len()), (125, true, 1, 0));
    }

    #[test]
    fn pages_are_read_until_the_count_even_where_the_upstream_gives_fewer_than_asked() {
        let (listing, asked) = read(0..700, Some(700), 300);
        assert_eq!((listing.rows.len(), listing.complete, asked), (700, true, 3));
    }

    #[test]
    fn a_count_that_is_too_high_ends_at_the_empty_page_with_a_note() {
        let (listing, asked) = read(0..10, Some(99), PAGE_ROWS);
        assert_eq!((listing.rows.len(), listing.complete, asked, listing.notes.len()), (10, true, 2, 1));
    }

    #[test]
    fn a_count_that_is_too_low_does_not_hide_the_rows_after_a_full_page() {
        let (listing, _) = read(0..6949, Some(5000), PAGE_ROWS);
        assert_eq!((listing.rows.len(), listing.complete), (6949, true));
    }

    #[test]
    fn an_absent_count_ends_at_a_short_page() {
        let (listing, asked) = read(0..7000, None, PAGE_ROWS);
        assert_eq!((listing.rows.len(), listing.complete, asked), (7000, true, 2));
    }

    #[test]
    fn an_upstream_that_repeats_one_page_ends_and_is_known_as_incomplete() {
        let mut asked = 0;
        let listing = collect(|_| {
            asked += 1;
            Ok(Page { rows: (0..5000).collect(), total: Some(6949), warnings: Vec::new() })
        })
        .unwrap();
        assert_eq!((listing.rows.len(), listing.complete, asked, listing.notes.len()), (5000, false, 2, 1));
    }

    #[test]
    fn an_upstream_without_end_is_left_after_the_last_allowed_page() {
        let mut asked = 0;
        let listing = collect(|offset| {
            asked += 1;
            Ok(Page { rows: (offset..offset + PAGE_ROWS).collect(), total: None, warnings: Vec::new() })
        })
        .unwrap();
        assert_eq!((asked, listing.complete), (MAX_PAGES, false));
    }

    #[test]
    fn rows_that_come_twice_count_once() {
        let pages = [vec![1, 2, 3], vec![3, 4]];
        let listing = collect(|offset| {
            Ok(Page { rows: pages[offset.min(3) / 3].clone(), total: Some(5), warnings: Vec::new() })
        })
        .unwrap();
        assert_eq!((listing.rows.len(), listing.complete, listing.notes.len()), (4, true, 1));
    }

    #[test]
    fn a_failing_page_fails_the_whole() {
        let failed = collect::<u32>(|offset| match offset {
            0 => Ok(Page { rows: vec![1], total: Some(2), warnings: Vec::new() }),
            _ => Err(Failure::Unavailable("later".into())),
        });
        assert!(matches!(failed, Err(Failure::Unavailable(_))));
    }
}
