//! `GL_MarketDocument`: time series, periods, points.

use std::fmt::{self, Write};

use chrono::{DateTime, Utc};

use super::request::Request;
use super::series::{Run, Series};
use super::xml::Escaped;
use crate::noise;
use crate::options::Curve;
use crate::values::Direction;

/// The document. Under A01 every run is a time series; under A03 a series holds its runs as periods.
pub(super) fn write(request: &Request, series: &[Series], curve: Curve, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    match document(&mut text, request, series, curve, now) {
        Ok(()) => text,
        // Strings take whatever is written to them.
        Err(fmt::Error) => String::new(),
    }
}

fn document(
    out: &mut String,
    request: &Request,
    series: &[Series],
    curve: Curve,
    now: DateTime<Utc>,
) -> fmt::Result {
    write!(
        out,
        r#"<?xml version="1.0" encoding="utf-8"?>
<GL_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0">
  <mRID>{:032x}</mRID>
  <revisionNumber>1</revisionNumber>
  <type>{}</type>
  <process.processType>A16</process.processType>
  <sender_MarketParticipant.mRID codingScheme="A01">10X1001A1001A450</sender_MarketParticipant.mRID>
  <sender_MarketParticipant.marketRole.type>A32</sender_MarketParticipant.marketRole.type>
  <receiver_MarketParticipant.mRID codingScheme="A01">10X1001A1001A450</receiver_MarketParticipant.mRID>
  <receiver_MarketParticipant.marketRole.type>A33</receiver_MarketParticipant.marketRole.type>
  <createdDateTime>{}</createdDateTime>
  <time_Period.timeInterval>
    <start>{}</start>
    <end>{}</end>
  </time_Period.timeInterval>
"#,
        noise::hash(&request.domain, now.timestamp()),
        Escaped(&request.document_type),
        now.format("%Y-%m-%dT%H:%M:%SZ"),
        minutes(request.start),
        minutes(request.end),
    )?;
    let mut number = 0;
    for one in series {
        let parts = match curve {
            Curve::A01 => one.runs.chunks(1).collect(),
            Curve::A03 => vec![one.runs.as_slice()],
        };
        for runs in parts {
            number += 1;
            time_series(out, number, &request.domain, one, runs, curve)?;
        }
    }
    out.write_str("</GL_MarketDocument>\n")
}

fn time_series(
    out: &mut String,
    number: usize,
    domain: &str,
    series: &Series,
    runs: &[Run],
    curve: Curve,
) -> fmt::Result {
    let side = match series.direction {
        Direction::Generation => "inBiddingZone_Domain.mRID",
        Direction::Consumption => "outBiddingZone_Domain.mRID",
    };
    let aggregation = if series.unit.is_some() { "A06" } else { "A08" };
    let curve_name = match curve {
        Curve::A01 => "A01",
        Curve::A03 => "A03",
    };
    write!(
        out,
        r#"  <TimeSeries>
    <mRID>{number}</mRID>
    <businessType>A01</businessType>
    <objectAggregation>{aggregation}</objectAggregation>
    <{side} codingScheme="A01">{}</{side}>
"#,
        Escaped(domain)
    )?;
    if let Some(unit) = &series.unit {
        let plant = &unit.production_unit;
        writeln!(
            out,
            r#"    <registeredResource.mRID codingScheme="A01">{plant}</registeredResource.mRID>"#
        )?;
    }
    writeln!(out, "    <quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name>")?;
    writeln!(out, "    <curveType>{curve_name}</curveType>\n    <MktPSRType>")?;
    if let Some(psr_type) = series.psr_type {
        writeln!(out, "      <psrType>{psr_type}</psrType>")?;
    }
    if let Some(unit) = &series.unit {
        writeln!(out, "      <PowerSystemResources>")?;
        writeln!(out, r#"        <mRID codingScheme="A01">{}</mRID>"#, unit.eic)?;
        writeln!(out, "        <name>{}</name>\n      </PowerSystemResources>", Escaped(&unit.name))?;
    }
    writeln!(out, "    </MktPSRType>")?;
    for run in runs {
        period(out, run, curve)?;
    }
    writeln!(out, "  </TimeSeries>")
}

fn period(out: &mut String, run: &Run, curve: Curve) -> fmt::Result {
    let (start, end) = (minutes(run.start), minutes(run.end()));
    write!(
        out,
        "    <Period>\n      <timeInterval>\n        <start>{start}</start>\n        <end>{end}</end>\n      \
         </timeInterval>\n      <resolution>PT{}M</resolution>\n",
        run.resolution_minutes
    )?;
    let mut before = None;
    for (position, value) in (1..).zip(&run.values) {
        if curve == Curve::A01 || before != Some(value) {
            write!(
                out,
                "      <Point>\n        <position>{position}</position>\n        <quantity>{value}</quantity>\n      \
                 </Point>\n"
            )?;
        }
        before = Some(value);
    }
    out.write_str("    </Period>\n")
}

fn minutes(at: DateTime<Utc>) -> impl fmt::Display {
    at.format("%Y-%m-%dT%H:%MZ")
}
