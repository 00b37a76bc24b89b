//! Asking Insights: one request per dataset and month, or as few as it takes where that is refused as too much.

use backfill_guest::http::{self, Error, Request};
use backfill_guest::{Failure, Month, time};
use serde::Deserialize;

use crate::answer::{Answer, Refusal};
use crate::bmunits;
use crate::dataset::Dataset;

const DAY: i64 = 86_400;

/// What answers requests, in the order asked: the host, or a test.
pub(crate) trait Upstream {
    fn ask(&self, requests: Vec<Request>) -> Vec<Result<Answer, Error>>;
}

/// The host's `http.send-all`.
pub(crate) struct Host;

impl Upstream for Host {
    fn ask(&self, requests: Vec<Request>) -> Vec<Result<Answer, Error>> {
        let whole = |response: http::Response| {
            let (status, retry_after) = (response.status(), response.retry_after());
            response.bytes().map(|body| Answer { status, retry_after, body })
        };
        http::send_all(requests).into_iter().map(|answer| answer.and_then(whole)).collect()
    }
}

/// `from` and `to` of a request. Both are inclusive: each stands for the settlement period it falls in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    from: i64,
    to: i64,
}

impl Window {
    /// A day more on either side, so that the ends don't hang on how upstream maps them to settlement days (in
    /// summer those begin at 23:00 UTC the day before).
    fn around(month: &Month) -> Self {
        Self { from: month.start - DAY, to: month.end + DAY }
    }

    /// Shorter windows that share their edges: weeks of a longer one, days of a week; none of a day. Two steps
    /// rather than ever smaller halves, so that an upstream which refuses everything costs 40 requests at most.
    fn parts(self) -> Option<Vec<Self>> {
        let length = self.to - self.from;
        let step = if length > 7 * DAY { 7 * DAY } else { DAY };
        let edges = (self.from..self.to).step_by(step as usize);
        (length > DAY).then(|| edges.map(|from| Self { from, to: self.to.min(from + step) }).collect())
    }
}

/// The answers of all datasets for one unit and month. A dataset has several where the month was too much for one
/// request; they overlap at their edges.
pub(crate) fn download(
    upstream: &impl Upstream,
    base_url: &str,
    datasets: &[Dataset],
    bm_unit: &str,
    month: &Month,
) -> Result<Vec<(Dataset, Answer)>, Failure> {
    let mut wanted: Vec<_> = datasets.iter().map(|&dataset| (dataset, Window::around(month))).collect();
    let mut answers = Vec::with_capacity(wanted.len());
    while !wanted.is_empty() {
        let requests =
            wanted.iter().map(|&(dataset, window)| request(base_url, dataset, bm_unit, window)).collect();
        let mut parts = Vec::new();
        for ((dataset, window), result) in wanted.into_iter().zip(upstream.ask(requests)) {
            match judge(result, dataset.name()) {
                Ok(answer) => answers.push((dataset, answer)),
                Err(Refusal::Failed(failure)) => return Err(failure),
                Err(Refusal::TooMuch(why)) => match window.parts() {
                    Some(shorter) => parts.extend(shorter.into_iter().map(|part| (dataset, part))),
                    None => return Err(Failure::Malformed(format!("{why}; refused for a single day too"))),
                },
            }
        }
        wanted = parts;
    }
    Ok(answers)
}

/// The answer with the list of BM units; see [`listed`] for its rows.
pub(crate) fn download_list(upstream: &impl Upstream, base_url: &str) -> Result<Answer, Failure> {
    let request = http::get(base_url, bmunits::PATH);
    let result = upstream.ask(vec![request]).into_iter().next();
    let result = result.unwrap_or_else(|| Err(Error::Transport("the host gave no answer".into())));
    judge(result, "bmunits").map_err(|refusal| match refusal {
        Refusal::Failed(failure) => failure,
        Refusal::TooMuch(why) => {
            Failure::Malformed(format!("{why}; the list of units can't be had in parts"))
        }
    })
}

/// The rows of the list. An empty list is a fault of the upstream and no proof that a unit doesn't exist.
pub(crate) fn listed<'a, R: Deserialize<'a>>(answer: &'a Answer) -> Result<Vec<R>, Failure> {
    let list = answer.rows("bmunits")?;
    if list.is_empty() {
        return Err(Failure::Unavailable("bmunits: the list of BM units is empty".into()));
    }
    Ok(list)
}

fn judge(result: Result<Answer, Error>, what: &str) -> Result<Answer, Refusal> {
    match result {
        Ok(answer) => match answer.refusal(what) {
            None => Ok(answer),
            Some(refusal) => Err(refusal),
        },
        Err(Error::TooLarge(cap)) => {
            Err(Refusal::TooMuch(format!("{what}: the answer is larger than the cap of {cap} bytes")))
        }
        Err(error) => Err(Refusal::Failed(error.into())),
    }
}

fn request(base_url: &str, dataset: Dataset, bm_unit: &str, window: Window) -> Request {
    http::get(base_url, dataset.path())
        .query("from", time::format_utc(window.from))
        .query("to", time::format_utc(window.to))
        .query("bmUnit", bm_unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, month};
    use std::cell::RefCell;

    /// Refuses ranges of more than some days and records what it was asked.
    struct Capped {
        days: i64,
        refuse: fn() -> Result<Answer, Error>,
        asked: RefCell<Vec<(i64, i64)>>,
        refused: RefCell<usize>,
    }

    impl Upstream for Capped {
        fn ask(&self, requests: Vec<Request>) -> Vec<Result<Answer, Error>> {
            let one = |request: Request| {
                let url = request.url().replace("%3A", ":");
                let at = |name: &str| time::parse_utc(url.split(name).nth(1)?.split('&').next()?);
                let (from, to) = (at("from=").unwrap(), at("to=").unwrap());
                if to - from > self.days * DAY {
                    *self.refused.borrow_mut() += 1;
                    return (self.refuse)();
                }
                self.asked.borrow_mut().push((from, to));
                Ok(answer(200, b"[]"))
            };
            requests.into_iter().map(one).collect()
        }
    }

    fn capped(days: i64, refuse: fn() -> Result<Answer, Error>) -> Capped {
        Capped { days, refuse, asked: RefCell::default(), refused: RefCell::default() }
    }

    fn download_pn(upstream: &Capped) -> Result<Vec<(Dataset, Answer)>, Failure> {
        download(upstream, "http://x", &[Dataset::Pn], "T_A-1", &month(2024, 3))
    }

    #[test]
    fn a_month_is_one_request_from_a_day_before_to_a_day_after() {
        let upstream = capped(40, || panic!("refused"));
        download_pn(&upstream).unwrap();
        let march = month(2024, 3);
        assert_eq!(*upstream.asked.borrow(), [(march.start - DAY, march.end + DAY)]);
    }

    #[test]
    fn a_month_that_is_too_much_is_asked_for_in_parts_without_a_hole() {
        let refusals: [fn() -> Result<Answer, Error>; 2] = [
            || Err(Error::TooLarge(1000)),
            || Ok(answer(400, br#"{"errors":{"To":["The range must not exceed 7 days"]}}"#)),
        ];
        for refuse in refusals {
            let upstream = capped(7, refuse);
            assert_eq!(download_pn(&upstream).unwrap().len(), upstream.asked.borrow().len());
            let mut asked = upstream.asked.take();
            asked.sort_unstable();
            let march = month(2024, 3);
            assert_eq!((asked[0].0, asked[asked.len() - 1].1), (march.start - DAY, march.end + DAY));
            assert!(asked.windows(2).all(|pair| pair[0].1 == pair[1].0), "{asked:?}");
        }
    }

    #[test]
    fn a_day_that_is_too_much_ends_the_asking() {
        let upstream = capped(0, || Err(Error::TooLarge(1000)));
        let why = download_pn(&upstream).unwrap_err();
        assert!(matches!(&why, Failure::Malformed(text) if text.contains("cap of 1000 bytes")), "{why:?}");
        assert!(upstream.refused.take() <= 40);
    }

    #[test]
    fn a_refused_window_is_cut_into_weeks_and_a_week_into_days() {
        let window = |from: i64, to: i64| Window { from: from * DAY, to: to * DAY };
        assert_eq!(window(0, 16).parts(), Some(vec![window(0, 7), window(7, 14), window(14, 16)]));
        assert_eq!(window(14, 16).parts(), Some(vec![window(14, 15), window(15, 16)]));
        assert_eq!(window(0, 1).parts(), None);
    }
}
