//! One unit, one month: asks, asks again in smaller parts where the platform wants that, reads, and decides what
//! the whole amounts to.

use backfill_guest::{Failure, Level, Month, Series, time};

use crate::answer::{Answer, Reply};
use crate::assemble::Gathered;
use crate::document::{self, Wanted};
use crate::notes::Notes;
use crate::query::Query;
use crate::target::Target;

/// Days after which operators have to have published (Regulation 543/2013, article 16).
pub const PUBLICATION_DAYS: u16 = 5;
/// Days within which late publication happens: some operators need four weeks.
const LATE_DAYS: i64 = 35;
const DAY: i64 = 86_400;
/// Seconds that the part of a month may have at most.
const LONGEST: i64 = 32 * DAY;

/// Fetches a month. `ask` sends questions and gives the answers in their order, best read one by one, so that only
/// one body is held at a time; `now` is the time in seconds of UTC, by which "not yet" is told from "never".
pub fn fetch<Replies: Iterator<Item = Result<Reply, Failure>>>(
    target: &Target,
    month: &Month,
    now: i64,
    mut ask: impl FnMut(&[Query]) -> Replies,
    notes: &mut Notes,
) -> Result<Vec<Series>, Failure> {
    let length = month.end.checked_sub(month.start).filter(|length| (1..=LONGEST).contains(length));
    if length.is_none() {
        return Err(Failure::NotAvailable(format!("{} to {} is no part of a month", month.start, month.end)));
    }
    if month.start > now {
        return Err(Failure::NotYetPublished(format!("{} has not begun", month.label())));
    }
    let mut run = Run {
        target,
        now,
        wanted: match target {
            Target::Unit { eic, .. } => Wanted::unit(eic),
            Target::Area { types, .. } => Wanted::types(types),
        },
        gathered: Gathered::new(month.start..month.end),
        asked: 0,
        empty: 0,
        without: 0,
        again: Vec::new(),
        failure: None,
    };
    let mut pending = Query::cover(target, month.start..month.end);
    while !pending.is_empty() && run.failure.is_none() {
        for (query, reply) in pending.iter().zip(ask(&pending)) {
            run.take(query, reply);
        }
        pending = std::mem::take(&mut run.again);
    }
    run.finish(month, notes)
}

struct Run<'a> {
    target: &'a Target,
    now: i64,
    wanted: Wanted,
    gathered: Gathered,
    /// Questions that were answered for good, those without data, and those whose documents lack the target.
    asked: usize,
    empty: usize,
    without: usize,
    /// Questions that the platform wants in smaller parts.
    again: Vec<Query>,
    failure: Option<Failure>,
}

impl Run<'_> {
    fn take(&mut self, query: &Query, reply: Result<Reply, Failure>) {
        let smaller = match reply.map(Answer::of) {
            Ok(Answer::Documents(documents)) => return self.read(query, &documents),
            Ok(Answer::Empty) => return self.count_empty(),
            // Only questions of ours that were narrowed to a type can be told so.
            Ok(Answer::TypeNotInArea(_)) if query.psr.is_some() => return self.count_empty(),
            Ok(Answer::TypeNotInArea(said)) => Err(Failure::NotAvailable(said)),
            Ok(Answer::IntervalRefused(said)) if query.interval.end > self.now - LATE_DAYS * DAY => {
                Err(Failure::NotYetPublished(said))
            }
            Ok(Answer::IntervalRefused(said)) => Err(Failure::Malformed(said)),
            Ok(Answer::TooMuch(said)) => query.halves().ok_or(Failure::Malformed(said)),
            Ok(Answer::TooManyInstances(said)) => {
                query.narrower(self.target).or_else(|| query.halves()).ok_or(Failure::Malformed(said))
            }
            Ok(Answer::Failed(failure)) | Err(failure) => Err(failure),
        };
        match smaller {
            Ok(queries) => self.again.extend(queries),
            Err(failure) => self.fail(about(query, failure)),
        }
    }

    fn count_empty(&mut self) {
        self.asked += 1;
        self.empty += 1;
    }

    fn read(&mut self, query: &Query, documents: &[Vec<u8>]) {
        self.asked += 1;
        let mut found = 0;
        for document in documents {
            match document::read(document, &self.wanted, &mut |series| self.gathered.add(series)) {
                Ok(series) => found += series,
                Err(why) => return self.fail(about(query, Failure::Malformed(why))),
            }
        }
        self.without += usize::from(found == 0);
    }

    /// Of several failures, the one that the host can do most about is told.
    fn fail(&mut self, failure: Failure) {
        if self.failure.as_ref().is_none_or(|known| rank(&failure) < rank(known)) {
            self.failure = Some(failure);
        }
    }

    fn finish(self, month: &Month, notes: &mut Notes) -> Result<Vec<Series>, Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let series = self.gathered.finish(notes);
        if !series.is_empty() {
            if self.empty > 0 {
                notes.add(
                    Level::Info,
                    format!("{} of {} requests had no data for the whole area", self.empty, self.asked),
                );
            }
            return Ok(series);
        }
        let (what, area) = match self.target {
            Target::Unit { eic, control_area } => (eic.clone(), control_area),
            Target::Area { area, types } => (types.join(", "), area),
        };
        let said = format!(
            "no values of {what} in {area} for {}: of {} requests {} had no data at all, and in {} the area's \
             documents do not name it",
            month.label(),
            self.asked,
            self.empty,
            self.without
        );
        let due = month.end + i64::from(PUBLICATION_DAYS) * DAY;
        if self.now < due {
            return Err(Failure::NotYetPublished(format!("{said}; due by {}", time::format_utc(due))));
        }
        Err(Failure::NoData(said))
    }
}

/// The lower, the more the host can do about it.
pub(crate) fn rank(failure: &Failure) -> u8 {
    match failure {
        Failure::Unauthorized(_) => 0,
        Failure::RateLimited(_) => 1,
        Failure::InvalidUnit(_) => 2,
        Failure::NotAvailable(_) => 3,
        Failure::Unavailable(_) => 4,
        Failure::Malformed(_) => 5,
        Failure::NotYetPublished(_) => 6,
        Failure::NoData(_) => 7,
    }
}

/// The same failure, with the question before its words.
fn about(query: &Query, failure: Failure) -> Failure {
    let told = |why: String| format!("{query}: {why}");
    match failure {
        Failure::NoData(why) => Failure::NoData(told(why)),
        Failure::NotYetPublished(why) => Failure::NotYetPublished(told(why)),
        Failure::NotAvailable(why) => Failure::NotAvailable(told(why)),
        Failure::InvalidUnit(why) => Failure::InvalidUnit(told(why)),
        Failure::Unauthorized(why) => Failure::Unauthorized(told(why)),
        Failure::Unavailable(why) => Failure::Unavailable(told(why)),
        Failure::Malformed(why) => Failure::Malformed(told(why)),
        limited @ Failure::RateLimited(_) => limited,
    }
}

#[cfg(test)]
mod tests;
