//! The list of all checks: a stable id, the rule, and how to mend what breaks it. `docs/conformance.md` has the same.

use std::fmt;

use futures::{FutureExt as _, future::BoxFuture};

use super::{
    Found, MOST_EVIDENCE,
    bench::Bench,
    calendar, failures, months, oddities, requests, small,
    verdict::{Judged, Outcome},
};

/// One rule.
pub struct Check {
    /// Stable: verdicts, `--only` and `[skip]` name it.
    pub id: &'static str,
    /// The rule, in a line.
    pub rule: &'static str,
    /// What to do where it is broken.
    pub mend: &'static str,
    /// What has to be there to judge it.
    pub group: Group,
    pub(super) run: for<'a> fn(&'a Bench) -> BoxFuture<'a, Found>,
}

/// What a check needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The component.
    Alone,
    /// A unit that it takes.
    Unit,
    /// A made-up upstream.
    Upstream,
    /// A made-up upstream, and it is the upstream that is judged.
    Cases,
}

impl Check {
    /// Whether somebody means it: by its id, or by the beginning of it.
    pub fn is(&self, wanted: &str) -> bool {
        self.id
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || wanted.ends_with('.'))
    }

    pub(super) fn judged(&self, found: Found) -> Judged {
        let outcome = match found {
            Found::Skipped(why) => Outcome::Skipped { why },
            Found::Evidence(evidence) if evidence.is_empty() => Outcome::Passed,
            Found::Evidence(mut evidence) => {
                let more = evidence.len().saturating_sub(MOST_EVIDENCE);
                evidence.truncate(MOST_EVIDENCE);
                if more > 0 {
                    evidence.push(format!("and {more} more"));
                }
                Outcome::Failed { evidence, mend: self.mend }
            }
        };
        Judged { id: self.id.into(), rule: self.rule.into(), outcome }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

macro_rules! checks {
    ($($group:ident $id:literal = $run:path: $rule:literal; $mend:literal)*) => {
        /// All checks, in the order in which they are made.
        pub static CHECKS: &[Check] = &[$(Check {
            id: $id,
            rule: $rule,
            mend: $mend,
            group: Group::$group,
            run: |bench| $run(bench).boxed(),
        }),*];
    };
}

checks! {
    Alone "describe.complete" = small::complete:
        "describe gives every field as the host needs it";
        "mend the field that is named"
    Alone "describe.steady" = small::steady:
        "describe says the same whatever the settings, the clock and chance";
        "return constants: the host describes a component once, when it loads it"
    Alone "describe.asks-nothing" = small::describe_asks_nothing:
        "describe makes no request and takes no time";
        "move requests and work to fetch"
    Alone "describe.no-secret" = small::no_secret:
        "no setting asks for a secret";
        "take the setting out: `credential` in backfill.toml is added outside the sandbox"
    Alone "unit.odd-codes" = small::odd_codes:
        "check-unit answers every code and attribute, however odd, and never crashes";
        "return an error that tells a person what a code looks like"
    Alone "unit.asks-nothing" = small::check_asks_nothing:
        "check-unit makes no request";
        "check the form alone; what the upstream knows of a unit, fetch finds out"
    Alone "unit.refused" = small::refused:
        "fetch answers invalid-unit to a unit that check-unit refuses, and asks nothing";
        "begin fetch with what check-unit does, and return invalid-unit with its words"
    Upstream "unit.listed" = small::listed:
        "check-unit takes the units of upstream.toml, and refuses those marked so";
        "mend check-unit, or the unit's `refused` in upstream.toml"
    Upstream "unit.unknown" = oddities::unknown:
        "a unit that the upstream doesn't know ends in no-data, not-available or invalid-unit";
        "look at what the upstream answers for a code that it doesn't know, and say so"
    Unit "failure.unauthorized" = failures::unauthorized:
        "HTTP 401 and 403 end in unauthorized";
        "map the status to unauthorized: the host then pauses the source, and spends no attempts. An upstream without credentials says `credential = false` in upstream.toml"
    Unit "failure.rate-limited" = failures::rate_limited:
        "HTTP 429 ends in rate-limited, with the seconds of Retry-After";
        "map 429 to rate-limited(seconds of the header `retry-after`, or none)"
    Unit "failure.unavailable" = failures::unavailable:
        "HTTP 500, 502, 503 and 504 end in unavailable";
        "map 5xx to unavailable: the host asks again later"
    Unit "failure.unreachable" = failures::unreachable:
        "no connection, and no answer in time, end in unavailable";
        "map the errors transport and timeout of http.send to unavailable"
    Unit "failure.too-large" = failures::too_large:
        "an answer over the cap ends in a failure and not in a crash";
        "map the error too-large of http.send to malformed"
    Unit "failure.denied" = failures::denied:
        "a request that the host denies ends in not-available or unavailable";
        "map the error denied of http.send to not-available, with its words"
    Unit "failure.garbage" = failures::garbage:
        "an answer that can't be read ends in malformed (or unavailable), never in success, no-data or a crash";
        "check what is read before it is used; return malformed with the beginning of what came"
    Unit "failure.html" = failures::html:
        "a web page with HTTP 200 ends in malformed or unavailable";
        "a page is no data: upstreams send them for maintenance and from proxies"
    Unit "failure.empty-body" = failures::empty_body:
        "an empty body with HTTP 200 ends in a failure: malformed, unavailable or no-data";
        "say no-data only where an empty body is how the upstream says it"
    Upstream "failure.truncated" = failures::truncated:
        "an answer that ends in its middle ends in malformed or unavailable, never in a part of a month";
        "return malformed at a row or document that is not whole"
    Unit "failure.bounded" = failures::bounded:
        "under a lasting failure no request is repeated more than twice";
        "return the failure: the host tries again by itself, later"
    Upstream "failure.halfway" = failures::halfway:
        "one failed request among several fails the fetch, and the next fetch succeeds";
        "return the first failure; a month with a hole looks whole to everybody after you"
    Upstream "month.series" = months::series:
        "kind, quantity and labels of all series are as upstream.toml expects";
        "one series per kind, quantity and labels, named alike in every month"
    Upstream "month.tiles" = months::tiles:
        "a month has all of its intervals, none twice and none made up";
        "compare the first interval that is named with the upstream's answer; mind whether its end is included"
    Upstream "month.utc" = months::utc:
        "values come at the instant of UTC at which the upstream has them";
        "convert the upstream's times by its own zone; mind stamps that name an interval's end"
    Upstream "month.ordered" = months::ordered:
        "measurements are ordered by start";
        "sort them before they are returned"
    Upstream "month.no-overlap" = months::no_overlap:
        "no measurement starts before the one before it ends";
        "mind the length of intervals, and rows that come in two resolutions"
    Upstream "month.inside" = months::inside:
        "every measurement lies wholly inside of the window asked for, also where it cuts intervals";
        "leave out rows before month.start and rows that end after month.end"
    Upstream "month.values" = months::values:
        "the values are the upstream's, in MW or MWh";
        "mind the unit (kW, kWh, a sum over hours) and decimal commas"
    Upstream "month.deterministic" = months::deterministic:
        "the same answers give the same records, whatever the clock and chance";
        "take nothing but the answers into the records; sort what comes out of a hash map"
    Upstream "month.halves" = months::halves:
        "two halves of a month give together what the whole gives";
        "keep to month.start and month.end, and not to the month's name"
    Upstream "month.leap-february" = calendar::leap_february:
        "a leap year's February has 29 days";
        "take the month's end from month.end"
    Upstream "month.february" = calendar::february:
        "another year's February has 28 days";
        "take the month's end from month.end"
    Upstream "month.dst-london" = calendar::london:
        "months in which clocks change in Europe/London come whole, also by that zone's calendar";
        "convert by a zone's rules, not by a fixed offset; an hour may be there twice or not at all"
    Upstream "month.dst-new-york" = calendar::new_york:
        "months in which clocks change in America/New_York come whole, also by that zone's calendar";
        "convert by a zone's rules, not by a fixed offset; an hour may be there twice or not at all"
    Upstream "month.dst-lord-howe" = calendar::lord_howe:
        "months in which clocks change by half an hour in Australia/Lord_Howe come whole, also by that zone's calendar";
        "count in seconds of UTC; windows may begin at half past"
    Upstream "month.first" = calendar::first:
        "the first month comes whole, and the one before it ends in a failure";
        "mend first-month of describe, or answer not-available before it"
    Upstream "month.empty" = oddities::empty:
        "a month of which the upstream has nothing ends in no-data";
        "say no-data where the upstream answers and has no rows; never return an empty success"
    Upstream "month.partial" = oddities::partial:
        "a month of which the upstream has ten days gives these and makes none up";
        "return what is there; fill nothing with zeros"
    Upstream "month.future" = oddities::future:
        "a month that has not begun ends in not-yet-published, no-data or not-available";
        "say not-yet-published for what is to come; never return zeros"
    Upstream "month.nulls" = oddities::nulls:
        "values that the upstream has not are left out, and are not zero";
        "skip rows without a value"
    Upstream "month.duplicates" = oddities::duplicates:
        "a row that the upstream gives twice is returned once";
        "drop rows that repeat an interval and its value"
    Upstream "month.disorder" = oddities::disorder:
        "rows in any order are returned in order";
        "sort by start before returning"
    Upstream "requests.steady" = requests::steady:
        "the same month asks the same requests, whatever chance and the minute of asking";
        "take nothing from clock or chance into a URL: the host keeps answers by it"
    Unit "requests.credentials" = requests::credentials:
        "no request carries a credential";
        "leave it out: `credential` in backfill.toml adds it outside the sandbox"
    Unit "requests.hosts" = requests::hosts:
        "only hosts are asked that describe names";
        "name every host in describe; mind links of the upstream to others"
    Unit "requests.base-url" = requests::base_url:
        "where there is a setting base_url, all requests go there";
        "build every URL from it, and keep its path"
    Upstream "caps.respected" = requests::caps:
        "a month takes no more than the default caps of requests, memory, time, values and log";
        "ask for longer spans at once; read bodies piece by piece; log less"
    Cases "upstream.answers" = requests::answered:
        "upstream.toml can be read, and has an answer to every request that the source makes";
        "mend upstream.toml where it is named; add an [[answer]] for the request"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_may_be_meant_by_their_beginning() {
        let mut ids: Vec<_> = CHECKS.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), CHECKS.len());
        let check = &CHECKS[0];
        assert!(check.is("describe") && check.is("describe.") && check.is("describe.complete"));
        assert!(!check.is("desc") && !check.is("describe.comp") && !check.is("month"));
    }
}
