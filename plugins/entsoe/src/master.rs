//! Reads master data (A95, `Configuration_MarketDocument`): production units of a bidding zone, and the generation
//! units inside each.

use std::borrow::Cow;

use quick_xml::{Reader, events::Event, events::attributes::Attribute};

use crate::markup;

/// A power plant, under whose EIC no output is published.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProductionUnit {
    pub eic: String,
    pub name: String,
    pub location: String,
    /// EIC, of the first where there are several.
    pub control_area: String,
    /// Since when this is so, `YYYY-MM-DD`.
    pub implemented: String,
    pub psr: String,
    pub units: Vec<GenerationUnit>,
}

/// A part of a plant, whose output is published.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GenerationUnit {
    pub eic: String,
    pub name: String,
    /// Blank where it is its plant's.
    pub psr: String,
    pub location: String,
    pub capacity_mw: Option<f64>,
}

/// Above this a capacity is in another unit than it says: Italian ones were seen in kW.
const LARGEST_MW: f64 = 10_000.0;

/// The production units of a document, in its order. The error says what can't be read and where.
pub fn read(document: &[u8]) -> Result<Vec<ProductionUnit>, String> {
    // Names come damaged at times.
    let text = match std::str::from_utf8(document) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(document),
    };
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut path, mut content, mut measure) = (Vec::<String>::new(), String::new(), String::new());
    let mut found = Found::default();
    loop {
        match reader.read_event().map_err(|error| markup::fault(&error, reader.error_position()))? {
            Event::Start(tag) => {
                path.push(tag.local_name().into_inner().to_owned());
                content.clear();
                measure = tag.try_get_attribute("unit").ok().flatten().map(value).unwrap_or_default();
                found.open(&path);
            }
            Event::End(_) => {
                found.close(&path, content.trim(), &measure);
                path.pop();
                content.clear();
            }
            Event::Eof if path.is_empty() => break,
            Event::Eof => return Err("the document is cut off".into()),
            Event::Empty(_) => {}
            other => markup::append(&other, &mut content)?,
        }
    }
    match found.document_type.as_str() {
        "A95" => Ok(found.all),
        "" => Err("the document has no type; expected A95".into()),
        other => Err(format!("the document's type is {other} instead of A95")),
    }
}

fn value(attribute: Attribute<'_>) -> String {
    attribute.value.into_owned()
}

#[derive(Default)]
struct Found {
    document_type: String,
    all: Vec<ProductionUnit>,
    plant: ProductionUnit,
    unit: GenerationUnit,
}

impl Found {
    fn open(&mut self, path: &[String]) {
        match below_root(path).as_slice() {
            ["TimeSeries"] => self.plant = ProductionUnit::default(),
            ["TimeSeries", "MktPSRType", "GeneratingUnit_PowerSystemResources"] => {
                self.unit = GenerationUnit::default();
            }
            _ => {}
        }
    }

    fn close(&mut self, path: &[String], text: &str, measure: &str) {
        let (plant, unit) = (&mut self.plant, &mut self.unit);
        let into = match below_root(path).as_slice() {
            ["type"] => &mut self.document_type,
            ["TimeSeries"] => return self.all.push(std::mem::take(plant)),
            ["TimeSeries", rest @ ..] => match rest {
                ["implementation_DateAndOrTime.date"] => &mut plant.implemented,
                ["registeredResource.mRID"] => &mut plant.eic,
                ["registeredResource.name"] => &mut plant.name,
                ["registeredResource.location.name"] => &mut plant.location,
                ["ControlArea_Domain", "mRID"] if plant.control_area.is_empty() => &mut plant.control_area,
                ["MktPSRType", "psrType"] => &mut plant.psr,
                ["MktPSRType", "GeneratingUnit_PowerSystemResources"] => {
                    return plant.units.push(std::mem::take(unit));
                }
                ["MktPSRType", "GeneratingUnit_PowerSystemResources", field] => match *field {
                    "mRID" => &mut unit.eic,
                    "name" => &mut unit.name,
                    "generatingUnit_PSRType.psrType" => &mut unit.psr,
                    "generatingUnit_Location.name" => &mut unit.location,
                    "nominalP" => {
                        unit.capacity_mw = megawatts(text, measure);
                        return;
                    }
                    _ => return,
                },
                _ => return,
            },
            _ => return,
        };
        text.clone_into(into);
    }
}

fn below_root(path: &[String]) -> Vec<&str> {
    path.iter().skip(1).map(String::as_str).collect()
}

/// A rated power in MW. Nothing for what is none: a unit of measure that is not known, a comma, a size that no unit has.
fn megawatts(text: &str, measure: &str) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    let value = match measure {
        "" | "MAW" => value,
        "KWT" => value / 1000.0,
        _ => return None,
    };
    (value > 0.0 && value < LARGEST_MW).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The platform's own example, cut: a plant of one unit, and a plant of two.
    pub(crate) const EXAMPLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Configuration_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-6:configurationdocument:3:0">
  <mRID>e52e35a2c0844e8ca98cd46999f0e39d</mRID><type>A95</type><process.processType>A39</process.processType>
  <TimeSeries><mRID>b362105694c34556</mRID><businessType>B11</businessType>
    <implementation_DateAndOrTime.date>2014-10-01</implementation_DateAndOrTime.date>
    <biddingZone_Domain.mRID codingScheme="A01">10YBE----------2</biddingZone_Domain.mRID>
    <registeredResource.mRID codingScheme="A01">22WSAINT-000221B</registeredResource.mRID>
    <registeredResource.name>SAINT-GHISLAIN STEG</registeredResource.name>
    <registeredResource.location.name>Belgium</registeredResource.location.name>
    <ControlArea_Domain><mRID codingScheme="A01">10YBE----------2</mRID></ControlArea_Domain>
    <Provider_MarketParticipant><mRID codingScheme="A01">10X1001A1001A094</mRID></Provider_MarketParticipant>
    <MktPSRType><psrType>B04</psrType>
      <nominalIP_PowerSystemResources.nominalP unit="MAW">350</nominalIP_PowerSystemResources.nominalP>
      <GeneratingUnit_PowerSystemResources><mRID codingScheme="A01">22WSAINT-150221B</mRID>
        <name>SAINT-GHISLAIN &amp; STEG</name><nominalP unit="MAW">350</nominalP>
        <generatingUnit_PSRType.psrType>B04</generatingUnit_PSRType.psrType>
        <generatingUnit_Location.name>Belgium</generatingUnit_Location.name>
      </GeneratingUnit_PowerSystemResources></MktPSRType></TimeSeries>
  <TimeSeries><registeredResource.mRID>22WCOOXII000070C</registeredResource.mRID>
    <registeredResource.name>COO II T</registeredResource.name>
    <MktPSRType><psrType>B10</psrType>
      <GeneratingUnit_PowerSystemResources><mRID>22WCOOX5X000061A</mRID><name>COO 5 T</name>
        <nominalP unit="MAW">230</nominalP></GeneratingUnit_PowerSystemResources>
      <GeneratingUnit_PowerSystemResources><mRID>22WCOOX6X000064W</mRID><name/><nominalP unit="KWT">230500</nominalP>
      </GeneratingUnit_PowerSystemResources></MktPSRType></TimeSeries>
</Configuration_MarketDocument>"#;

    #[test]
    fn plants_hold_their_units_and_ids_are_told_apart_by_where_they_stand() {
        let plants = read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(plants.iter().map(|plant| plant.units.len()).collect::<Vec<_>>(), [1, 2]);
        let expected = ProductionUnit {
            eic: "22WSAINT-000221B".into(),
            name: "SAINT-GHISLAIN STEG".into(),
            location: "Belgium".into(),
            control_area: "10YBE----------2".into(),
            implemented: "2014-10-01".into(),
            psr: "B04".into(),
            units: vec![GenerationUnit {
                eic: "22WSAINT-150221B".into(),
                name: "SAINT-GHISLAIN & STEG".into(),
                psr: "B04".into(),
                location: "Belgium".into(),
                capacity_mw: Some(350.0),
            }],
        };
        assert_eq!(plants[0], expected);
        let coo = &plants[1];
        assert_eq!(
            (coo.control_area.as_str(), coo.units[0].psr.as_str()),
            ("", ""),
            "nothing of the plant before"
        );
        assert_eq!((coo.units[1].name.as_str(), coo.units[1].capacity_mw), ("", Some(230.5)));
    }

    #[test]
    fn a_capacity_that_cannot_be_is_none() {
        for (text, measure) in [
            ("368000", "MAW"),
            ("1,5", "MAW"),
            ("", "MAW"),
            ("5", "MVA"),
            ("-5", ""),
            ("NaN", ""),
            ("inf", ""),
        ] {
            assert_eq!(megawatts(text, measure), None, "{text} {measure}");
        }
        assert_eq!(megawatts("604.8", "MAW"), Some(604.8));
    }

    #[test]
    fn what_is_cut_off_broken_or_another_document_is_an_error() {
        for at in [EXAMPLE.len() / 3, EXAMPLE.len() - 10] {
            assert!(read(&EXAMPLE.as_bytes()[..at]).is_err(), "{at}");
        }
        for (text, expected) in [
            ("<GL_MarketDocument><type>A73</type></GL_MarketDocument>", "A73 instead of A95"),
            ("<a/>", "no type"),
            ("<a><type>A95</type></b>", "not well-formed"),
            ("<!DOCTYPE a><a><type>A95</type></a>", "refused"),
            ("<a><type>&x;</type></a>", "unknown entity"),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert_eq!(read(b"<a><type>A95</type></a>"), Ok(vec![]));
    }
}
