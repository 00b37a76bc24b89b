//! Reading a request the way the platform does: every parameter known, case sensitive, UTC.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::Refusal;
use crate::catalogue::entsoe_areas::{self, Area, AreaKind};
use crate::query::Query;

const KNOWN: &[&str] = &[
    "securityToken",
    "documentType",
    "processType",
    "in_Domain",
    "psrType",
    "PsrType",
    "registeredResource",
    "RegisteredResource",
    "periodStart",
    "periodEnd",
    "timeInterval",
    "TimeInterval",
    "offset",
];

const BAD_REQUEST: &str = "Bad request message from API";
const BAD_INTERVAL: &str = "Delivered time interval is not valid for this Data item.";
const TOO_MUCH: &str = "The amount of requested data exceeds allowed limit.";

/// Which data item is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// 16.1.A
    PerUnit,
    /// 16.1.B&C
    PerType,
}

/// A request that makes sense, though there may be nothing to answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) item: Item,
    pub(super) document_type: String,
    pub(super) domain: String,
    /// `None` for codes that aren't known.
    pub(super) area: Option<&'static Area>,
    pub(super) psr_type: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) offset: Option<usize>,
}

impl Request {
    pub(super) fn read(query: &Query) -> Result<Request, Refusal> {
        if let Some((name, _)) = query.iter().find(|(name, _)| !KNOWN.contains(name)) {
            return Err(Refusal::bad_request(format!("Input parameter does not exist: {name}")));
        }
        let get = |name| query.get(name).ok_or_else(|| Refusal::bad_request(BAD_REQUEST));
        let (document_type, domain) = (get("documentType")?.to_owned(), get("in_Domain")?.to_owned());
        let item = match (document_type.as_str(), get("processType")?) {
            ("A73", "A16") => Item::PerUnit,
            ("A75" | "A74", "A16") => Item::PerType,
            _ => return Err(bad_combination(query)),
        };
        let area = entsoe_areas::find(&domain);
        if item == Item::PerUnit && area.is_some_and(|area| area.kind == AreaKind::Zone) {
            return Err(bad_combination(query));
        }
        let (start, end) = interval(query).ok_or_else(|| Refusal::bad_request(BAD_REQUEST))?;
        if end <= start || (item == Item::PerUnit && end - start > TimeDelta::days(1)) {
            return Err(Refusal::bad_request(BAD_INTERVAL));
        }
        if end - start > TimeDelta::days(366) {
            return Err(Refusal::bad_request(TOO_MUCH));
        }
        let either = |one, other| query.get(one).or_else(|| query.get(other)).map(str::to_owned);
        Ok(Request {
            item,
            document_type,
            domain,
            area,
            psr_type: either("psrType", "PsrType"),
            unit: either("registeredResource", "RegisteredResource"),
            start,
            end,
            offset: offset(query)?,
        })
    }

    /// "No matching data found …", naming item, area and interval.
    pub(super) fn no_matching_data(&self) -> String {
        let item = match self.item {
            Item::PerUnit => "ACTUAL_GENERATION_OUTPUT_PER_UNIT_R3 [16.1.A]",
            Item::PerType => "AGGREGATED_GENERATION_PER_TYPE_R3 [16.1.B&C]",
        };
        let (start, end) = (self.start.format("%Y-%m-%dT%H:%M:%SZ"), self.end.format("%Y-%m-%dT%H:%M:%SZ"));
        format!("No matching data found for Data item {item} ({}) and interval {start}/{end}.", self.domain)
    }

    pub(super) fn file_name(&self) -> String {
        let title = match self.item {
            Item::PerUnit => "Actual Generation Output per Generation Unit",
            Item::PerType => "Aggregated Generation per Type",
        };
        format!("{title}_{}-{}.xml", self.start.format("%Y%m%d%H%M"), self.end.format("%Y%m%d%H%M"))
    }
}

/// The text that refuses, among others, a bidding zone where a control area is wanted.
pub(super) fn bad_combination(query: &Query) -> Refusal {
    let pairs: Vec<_> = query
        .iter()
        .filter(|(name, _)| {
            ["documentType", "processType", "businessType", "in_Domain", "psrType"].contains(name)
        })
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Refusal::bad_request(format!(
        "The combination of [{}] is not valid, or the requested data is not allowed to be fetched via this \
         service. Please, check you request against dependency tables.",
        pairs.join(",")
    ))
}

fn interval(query: &Query) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if let Some(whole) = query.get("timeInterval").or_else(|| query.get("TimeInterval")) {
        let (start, end) = whole.split_once('/')?;
        return Some((iso(start)?, iso(end)?));
    }
    let compact = |name| Some(NaiveDateTime::parse_from_str(query.get(name)?, "%Y%m%d%H%M").ok()?.and_utc());
    Some((compact("periodStart")?, compact("periodEnd")?))
}

fn iso(text: &str) -> Option<DateTime<Utc>> {
    let minutes = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%MZ");
    Some(minutes.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ")).ok()?.and_utc())
}

/// 0 to 4800 in steps of 100.
fn offset(query: &Query) -> Result<Option<usize>, Refusal> {
    let Some(text) = query.get("offset") else { return Ok(None) };
    match text.parse::<usize>() {
        Ok(offset) if offset <= 4800 && offset.is_multiple_of(100) => Ok(Some(offset)),
        _ => Err(Refusal::bad_request(
            "The requested data to be gathered via the offset parameter exceeds the allowed limit.",
        )),
    }
}
