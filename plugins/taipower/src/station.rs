//! Which of the names in a file is the station that a unit means.

use std::fmt;

use crate::energy_type::EnergyType;
use crate::names;

/// One station under the several names that no rule derives: the monthly file's, the live report's and
/// the ten-minute history's.
const ALIASES: [&[&str]; 4] = [
    &["台中港區", "台中港", "中港"],
    &["台中電廠", "中火"],
    &["雲林麥寮", "麥寮", "雲麥"],
    &["台南鹽田", "南鹽"],
];

/// A station as a file names it. Two spellings of one station in one file are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Station {
    pub(crate) energy_type: EnergyType,
    stem: String,
}

impl Station {
    /// Nothing if either cell is blank.
    pub(crate) fn new(energy_type: &str, name: &str) -> Option<Self> {
        let energy_type = EnergyType::parse(energy_type)?;
        let folded = names::fold(name);
        (!folded.is_empty()).then(|| Self { energy_type, stem: names::stem(&folded).to_owned() })
    }
}

impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.stem, self.energy_type)
    }
}

/// How sure a match is; the nearest of a file wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closeness {
    /// The same name, but for spelling and the ending that tells the kind of station.
    Same,
    /// The same but for the county before it, or by the table of aliases.
    Variant,
}

/// What a unit asks for: a name, and a type where it says one.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    stem: String,
    energy_type: Option<EnergyType>,
}

impl Wanted {
    /// `energy_type` is the unit's attribute; without it the name's own ending decides, or nothing does.
    /// The error says what is wrong with the name.
    pub(crate) fn new(name: &str, energy_type: Option<&str>) -> Result<Self, String> {
        let folded = names::fold(name);
        if folded.is_empty() {
            return Err(format!("{name:?} holds no station name, e.g. 離岸一期風力 or 海能風"));
        }
        if is_subtotal(&folded) {
            return Err(format!("{name:?} is a subtotal of the report and no station"));
        }
        let energy_type = energy_type.and_then(EnergyType::parse).or_else(|| EnergyType::said_by(&folded));
        Ok(Self { stem: names::stem(&folded).to_owned(), energy_type })
    }

    /// The same unit under another name; its type stays unless the name says another.
    pub(crate) fn named(self, name: &str) -> Result<Self, String> {
        let renamed = Self::new(name, None)?;
        Ok(Self { energy_type: renamed.energy_type.or(self.energy_type), ..renamed })
    }

    /// How near a station of a file is, if it may be the one.
    pub(crate) fn closeness(&self, station: &Station) -> Option<Closeness> {
        if self.energy_type.as_ref().is_some_and(|wanted| *wanted != station.energy_type) {
            return None;
        }
        let (ours, theirs) = (self.stem.as_str(), station.stem.as_str());
        if ours == theirs {
            return Some(Closeness::Same);
        }
        // One side only: 台中電廠 and a 桃園電廠 are not the same plant.
        let county = names::without_county(ours) == theirs || ours == names::without_county(theirs);
        let alias = ALIASES.iter().any(|group| group.contains(&ours) && group.contains(&theirs));
        (county || alias).then_some(Closeness::Variant)
    }

    /// The station of a file that is meant. The error lists the candidates when several are equally near.
    pub(crate) fn choose<'a>(
        &self,
        stations: impl IntoIterator<Item = &'a Station>,
    ) -> Result<Option<&'a Station>, String> {
        let mut near: Vec<_> =
            stations.into_iter().filter_map(|station| Some((self.closeness(station)?, station))).collect();
        near.sort_unstable();
        near.dedup();
        let Some(&(nearest, station)) = near.first() else { return Ok(None) };
        near.retain(|(closeness, _)| *closeness == nearest);
        if near.len() == 1 {
            return Ok(Some(station));
        }
        let candidates: Vec<_> = near.iter().map(|(_, station)| station.to_string()).collect();
        Err(format!(
            "several stations fit {}: {}; say which by the attribute energy_type (wind, solar or upstream's word), or name it fully",
            self.stem,
            candidates.join(", "),
        ))
    }
}

/// Whether a folded name is a report's subtotal row: 小計, 小計(註5), Subtotal.
pub(crate) fn is_subtotal(folded: &str) -> bool {
    folded.starts_with("小計") || folded.starts_with("subtotal")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station(energy_type: &str, name: &str) -> Station {
        Station::new(energy_type, name).unwrap()
    }

    fn chosen(code: &str, energy_type: Option<&str>, stations: &[Station]) -> Result<Option<String>, String> {
        let wanted = Wanted::new(code, energy_type).unwrap();
        wanted.choose(stations).map(|station| station.map(Station::to_string))
    }

    #[test]
    fn a_long_monthly_name_finds_the_short_names_of_the_other_files() {
        // The names of the ten-minute history (17 wind units) and of the live report.
        for (monthly, short) in [
            ("石門風力", "石門"),
            ("新竹香山風力", "香山"),
            ("台中港區風力/Taichung Harbor Wind Power", "中港"),
            ("台中港區風力", "台中港"),
            ("台中電廠風力", "中火"),
            ("彰化王功風力", "王功"),
            ("雲林麥寮風力", "雲麥"),
            ("雲林四湖風力", "四湖"),
            ("中屯風力", "澎湖中屯"),
            ("澎湖湖西風力", "澎湖湖西"),
            ("金沙風力", "金門金沙"),
            ("離岸一期風力", "離岸一期"),
        ] {
            let stations = [station("風力", "離岸二期"), station("風力", short), station("燃煤", "林口#1")];
            assert_eq!(chosen(monthly, None, &stations), Ok(Some(stations[1].to_string())), "{monthly}");
            let stations = [station("陸域風力", monthly)];
            assert_eq!(chosen(short, None, &stations), Ok(Some(stations[0].to_string())), "{short}");
        }
        let stations =
            [station("太陽能", "彰濱光"), station("太陽能", "南鹽光"), station("風力", "鹿威彰濱")];
        assert_eq!(chosen("彰化彰濱太陽光電", None, &stations), Ok(Some("彰濱 (solar)".into())));
        assert_eq!(chosen("台南鹽田太陽光電", None, &stations), Ok(Some("南鹽 (solar)".into())));
    }

    #[test]
    fn one_name_of_two_types_needs_the_type() {
        let stations = [station("風力", "其它台電自有"), station("太陽能", "其它台電自有")];
        let error = chosen("其它台電自有", None, &stations).unwrap_err();
        assert!(error.contains("其它台電自有 (wind), 其它台電自有 (solar)"), "{error}");
        assert!(error.contains("energy_type"), "{error}");
        assert_eq!(chosen("其它台電自有", Some("solar"), &stations), Ok(Some("其它台電自有 (solar)".into())));
        assert_eq!(chosen("其它台電自有", Some("風力"), &stations), Ok(Some("其它台電自有 (wind)".into())));
        assert_eq!(chosen("其它台電自有風力", None, &stations), Ok(Some("其它台電自有 (wind)".into())));
    }

    #[test]
    fn the_same_name_goes_before_a_variant_of_it() {
        let stations = [station("風力", "彰化王功"), station("風力", "王功")];
        assert_eq!(chosen("王功", None, &stations), Ok(Some("王功 (wind)".into())));
    }

    #[test]
    fn two_equally_near_variants_are_no_match() {
        let stations = [station("風力", "彰化王功"), station("風力", "雲林王功")];
        assert!(chosen("王功", None, &stations).unwrap_err().contains("彰化王功 (wind), 雲林王功 (wind)"));
    }

    #[test]
    fn stations_of_two_counties_are_not_variants_of_each_other() {
        assert_eq!(chosen("桃園電廠風力", None, &[station("風力", "台中電廠風力")]), Ok(None));
    }

    #[test]
    fn a_blank_name_or_a_subtotal_is_no_station() {
        assert!(Wanted::new("(註10)", None).unwrap_err().contains("no station name"));
        assert!(Wanted::new("小計(註5)", None).unwrap_err().contains("subtotal"));
        assert!(Wanted::new("SUBTOTAL", None).is_err());
    }
}
