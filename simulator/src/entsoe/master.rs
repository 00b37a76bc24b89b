//! Master data, A95: the production units of a bidding zone or control area, each with its generation units.

use std::fmt::{self, Write};

use chrono::{DateTime, NaiveDate, Utc};

use super::Refusal;
use super::request::bad_combination;
use super::xml::Escaped;
use crate::catalogue::entsoe::{Unit, in_zone};
use crate::catalogue::entsoe_areas;
use crate::fault::effects::Content;
use crate::noise;
use crate::query::Query;
use crate::world::World;

const KNOWN: [&str; 9] = [
    "securityToken",
    "documentType",
    "businessType",
    "BiddingZone_Domain",
    "biddingZone_Domain",
    "psrType",
    "PsrType",
    "Implementation_DateAndOrTime",
    "implementation_DateAndOrTime",
];

/// File name and text of the document asked for.
pub(super) fn document(world: &World, content: &Content, query: &Query) -> Result<(String, String), Refusal> {
    if let Some((name, _)) = query.iter().find(|(name, _)| !KNOWN.contains(name)) {
        return Err(Refusal::bad_request(format!("Input parameter does not exist: {name}")));
    }
    let either = |one, other| query.get(one).or_else(|| query.get(other));
    let missing = || Refusal::bad_request("Bad request message from API");
    let zone = either("BiddingZone_Domain", "biddingZone_Domain").ok_or_else(missing)?;
    let day = either("Implementation_DateAndOrTime", "implementation_DateAndOrTime").ok_or_else(missing)?;
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| missing())?;
    if query.get("businessType") != Some("B11") {
        return Err(bad_combination(query));
    }
    let psr_type = either("psrType", "PsrType");
    let area = entsoe_areas::find(zone).filter(|_| !content.empty);
    let mut units = area.map(|area| in_zone(area, world.options.units_per_area)).unwrap_or_default();
    units.retain(|unit| psr_type.is_none_or(|wanted| unit.psr_type == Some(wanted)));
    if let Some(allowed) = content.instances_allowed.filter(|allowed| units.len() > *allowed) {
        let text =
            format!("The number of instances ({}) exceeds the allowed maximum ({allowed}).", units.len());
        return Err(Refusal::bad_request(text));
    }
    if units.is_empty() {
        let item = "PRODUCTION_AND_GENERATION_UNITS_R3 [Master Data]";
        let text = format!("No matching data found for Data item {item} ({zone}) and interval {day}/{day}.");
        return Err(Refusal::nothing(text));
    }
    units.sort_by(|one, other| one.production_unit.cmp(&other.production_unit));
    let mut text = String::new();
    // Strings take whatever is written to them.
    if write_document(&mut text, zone, &units, world.now()).is_err() {
        text.clear();
    }
    Ok((format!("Production and Generation Units_{}.xml", day.format("%Y%m%d")), text))
}

fn write_document(out: &mut String, zone: &str, units: &[Unit], now: DateTime<Utc>) -> fmt::Result {
    write!(
        out,
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Configuration_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:configurationdocument:3:0">
  <mRID>{:032x}</mRID>
  <type>A95</type>
  <process.processType>A39</process.processType>
  <sender_MarketParticipant.mRID codingScheme="A01">10X1001A1001A450</sender_MarketParticipant.mRID>
  <sender_MarketParticipant.marketRole.type>A32</sender_MarketParticipant.marketRole.type>
  <receiver_MarketParticipant.mRID codingScheme="A01">10X1001A1001A450</receiver_MarketParticipant.mRID>
  <receiver_MarketParticipant.marketRole.type>A32</receiver_MarketParticipant.marketRole.type>
  <createdDateTime>{}</createdDateTime>
"#,
        noise::hash(zone, now.timestamp()),
        now.format("%Y-%m-%dT%H:%M:%SZ"),
    )?;
    for plant in units.chunk_by(|one, other| one.production_unit == other.production_unit) {
        write_plant(out, zone, plant)?;
    }
    out.write_str("</Configuration_MarketDocument>\n")
}

fn write_plant(out: &mut String, zone: &str, units: &[Unit]) -> fmt::Result {
    let Some(first) = units.first() else { return Ok(()) };
    let psr_type = first.psr_type.unwrap_or("B20");
    let total: f64 = units.iter().map(|unit| unit.capacity_mw).sum();
    // A plant is called as its first unit is, without the number at the end.
    let name = first.name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end();
    write!(
        out,
        r#"  <TimeSeries>
    <mRID>{:016x}</mRID>
    <businessType>B11</businessType>
    <implementation_DateAndOrTime.date>2015-01-01</implementation_DateAndOrTime.date>
    <biddingZone_Domain.mRID codingScheme="A01">{zone}</biddingZone_Domain.mRID>
    <registeredResource.mRID codingScheme="A01">{}</registeredResource.mRID>
    <registeredResource.name>{}</registeredResource.name>
    <registeredResource.location.name>Simulated</registeredResource.location.name>
    <ControlArea_Domain>
      <mRID codingScheme="A01">{}</mRID>
    </ControlArea_Domain>
    <Provider_MarketParticipant>
      <mRID codingScheme="A01">10X1001A1001A094</mRID>
    </Provider_MarketParticipant>
    <MktPSRType>
      <psrType>{psr_type}</psrType>
      <production_PowerSystemResources.highVoltageLimit unit="KVT">150</production_PowerSystemResources.highVoltageLimit>
      <nominalIP_PowerSystemResources.nominalP unit="MAW">{total}</nominalIP_PowerSystemResources.nominalP>
"#,
        noise::hash(&first.production_unit, 0),
        Escaped(&first.production_unit),
        Escaped(name),
        first.area,
    )?;
    for unit in units {
        write!(
            out,
            r#"      <GeneratingUnit_PowerSystemResources>
        <mRID codingScheme="A01">{}</mRID>
        <name>{}</name>
        <nominalP unit="MAW">{}</nominalP>
        <generatingUnit_PSRType.psrType>{}</generatingUnit_PSRType.psrType>
        <generatingUnit_Location.name>Simulated</generatingUnit_Location.name>
      </GeneratingUnit_PowerSystemResources>
"#,
            Escaped(&unit.eic),
            Escaped(&unit.name),
            unit.capacity_mw,
            unit.psr_type.unwrap_or("B20"),
        )?;
    }
    out.write_str("    </MktPSRType>\n  </TimeSeries>\n")
}
