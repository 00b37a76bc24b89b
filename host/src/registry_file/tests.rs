//! The rules of a registry file, for both of its formats.

use std::{collections::BTreeMap, fs};

use super::*;

const SOURCES: [&str; 3] = ["entsoe", "eia", "elexon"];

fn messages(file: &str, text: &str) -> Vec<String> {
    let problems = parse(Path::new(file), text, &SOURCES).err();
    problems.iter().flat_map(Problems::iter).map(ToString::to_string).collect()
}

fn csv(rows: &str) -> Vec<String> {
    messages("r.csv", &format!("windfarm,source,code,name,capacity_mw,share\n{rows}"))
}

fn unit(code: &str, name: &str, capacity_mw: Option<f64>, attributes: &[(&str, &str)]) -> Unit {
    let attributes: BTreeMap<_, _> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Unit { code: code.to_owned(), name: name.to_owned(), capacity_mw, attributes }
}

fn entry(source: &str, unit: Unit, line: usize) -> UnitEntry {
    UnitEntry { source: source.to_owned(), unit, line }
}

#[test]
fn rows_of_one_wind_farm_come_together_and_further_columns_are_attributes() {
    let text = "\u{feff}windfarm,area,source,code,name,capacity_mw,share\r\n\
        Horns Rev,10Y1001A1001A796,entsoe,45W000000000023U,Horns Rev A,160,\r\n\
        \r\n\
        \"Isabel, Santa\",,eia,61014,,,0.5\r\n\
        Horns Rev , ,entsoe,45W000000000116N,\"Horns\nRev C\",406.7,\r\n\
        \"Isabel, Santa\",,eia,61014,Phase 2,50,0.5\r\n";
    let expected = vec![
        WindfarmEntry {
            name: "Horns Rev".to_owned(),
            units: vec![
                entry(
                    "entsoe",
                    unit("45W000000000023U", "Horns Rev A", Some(160.0), &[("area", "10Y1001A1001A796")]),
                    2,
                ),
                entry("entsoe", unit("45W000000000116N", "Horns\nRev C", Some(406.7), &[]), 5),
            ],
        },
        WindfarmEntry {
            name: "Isabel, Santa".to_owned(),
            units: vec![
                entry("eia", unit("61014", "61014", None, &[("share", "0.5")]), 4),
                entry("eia", unit("61014", "Phase 2", Some(50.0), &[("share", "0.5")]), 7),
            ],
        },
    ];
    assert_eq!(parse(Path::new("registry.CSV"), text, &SOURCES), Ok(expected));
}

#[test]
fn a_toml_registry_says_the_same_as_tables() {
    let text = r#"
[[windfarm]]
name = "Horns Rev"
[[windfarm.unit]]
source = "entsoe"
code = "45W000000000023U"
capacity_mw = 160
[[windfarm.unit]]
source = "eia"
code = "61014"
name = "Phase 1"
capacity_mw = 50.5
attributes = { share = 0.5, fuel2002 = "WND" }
"#;
    let expected = vec![WindfarmEntry {
        name: "Horns Rev".to_owned(),
        units: vec![
            entry("entsoe", unit("45W000000000023U", "45W000000000023U", Some(160.0), &[]), 4),
            entry("eia", unit("61014", "Phase 1", Some(50.5), &[("share", "0.5"), ("fuel2002", "WND")]), 8),
        ],
    }];
    assert_eq!(parse(Path::new("r.toml"), text, &SOURCES), Ok(expected));
}

#[test]
fn every_problem_of_a_csv_registry_is_named_at_once() {
    let found = csv("A,entso,1,a,abc,\n\
        A,eia,2,a,-5,\n\
        A,eia,3\n\
        ,eia,,b,inf,\n\
        B,eia,5,b,,2\n\
        B,weather,6,b,\"1,5\",\n");
    let expected = [
        "r.csv:2: capacity_mw: \"abc\" is not a number; expected MW above 0",
        "r.csv:2: source: \"entso\" is no source of the configuration; did you mean \"entsoe\"?",
        "r.csv:3: capacity_mw: -5 is not a capacity; expected MW above 0",
        "r.csv:3: name: \"a\" is the unit of A at line 2 already; expected a name of its own",
        "r.csv:4: the row has 3 cells; expected 6, as many as there are columns",
        "r.csv:5: code: is blank; expected a value",
        "r.csv:5: windfarm: is blank; expected a value",
        "r.csv:6: share: \"2\" is not a share; expected a number above 0 and at most 1",
        "r.csv:7: capacity_mw: \"1,5\" is not a number; expected MW above 0",
        "r.csv:7: name: \"b\" is the unit of B at line 6 already; expected a name of its own",
        "r.csv:7: source: \"weather\" is no source of the configuration; expected one of entsoe, eia, elexon",
    ];
    assert_eq!(found, expected);
}

#[test]
fn capacities_that_are_no_finite_positive_number_are_refused() {
    for capacity in ["0", "-0.1", "inf", "nan", "1e999"] {
        let found = csv(&format!("A,eia,1,a,{capacity},\n"));
        assert_eq!(found.len(), 1, "{capacity}: {found:?}");
        assert!(found[0].ends_with("is not a capacity; expected MW above 0"), "{found:?}");
    }
}

#[test]
fn units_under_one_code_need_shares_that_sum_to_at_most_one_across_wind_farms() {
    let three = |a: &str, b: &str, c: &str| {
        csv(&format!("A,eia,7,a,,{a}\nB,eia,7,b,,{b}\nC,eia,7,c,,{c}\nC,entsoe,7,d,,\n"))
    };
    assert_eq!(three("0.5", "0.25", "0.25"), Vec::<String>::new());
    let third = "0.333333333333";
    assert_eq!(three(third, third, "0.3333333333345"), Vec::<String>::new(), "rounding is forgiven");
    assert_eq!(three("0.1", "0.1", "0.1"), Vec::<String>::new(), "a part of the plant may be left out");
    assert_eq!(
        three("0.5", "0.5", "0.25"),
        ["r.csv:4: share: the shares of eia 7 (lines 2, 3, 4) sum to 1.25; expected at most 1"]
    );
    let missing = "is missing, though eia 7 is given more than once (lines 2, 3, 4); expected the share of each, \
                   above 0, with a sum of at most 1";
    assert_eq!(
        three("0.5", "", ""),
        [format!("r.csv:3: share: {missing}"), format!("r.csv:4: share: {missing}")]
    );
    for share in ["0", "-0.5", "1.01", "nan", "half"] {
        let found = three("0.5", share, "0.1");
        let expected =
            format!("r.csv:3: share: {share:?} is not a share; expected a number above 0 and at most 1");
        assert_eq!(found, [expected]);
    }
}

#[test]
fn every_problem_of_a_toml_registry_is_named_at_once() {
    let text = r#"[[windfarm]]
name = "A"
units = 3
[[windfarm]]
name = "A"
[[windfarm.unit]]
source = "eai"
code = 61014
[[windfarm]]
[[windfarm.unit]]
source = "eia"
capacity = 5
attributes = { share = [1] }
[[windfarm]]
name = "B"
[[windfarm.unit]]
source = "eai"
code = "1"
capacity_mw = nan
[[windfarm.unit]]
source = "eia"
code = "2"
capacity_mw = "5"
"#;
    let expected = [
        "r.toml:1:1: windfarm[0].unit: is missing; expected [[windfarm.unit]] with source and code below it",
        "r.toml:3:1: windfarm[0].units: unknown key; did you mean \"unit\"?",
        "r.toml:5:8: windfarm[1].name: \"A\" is the wind farm at line 2 already; expected its units there",
        "r.toml:8:8: windfarm[1].unit[0].code: is an integer; expected a string that is not blank",
        "r.toml:9:1: windfarm[2].name: is missing; expected the wind farm's name",
        "r.toml:10:1: windfarm[2].unit[0].code: is missing; expected the upstream's own code of the unit",
        "r.toml:12:1: windfarm[2].unit[0].capacity: unknown key; did you mean \"capacity_mw\"?",
        "r.toml:13:24: windfarm[2].unit[0].attributes.share: is an array; expected a string, a number or a boolean",
        "r.toml:16: capacity_mw: NaN is not a capacity; expected MW above 0",
        "r.toml:16: source: \"eai\" is no source of the configuration; did you mean \"eia\"?",
        "r.toml:23:15: windfarm[3].unit[1].capacity_mw: is a string; expected a number of MW above 0",
    ];
    assert_eq!(messages("r.toml", text), expected);
}

#[test]
fn a_header_without_the_needed_columns_or_with_doubtful_ones_is_refused() {
    let wanted = "expected windfarm, source, code, name, capacity_mw and attributes, separated by commas";
    assert_eq!(
        messages("r.csv", "windfarm;source;code\nA;eia;1\n"),
        ["code", "source", "windfarm"].map(|column| format!(
            "r.csv:1: {column}: the column is missing; {wanted}; found windfarm;source;code"
        ))
    );
    assert_eq!(
        messages("r.csv", "windfarm,source,code,Capacity MW,area,,area\nA,eia,1,5,x,y,z\n"),
        [
            "r.csv:1: column 6 has no name; expected one, or no such column",
            "r.csv:1: Capacity MW: unknown column; did you mean \"capacity_mw\"?",
            "r.csv:1: area: the column is there twice; expected it once",
        ]
    );
}

#[test]
fn an_empty_registry_is_refused() {
    let header = "windfarm,source,code\n";
    for (file, text) in [
        ("r.csv", ""),
        ("r.csv", "\u{feff}"),
        ("r.csv", header),
        ("r.csv", "windfarm,source,code\n,,\n"),
        ("r.toml", ""),
    ] {
        let expected = format!("{file}: holds no wind farm; expected at least one, with a unit");
        assert_eq!(messages(file, text), [expected], "{text:?}");
    }
    assert_eq!(messages("r.json", "{}"), ["r.json: is neither .csv nor .toml; expected one of these"]);
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.csv");
    let missing = load(&path, &SOURCES).unwrap_err().to_string();
    assert!(missing.ends_with("; expected a registry (.csv or .toml) there"), "{missing}");
    fs::write(&path, b"windfarm,source,code\nA,eia,1\nR\xf8dsand,eia,2\n").unwrap();
    let encoding = load(&path, &SOURCES).unwrap_err().to_string();
    assert_eq!(encoding, format!("{}: line 3 is not UTF-8; save the file in that encoding", path.display()));
}

#[test]
fn the_demos_wind_farms_are_those_that_the_simulator_knows_with_their_capacities() {
    use simulator::catalogue::{eia, elexon, entsoe, taipower};
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/windfarms.toml");
    let windfarms =
        load(&path, &["entsoe", "elexon", "eia", "taipower"]).unwrap_or_else(|problems| panic!("{problems}"));
    let mut units: BTreeMap<&str, usize> = BTreeMap::new();
    for UnitEntry { source, unit, .. } in windfarms.iter().flat_map(|windfarm| &windfarm.units) {
        let code = unit.code.as_str();
        let capacity = match source.as_str() {
            "entsoe" => entsoe::find(code).map(|unit| unit.capacity_mw),
            "elexon" => elexon::find(code).and_then(|unit| unit.capacity_mw),
            "eia" => eia::find(code).map(|plant| plant.fuels.iter().map(|fuel| fuel.capacity_mw).sum()),
            _ => taipower::find_station(code).map(|station| station.capacity_mw),
        };
        assert!(capacity.is_some() && capacity == unit.capacity_mw, "{source} {code}: {capacity:?}");
        *units.entry(source).or_default() += 1;
    }
    assert_eq!(units, BTreeMap::from([("eia", 1), ("elexon", 3), ("entsoe", 4), ("taipower", 2)]));
}
