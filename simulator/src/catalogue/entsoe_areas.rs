//! ENTSO-E areas and what may be asked of each.

/// What kind of domain an area code names. Actual output per unit (A73) is published by control area
/// only; output per type (A75) also by bidding zone and country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AreaKind {
    /// A control area, with generation units of its own.
    Control,
    /// A bidding zone only: asking A73 of it is a bad combination of parameters.
    Zone,
    /// An area for which A73 is a legal question that has no answer: the Danish zones, and Great
    /// Britain, which stopped publishing in 2021.
    Silent,
}

/// A domain with its EIC.
#[derive(Clone, Copy, Debug)]
pub struct Area {
    /// Two letters that go into the codes of made-up units.
    pub short: &'static str,
    pub eic: &'static str,
    pub kind: AreaKind,
    /// Minutes between values per type, today.
    pub resolution_minutes: i64,
}

const fn area(short: &'static str, eic: &'static str, kind: AreaKind, resolution_minutes: i64) -> Area {
    Area { short, eic, kind, resolution_minutes }
}

use AreaKind::{Control, Silent, Zone};

/// Every area known; others get the answer for unknown areas.
pub const AREAS: &[Area] = &[
    area("FR", "10YFR-RTE------C", Control, 15),
    area("DK", "10Y1001A1001A796", Control, 60),
    area("NL", "10YNL----------L", Control, 15),
    area("BE", "10YBE----------2", Control, 15),
    area("50", "10YDE-VE-------2", Control, 15),
    area("AM", "10YDE-RWENET---I", Control, 15),
    area("TN", "10YDE-EON------1", Control, 15),
    area("TR", "10YDE-ENBW-----N", Control, 15),
    area("ES", "10YES-REE------0", Control, 15),
    area("PT", "10YPT-REN------W", Control, 60),
    area("AT", "10YAT-APG------L", Control, 15),
    area("CH", "10YCH-SWISSGRIDZ", Control, 60),
    area("CZ", "10YCZ-CEPS-----N", Control, 60),
    area("PL", "10YPL-AREA-----S", Control, 15),
    area("IT", "10YIT-GRTN-----B", Control, 60),
    area("FI", "10YFI-1--------U", Control, 15),
    area("IE", "10YIE-1001A00010", Control, 30),
    area("NO", "10YNO-0--------C", Control, 60),
    area("SE", "10YSE-1--------K", Control, 60),
    area("LU", "10YLU-CEGEDEL-NQ", Control, 15),
    area("DL", "10Y1001A1001A82H", Zone, 15),
    area("DA", "10Y1001A1001A63L", Zone, 15),
    area("DE", "10Y1001A1001A83F", Zone, 15),
    area("SM", "10Y1001A1001A59C", Zone, 30),
    area("I1", "10Y1001A1001A73I", Zone, 60),
    area("I2", "10Y1001A1001A70O", Zone, 60),
    area("I3", "10Y1001A1001A71M", Zone, 60),
    area("I4", "10Y1001A1001A788", Zone, 60),
    area("I5", "10Y1001C--00096J", Zone, 60),
    area("I6", "10Y1001A1001A75E", Zone, 60),
    area("I7", "10Y1001A1001A74G", Zone, 60),
    area("N1", "10YNO-1--------2", Zone, 60),
    area("N2", "10YNO-2--------T", Zone, 60),
    area("N3", "10YNO-3--------J", Zone, 60),
    area("N4", "10YNO-4--------9", Zone, 60),
    area("N5", "10Y1001A1001A48H", Zone, 60),
    area("S1", "10Y1001A1001A44P", Zone, 60),
    area("S2", "10Y1001A1001A45N", Zone, 60),
    area("S3", "10Y1001A1001A46L", Zone, 60),
    area("S4", "10Y1001A1001A47J", Zone, 60),
    area("D1", "10YDK-1--------W", Silent, 60),
    area("D2", "10YDK-2--------M", Silent, 60),
    area("D0", "10Y1001A1001A65H", Silent, 60),
    area("GB", "10YGB----------A", Silent, 30),
    area("UK", "10Y1001A1001A92E", Silent, 30),
    area("NI", "10Y1001A1001A016", Silent, 30),
];

/// The area with this EIC.
#[must_use]
pub fn find(eic: &str) -> Option<&'static Area> {
    AREAS.iter().find(|area| area.eic == eic)
}

impl Area {
    /// Whether the area has a coast, and so a "wind offshore" to publish.
    #[must_use]
    pub fn has_offshore_wind(&self) -> bool {
        !matches!(self.short, "AM" | "TR" | "AT" | "CH" | "CZ" | "LU" | "I1")
    }
}
