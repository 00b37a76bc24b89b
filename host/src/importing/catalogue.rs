//! From what an upstream knows to wind farms and units of the registry: which of its units, in which wind farms, and
//! what becomes of those that are registered already.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt, stream};

use super::AT_ONCE;
use crate::{
    domain::{Unit, unfit_text},
    registry_file::{UnitEntry, WindfarmEntry},
    source::Source,
    store::RegisteredUnit,
};

/// Attribute of a catalogue's unit: how it generates, e.g. `wind-offshore`.
pub const PRODUCTION_TYPE: &str = "production_type";
/// Attribute of a catalogue's unit: the plant, park or station that it is a part of.
pub const SITE: &str = "site";

/// Which units of a catalogue are wanted. The default wants all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// A text that occurs in the code, the name or an attribute, in upper or lower case.
    pub text: Option<String>,
    /// Only what the wind turns.
    pub wind: bool,
    /// Attributes and what they must be, in upper or lower case.
    pub attributes: Vec<(String, String)>,
}

impl Selection {
    /// The wanted ones, in their order.
    pub fn of(&self, units: Vec<Unit>) -> Vec<Unit> {
        let text = self.text.as_deref().unwrap_or_default().to_lowercase();
        let attributes: Vec<_> =
            self.attributes.iter().map(|(name, value)| (name, value.to_lowercase())).collect();
        let has = |unit: &Unit, name: &str, fits: &dyn Fn(&str) -> bool| {
            unit.attributes.get(name).is_some_and(|value| fits(&value.to_lowercase()))
        };
        let wanted = |unit: &Unit| {
            let mut texts = [&unit.code, &unit.name].into_iter().chain(unit.attributes.values());
            (text.is_empty() || texts.any(|one| one.to_lowercase().contains(&text)))
                && (!self.wind || has(unit, PRODUCTION_TYPE, &|value| value.starts_with("wind")))
                && attributes.iter().all(|(name, wanted)| has(unit, name, &|value| value == wanted))
        };
        units.into_iter().filter(wanted).collect()
    }
}

/// How units come together in wind farms: a name in which `{site}`, `{name}`, `{code}` or another attribute in braces
/// stands for what the unit has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
    /// The site, or else the name.
    Site,
}

impl Grouping {
    /// Reads a name with fields in braces; without any, all units belong to the wind farm of that name.
    ///
    /// # Errors
    /// A brace without its other half, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let unclosed = || format!("{text:?}: `{{` without `}}`; expected e.g. \"{{site}}\"");
            let (field, after) = after.split_once('}').ok_or_else(unclosed)?;
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Field(field.trim().to_owned()));
            rest = after;
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        if parts.is_empty() {
            return Err("a wind farm needs a name".to_owned());
        }
        Ok(Self(parts))
    }

    /// A wind farm for each value of an attribute, or of `name` or `code`.
    pub fn by(field: &str) -> Self {
        Self(vec![Part::Field(field.to_owned())])
    }

    /// A wind farm for each site; a unit that names none has one for itself.
    pub fn by_site() -> Self {
        Self(vec![Part::Site])
    }

    /// The name of the unit's wind farm; else the field that the unit lacks.
    fn windfarm(&self, unit: &Unit) -> Result<String, String> {
        let part = |part: &Part| match part {
            Part::Text(text) => Ok(text.clone()),
            Part::Site => Ok(unit.attributes.get(SITE).unwrap_or(&unit.name).clone()),
            Part::Field(field) => field_of(unit, field).map(str::to_owned).ok_or_else(|| field.clone()),
        };
        self.0.iter().map(part).collect()
    }
}

fn field_of<'a>(unit: &'a Unit, field: &str) -> Option<&'a str> {
    match field {
        "code" => Some(&unit.code),
        "name" => Some(&unit.name),
        _ => unit.attributes.get(field).map(String::as_str),
    }
}

/// What bringing units of a catalogue in comes to.
#[derive(Debug, Default, PartialEq)]
pub struct Sorted {
    /// The wind farms with these units, by name; lines count the units.
    pub windfarms: Vec<WindfarmEntry>,
    /// Units that stay in the wind farm in which they are registered, though the grouping says another.
    pub elsewhere: Vec<String>,
    /// Codes that several units are registered with; who gets which share, the catalogue does not know.
    pub shared: Vec<String>,
    /// Units that lack what they would be grouped by, and that field.
    pub ungrouped: Vec<(String, String)>,
    /// Codes that the catalogue has more than once; the first of each is taken.
    pub repeated: Vec<String>,
}

impl Sorted {
    /// How many units there are in all wind farms.
    pub fn units(&self) -> usize {
        self.windfarms.iter().map(|windfarm| windfarm.units.len()).sum()
    }
}

/// Sorts units of a source into wind farms. `registered` are the source's units with the names of their wind farms.
///
/// A registered unit keeps its wind farm, its name, attributes that the catalogue does not have, and its capacity where
/// the catalogue has none: these may be somebody's work. The others are named as in the catalogue, with their code
/// where two units of a wind farm would have one name.
pub fn sort(
    source: &str,
    units: Vec<Unit>,
    grouping: &Grouping,
    registered: &[(String, RegisteredUnit)],
) -> Sorted {
    let mut by_code: BTreeMap<&str, Vec<&(String, RegisteredUnit)>> = BTreeMap::new();
    for known in registered {
        by_code.entry(&known.1.unit.code).or_default().push(known);
    }
    let mut sorted = Sorted::default();
    let mut windfarms: BTreeMap<String, Vec<(Unit, bool)>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for unit in units {
        if !seen.insert(unit.code.clone()) {
            sorted.repeated.push(unit.code);
            continue;
        }
        let wanted = grouping.windfarm(&unit);
        match by_code.get(unit.code.as_str()).map(Vec::as_slice) {
            None | Some([]) => match wanted {
                Ok(name) => windfarms.entry(name).or_default().push((unit, false)),
                Err(field) => sorted.ungrouped.push((unit.code, field)),
            },
            Some([(windfarm, known)]) => {
                if wanted.is_ok_and(|name| name != *windfarm) {
                    sorted.elsewhere.push(unit.code.clone());
                }
                windfarms.entry(windfarm.clone()).or_default().push((refreshed(&known.unit, unit), true));
            }
            Some(_) => sorted.shared.push(unit.code),
        }
    }
    let mut line = 0;
    for (name, units) in windfarms {
        let mut named = BTreeMap::<String, usize>::new();
        units.iter().for_each(|(unit, _)| *named.entry(unit.name.clone()).or_default() += 1);
        let entry = |(mut unit, is_registered): (Unit, bool)| {
            if !is_registered && named.get(&unit.name).is_some_and(|count| *count > 1) {
                unit.name = format!("{} ({})", unit.name, unit.code);
            }
            line += 1;
            UnitEntry { source: source.to_owned(), unit, line }
        };
        sorted.windfarms.push(WindfarmEntry { name, units: units.into_iter().map(entry).collect() });
    }
    sorted
}

/// What speaks against bringing these in: what no registry takes, and what the source itself refuses. No request is made.
pub async fn check(source: &Source, windfarms: &[WindfarmEntry]) -> Vec<String> {
    let mut checking = Vec::new();
    for windfarm in windfarms {
        let unfit = unfit_text(&windfarm.name, 1);
        let unfit = unfit.map(|why| format!("wind farm {:?}: {why}", windfarm.name));
        checking.push(async move { unfit }.boxed());
        for UnitEntry { unit, .. } in &windfarm.units {
            let check = async move {
                let why = match unit.unfit() {
                    Some((field, why)) => Some(format!("{field}: {why}")),
                    None => source.check_unit(unit).await.map_err(|fault| fault.to_string()).flatten().err(),
                };
                why.map(|why| format!("unit {:?} of {}: {why}", unit.code, source.id()))
            };
            checking.push(check.boxed());
        }
    }
    stream::iter(checking).buffered(AT_ONCE).filter_map(std::future::ready).collect().await
}

/// A registered unit with what the catalogue knows of it.
fn refreshed(known: &Unit, listed: Unit) -> Unit {
    let mut attributes = known.attributes.clone();
    attributes.extend(listed.attributes);
    Unit {
        code: listed.code,
        name: known.name.clone(),
        capacity_mw: listed.capacity_mw.or(known.capacity_mw),
        attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(code: &str, name: &str, attributes: &[(&str, &str)]) -> Unit {
        let attributes =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Unit { code: code.to_owned(), name: name.to_owned(), capacity_mw: None, attributes }
    }

    fn registered(windfarm: &str, unit: Unit) -> (String, RegisteredUnit) {
        let source = "parks".to_owned();
        (windfarm.to_owned(), RegisteredUnit { id: 1, windfarm_id: 1, source, unit, active: true })
    }

    fn names(sorted: &Sorted) -> Vec<(String, Vec<String>)> {
        let units = |one: &WindfarmEntry| one.units.iter().map(|entry| entry.unit.name.clone()).collect();
        sorted.windfarms.iter().map(|one| (one.name.clone(), units(one))).collect()
    }

    #[test]
    fn units_are_picked_by_text_wind_and_attributes_together() {
        let units = || {
            vec![
                unit("A-1", "Ålborg North", &[("production_type", "wind-offshore"), ("area", "DK_1")]),
                unit("A-2", "Ålborg South", &[("production_type", "solar"), ("area", "DK_1")]),
                unit("B-1", "Berg", &[("production_type", "Wind"), ("operator", "ÅLBORG A/S")]),
                unit("C-1", "Upwind", &[]),
            ]
        };
        let picked = |selection: Selection| {
            selection.of(units()).into_iter().map(|unit| unit.code).collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(picked(Selection::default()).len(), 4);
        assert_eq!(picked(Selection { text: text("ålborg"), ..Selection::default() }), ["A-1", "A-2", "B-1"]);
        assert_eq!(picked(Selection { wind: true, ..Selection::default() }), ["A-1", "B-1"]);
        let both = vec![("area".to_owned(), "dk_1".to_owned())];
        assert_eq!(picked(Selection { text: text("a-"), wind: true, attributes: both }), ["A-1"]);
        let none = vec![("area".to_owned(), "dk".to_owned())];
        assert!(picked(Selection { attributes: none, ..Selection::default() }).is_empty());
    }

    #[test]
    fn a_pattern_names_the_wind_farm_of_each_unit() {
        let made =
            |text: &str| Grouping::parse(text).unwrap().windfarm(&unit("A-1", "One", &[("site", "A")]));
        assert_eq!(made("Hornsea"), Ok("Hornsea".to_owned()));
        assert_eq!(made("GB {site} ({ code })"), Ok("GB A (A-1)".to_owned()));
        assert_eq!(made("{plant}"), Err("plant".to_owned()));
        for wrong in ["", "{site", "a {"] {
            assert!(Grouping::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn units_of_a_site_come_together_and_equal_names_are_told_apart() {
        let units = vec![
            unit("B-1", "Turbines", &[("site", "B")]),
            unit("A-1", "Turbines", &[("site", "A")]),
            unit("A-2", "Turbines", &[("site", "A")]),
            unit("X", "Nowhere", &[]),
        ];
        let sorted = sort("parks", units, &Grouping::by("site"), &[]);
        let expected = [("A", vec!["Turbines (A-1)", "Turbines (A-2)"]), ("B", vec!["Turbines"])]
            .map(|(a, b)| (a.to_owned(), b.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!(names(&sorted), expected);
        assert_eq!(sorted.ungrouped, [("X".to_owned(), "site".to_owned())]);
        assert_eq!((sorted.units(), sorted.windfarms[1].units[0].line), (3, 3));
    }

    #[test]
    fn what_somebody_made_of_a_registered_unit_stays() {
        let mine =
            Unit { capacity_mw: Some(7.0), ..unit("A-1", "My own", &[("share", "0.5"), ("site", "Old")]) };
        let known = [registered("Mine", mine)];
        let listed = vec![unit("A-1", "Turbines", &[("site", "A")]), unit("A-2", "My own", &[("site", "A")])];
        let grouping = Grouping::parse("Mine").unwrap();
        let sorted = sort("parks", listed.clone(), &grouping, &known);
        let [entry, other] = &sorted.windfarms[0].units[..] else { panic!("{sorted:?}") };
        assert_eq!((entry.unit.name.as_str(), entry.unit.capacity_mw), ("My own", Some(7.0)));
        assert_eq!(entry.unit.attributes, unit("", "", &[("share", "0.5"), ("site", "A")]).attributes);
        assert_eq!(other.unit.name, "My own (A-2)");
        assert!(sorted.elsewhere.is_empty());
        let sorted = sort("parks", listed, &Grouping::by("site"), &known);
        assert_eq!(sorted.elsewhere, ["A-1"]);
        assert_eq!(names(&sorted).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["A", "Mine"]);
    }

    #[test]
    fn a_code_that_several_units_share_is_left_to_people() {
        let known = [
            registered("One", unit("P", "Phase 1", &[("share", "0.5")])),
            registered("Two", unit("P", "Phase 2", &[("share", "0.5")])),
        ];
        let listed = vec![unit("P", "Plant", &[]), unit("Q", "Other", &[]), unit("Q", "Again", &[])];
        let sorted = sort("parks", listed, &Grouping::by_site(), &known);
        assert_eq!((&sorted.shared, &sorted.repeated), (&vec!["P".to_owned()], &vec!["Q".to_owned()]));
        assert_eq!(names(&sorted), [("Other".to_owned(), vec!["Other".to_owned()])]);
    }
}
