//! Production types: the platform's `psrType` code list, by code and by name.

/// A production type: its code, the platform's own name for it in kebab case, and shorter names in use.
#[derive(Debug, PartialEq, Eq)]
pub struct ProductionType {
    pub code: &'static str,
    pub name: &'static str,
    aliases: &'static [&'static str],
}

const fn psr(code: &'static str, name: &'static str, aliases: &'static [&'static str]) -> ProductionType {
    ProductionType { code, name, aliases }
}

static TYPES: [ProductionType; 28] = [
    psr("B01", "biomass", &[]),
    psr("B02", "fossil-brown-coal-lignite", &["brown-coal", "lignite"]),
    psr("B03", "fossil-coal-derived-gas", &["coal-derived-gas", "coal-gas"]),
    psr("B04", "fossil-gas", &["gas"]),
    psr("B05", "fossil-hard-coal", &["hard-coal"]),
    psr("B06", "fossil-oil", &["oil"]),
    psr("B07", "fossil-oil-shale", &["oil-shale"]),
    psr("B08", "fossil-peat", &["peat"]),
    psr("B09", "geothermal", &[]),
    psr("B10", "hydro-pumped-storage", &["hydro-pumped", "pumped-storage"]),
    psr("B11", "hydro-run-of-river-and-poundage", &["hydro-run-of-river", "run-of-river"]),
    psr("B12", "hydro-water-reservoir", &["hydro-reservoir", "reservoir"]),
    psr("B13", "marine", &[]),
    psr("B14", "nuclear", &[]),
    psr("B15", "other-renewable", &[]),
    psr("B16", "solar", &[]),
    psr("B17", "waste", &[]),
    psr("B18", "wind-offshore", &[]),
    psr("B19", "wind-onshore", &[]),
    psr("B20", "other", &[]),
    psr("B21", "ac-link", &[]),
    psr("B22", "dc-link", &[]),
    psr("B23", "substation", &[]),
    psr("B24", "transformer", &[]),
    psr("B25", "energy-storage", &[]),
    psr("A03", "mixed", &[]),
    psr("A04", "generation", &[]),
    psr("A05", "load", &[]),
];

/// Wind and solar: what an area is asked for unless it says otherwise.
pub const WIND_AND_SOLAR: [&str; 3] = ["B16", "B18", "B19"];

/// The codes of all types that generate (or store), which is what units have.
pub fn generating() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|one| one.code).filter(|code| code.starts_with('B') && !("B21"..="B24").contains(code))
}

/// The type of a code.
pub fn by_code(code: &str) -> Option<&'static ProductionType> {
    TYPES.iter().find(|one| one.code == code)
}

/// Reads a list of types, separated by commas: codes or names, in any case, with any separator inside a name
/// (`wind-onshore`, `Wind Onshore`, `B19`). Each type once, in the order given. The error is for people.
pub fn parse_list(text: &str) -> Result<Vec<&'static str>, String> {
    let mut codes = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let found = find(part).ok_or_else(|| {
            format!(
                "production_type `{part}` is not known; known are {}",
                TYPES.each_ref().map(|one| one.name).join(", ")
            )
        })?;
        if !codes.contains(&found.code) {
            codes.push(found.code);
        }
    }
    if codes.is_empty() { Err("production_type names no type".into()) } else { Ok(codes) }
}

fn find(text: &str) -> Option<&'static ProductionType> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    TYPES.iter().find(|one| {
        one.name == name || one.code.eq_ignore_ascii_case(&name) || one.aliases.contains(&name.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_codes_and_the_platforms_spelling_mean_the_same_type() {
        for text in ["wind-onshore", "Wind Onshore", "B19", "b19", "wind_onshore"] {
            assert_eq!(parse_list(text).as_deref(), Ok(&["B19"][..]), "{text}");
        }
        assert_eq!(parse_list("Fossil Brown coal/Lignite, lignite").as_deref(), Ok(&["B02"][..]));
        assert_eq!(parse_list("hydro-run-of-river,nuclear").as_deref(), Ok(&["B11", "B14"][..]));
    }

    #[test]
    fn an_unknown_type_is_named_with_those_known() {
        let error = parse_list("solar, wind").unwrap_err();
        assert!(error.contains("`wind`") && error.contains("wind-offshore"), "{error}");
        assert!(parse_list(" , ").is_err());
    }

    #[test]
    fn no_name_stands_for_two_types() {
        let names: Vec<_> =
            TYPES.iter().flat_map(|one| one.aliases.iter().chain([&one.name, &one.code])).collect();
        assert!(
            names.iter().enumerate().all(|(i, name)| !names.iter().skip(i + 1).any(|other| other == name))
        );
    }
}
