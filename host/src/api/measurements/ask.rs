//! Which measurements, in the parameters of a request.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::{
    api::{
        extract::{list, word},
        problem::Problem,
    },
    domain::{Measure, Range, Resolution, Window},
    export::{Columns, Format},
    store::ExportFilter,
};

/// The longest span, in years.
const LONGEST_YEARS: u32 = 50;

/// The most units of a request.
const MOST_UNITS: usize = 1000;

/// Which measurements, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Ask {
    /// Of these generation units, by id, one after the other.
    #[serde(default, deserialize_with = "list")]
    #[param(value_type = Vec<i64>, style = Form, explode, max_items = 1000)]
    unit: Vec<i64>,
    /// Of the units of this wind farm. A unit or a wind farm must be named.
    #[param(minimum = 1)]
    windfarm_id: Option<i64>,
    /// Only of this source.
    source: Option<String>,
    /// Only of this kind.
    #[param(example = "generation")]
    kind: Option<String>,
    /// From this instant (RFC 3339) or day on; a day begins by the zone. Left out: fifty years before `to`.
    #[serde(default, deserialize_with = "when")]
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$", example = "2024-01-01")]
    from: Option<When>,
    /// Before this instant (RFC 3339) or day, which is not included. Left out: fifty years after `from`, or else a year
    /// from now.
    #[serde(default, deserialize_with = "when")]
    #[param(value_type = Option<String>, pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$", example = "2024-02-01T00:00:00Z")]
    to: Option<When>,
    /// As they are stored (`native`), or gathered into hours, days or months.
    #[serde(default = "native")]
    #[param(default = "native")]
    resolution: Resolution,
    /// Mean power in MW, or energy in MWh; each series as it is stored if nothing is said.
    r#as: Option<Measure>,
    /// The zone whose days and months those are.
    #[serde(default, deserialize_with = "zone")]
    #[param(value_type = Option<String>, default = "UTC", example = "Europe/Berlin")]
    zone: Option<Tz>,
    /// The values as they stood at this instant. What an attempt wrote whose job was deleted counts as having been
    /// there before, unless it replaced something.
    as_of: Option<DateTime<Utc>>,
    /// With the values that were replaced, each with when and by whom; with `as_of`, those of before. Only as stored.
    #[serde(default)]
    #[param(default = false)]
    include_history: bool,
    /// `json`, `csv` or `parquet`; else what `Accept` names first of these, else JSON.
    #[serde(default, deserialize_with = "word")]
    #[param(value_type = Option<AskFormat>, inline)]
    format: Option<AskFormat>,
}

/// As what the answer comes.
#[derive(Clone, Copy, utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
enum AskFormat {
    Json,
    Csv,
    Parquet,
}

/// A point in time, as people give it.
#[derive(Clone, Copy)]
enum When {
    Instant(DateTime<Utc>),
    Day(NaiveDate),
}

/// What is to be read, and written how.
pub(super) struct Wanted {
    pub(super) filter: ExportFilter,
    pub(super) window: Window,
    pub(super) resolution: Resolution,
    pub(super) measure: Option<Measure>,
    pub(super) zone: Tz,
    pub(super) format: Format,
    pub(super) columns: Columns,
}

const fn native() -> Resolution {
    Resolution::Native
}

impl Ask {
    /// What is to be read.
    pub(super) fn wanted(self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Wanted, Problem> {
        if self.unit.is_empty() && self.windfarm_id.is_none() {
            return Err(Problem::parameter("unit", "name units, or a wind farm in windfarm_id"));
        }
        if self.unit.len() > MOST_UNITS {
            return Err(Problem::parameter("unit", format!("at most {MOST_UNITS} units in one request")));
        }
        let native = self.resolution == Resolution::Native;
        if self.include_history && !native {
            let detail = "values that were replaced are given as they are stored; leave resolution out";
            return Err(Problem::parameter("include_history", detail));
        }
        let zone = self.zone.unwrap_or(Tz::UTC);
        let window = self.window(zone, now)?;
        let mut unit_ids = self.unit;
        let mut seen = std::collections::HashSet::new();
        unit_ids.retain(|id| seen.insert(*id));
        Ok(Wanted {
            filter: ExportFilter {
                windfarm_id: self.windfarm_id,
                unit_ids,
                source: self.source,
                kind: self.kind,
                from: Some(window.start),
                to: Some(window.end),
                reaching_in: !native,
                as_of: self.as_of.map(Into::into),
                history: self.include_history,
            },
            window,
            resolution: self.resolution,
            measure: self.r#as,
            zone,
            format: self.format.map_or_else(|| accepted(headers), Format::from),
            columns: Columns { attempt: native, coverage: !native, history: self.include_history },
        })
    }

    fn window(&self, zone: Tz, now: DateTime<Utc>) -> Result<Window, Problem> {
        let read = |name: &'static str, when: &Option<When>| {
            when.map(|when| when.at(zone).map_err(|why| Problem::parameter(name, why))).transpose()
        };
        let (from, to) = (read("from", &self.from)?, read("to", &self.to)?);
        let longest = Months::new(12 * LONGEST_YEARS);
        let before = |at: DateTime<Utc>| at.checked_sub_months(longest).unwrap_or(DateTime::UNIX_EPOCH);
        let after = |at: DateTime<Utc>| at.checked_add_months(longest).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (Some(from), None) => (from, after(from)),
            (None, Some(to)) => (before(to), to),
            (None, None) => {
                let to = now + TimeDelta::days(365);
                (before(to), to)
            }
        };
        if from >= to {
            let detail = format!("the span ends at {to}, and does not begin before that, but at {from}");
            return Err(Problem::parameter("from", detail));
        }
        if to > after(from) {
            let detail = format!("the span is longer than {LONGEST_YEARS} years; give a shorter one");
            return Err(Problem::parameter("from", detail));
        }
        Ok(Window { start: from.timestamp(), end: ceiling(to) })
    }
}

/// The first whole second at an instant or after it: intervals begin with whole seconds.
fn ceiling(at: DateTime<Utc>) -> i64 {
    at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)
}

impl When {
    /// The instant; a day's is its first one in the zone.
    fn at(self, zone: Tz) -> Result<DateTime<Utc>, String> {
        match self {
            Self::Instant(at) => in_calendar(at),
            Self::Day(day) => {
                let start = Range::of_dates(day, day).map_err(|error| error.to_string())?.window(zone).start;
                DateTime::from_timestamp(start, 0).ok_or_else(|| format!("{day} is outside of the calendar"))
            }
        }
    }
}

/// An instant that measurements may have.
pub(super) fn in_calendar(at: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    /// The first second of the year 3000.
    const END: i64 = 32_503_680_000;
    if (0..=END).contains(&at.timestamp()) {
        return Ok(at);
    }
    Err(format!("{at} is outside of the calendar; give an instant of the years 1970 to 2999"))
}

impl std::str::FromStr for AskFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            _ => Err(format!("{text:?} is no format; expected one of json, csv, parquet")),
        }
    }
}

impl From<AskFormat> for Format {
    fn from(format: AskFormat) -> Self {
        match format {
            AskFormat::Json => Self::Json,
            AskFormat::Csv => Self::Csv,
            AskFormat::Parquet => Self::Parquet,
        }
    }
}

/// The first media type of `Accept` that can be given; JSON if there is none.
fn accepted(headers: &HeaderMap) -> Format {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = values.flat_map(|value| value.split(',')).filter_map(|kind| {
        match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" | "application/*" | "*/*" => Some(Format::Json),
            "text/csv" | "text/*" => Some(Format::Csv),
            "application/vnd.apache.parquet" => Some(Format::Parquet),
            _ => None,
        }
    });
    kinds.next().unwrap_or(Format::Json)
}

fn when<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<When>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let instant = || DateTime::parse_from_rfc3339(&text).ok().map(|at| When::Instant(at.to_utc()));
    let when = text.parse().ok().map(When::Day).or_else(instant);
    when.map(Some).ok_or_else(|| {
        let expected = "expected a day or an instant, such as 2024-01-31 or 2024-01-31T23:00:00Z";
        serde::de::Error::custom(format!("{text:?} is neither; {expected}"))
    })
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(format!("{text:?} is no IANA time zone such as UTC or Europe/Berlin"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Ask {
        serde_html_form::from_str(query).unwrap()
    }

    fn window(query: &str) -> Result<(String, String), Problem> {
        let now = "2024-06-01T12:00:00Z".parse().unwrap();
        let wanted = ask(&format!("unit=1&{query}")).wanted(&HeaderMap::new(), now)?;
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().format("%FT%TZ").to_string();
        Ok((at(wanted.window.start), at(wanted.window.end)))
    }

    #[test]
    fn days_begin_by_the_zone_and_the_end_is_not_included() {
        let of = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(
            window("from=2024-01-01&to=2024-02-01"),
            of("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z")
        );
        assert_eq!(
            window("from=2024-01-01&to=2024-07-01&zone=Europe/Berlin"),
            of("2023-12-31T23:00:00Z", "2024-06-30T22:00:00Z")
        );
        assert_eq!(
            window("from=2024-01-01T01:00:00%2B02:00&to=2024-01-01T00:00:00.5Z"),
            of("2023-12-31T23:00:00Z", "2024-01-01T00:00:01Z")
        );
    }

    #[test]
    fn an_end_that_is_left_out_is_fifty_years_away() {
        let of = |from: &str, to: &str| Ok((from.to_owned(), to.to_owned()));
        assert_eq!(window("from=2020-01-01"), of("2020-01-01T00:00:00Z", "2070-01-01T00:00:00Z"));
        assert_eq!(window("to=2020-01-01"), of("1970-01-01T00:00:00Z", "2020-01-01T00:00:00Z"));
        assert_eq!(window(""), of("1975-06-01T12:00:00Z", "2025-06-01T12:00:00Z"));
    }

    #[test]
    fn what_can_not_be_is_refused_by_its_name() {
        for (query, name) in [
            ("from=2024-02-01&to=2024-02-01", "from"),
            ("from=1980-01-01&to=2030-01-02", "from"),
            ("from=0001-01-01", "from"),
            ("to=9999-01-01T00:00:00Z", "to"),
            ("include_history=true&resolution=day", "include_history"),
        ] {
            let problem = format!("{:?}", window(query).unwrap_err());
            assert!(problem.contains(&format!("parameter: Some({name:?})")), "{query}: {problem}");
        }
        assert!(window("from=1980-01-01&to=2030-01-01").is_ok());
    }

    #[test]
    fn the_format_is_named_or_accepted() {
        let format = |query: &str, accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            let query = format!("windfarm_id=1&{query}");
            ask(&query).wanted(&headers, DateTime::UNIX_EPOCH).unwrap().format
        };
        assert_eq!(format("", "*/*"), Format::Json);
        assert_eq!(format("", "text/html, text/csv;q=0.9, */*"), Format::Csv);
        assert_eq!(format("", "application/vnd.apache.parquet"), Format::Parquet);
        assert_eq!(format("", "image/png"), Format::Json);
        assert_eq!(format("format=parquet", "text/csv"), Format::Parquet);
    }
}
