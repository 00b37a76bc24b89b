//! Plants of form EIA-923 and balancing authorities of form EIA-930.

use crate::noise;

/// One fuel of a plant: the EIA's codes, and the prime movers that burn or turn it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fuel {
    /// `WND`, `SUN`, `NG`, `MWH` (battery).
    pub code: &'static str,
    /// Prime movers with their share of the fuel's output; the shares sum to 1.
    pub movers: &'static [(&'static str, f64)],
    pub capacity_mw: f64,
}

/// A plant.
#[derive(Clone, Debug, PartialEq)]
pub struct Plant {
    pub code: String,
    pub name: String,
    pub state: &'static str,
    pub fuels: Vec<Fuel>,
}

fn fuel(code: &'static str, capacity_mw: f64) -> Fuel {
    let movers: &[_] = match code {
        "SUN" => &[("PV", 1.0)],
        "NG" => &[("CA", 0.4), ("CT", 0.6)],
        "MWH" => &[("BA", 1.0)],
        _ => &[("WT", 1.0)],
    };
    Fuel { code, movers, capacity_mw }
}

/// The plants: those of Puerto Rico as the EIA has them, one of each trap, then `made` made-up ones with
/// codes from 90001 up.
#[must_use]
pub fn plants(made: usize) -> Vec<Plant> {
    let plant = |code: &str, name: &str, state, fuels| Plant {
        code: code.to_owned(),
        name: name.to_owned(),
        state,
        fuels,
    };
    let two_movers = Fuel { code: "SUN", movers: &[("OT", 0.7), ("PV", 0.3)], capacity_mw: 110.0 };
    let offshore = Fuel { code: "WND", movers: &[("WS", 1.0)], capacity_mw: 30.0 };
    let mut all = vec![
        plant("61014", "Pattern Santa Isabel LLC", "PR", vec![fuel("WND", 101.2)]),
        plant("61034", "EcoElectrica", "PR", vec![fuel("NG", 530.0)]),
        plant("61083", "Oriana Energy Hybrid", "PR", vec![fuel("SUN", 45.0), fuel("MWH", 10.0)]),
        plant("59817", "Simulated Solar Tower", "NV", vec![two_movers]),
        plant("80001", "Simulated Offshore Wind", "RI", vec![offshore]),
        plant("80002", "Simulated Prairie Wind", "IA", vec![fuel("WND", 300.0)]),
    ];
    all.extend((1..=made).map(made_plant));
    all
}

/// The plant with this code.
#[must_use]
pub fn find(code: &str) -> Option<Plant> {
    let made = code.parse::<usize>().ok().and_then(|number| number.checked_sub(90_000));
    match made {
        Some(number) if (1..10_000).contains(&number) => Some(made_plant(number)),
        _ => plants(0).into_iter().find(|plant| plant.code == code),
    }
}

fn made_plant(number: usize) -> Plant {
    const STATES: [&str; 6] = ["TX", "IA", "OK", "KS", "CA", "MN"];
    let code = (90_000 + number).to_string();
    let capacity = 50.0 + (noise::unit(&code, 0) * 250.0).round();
    let (kind, fuels) = match number % 3 {
        0 => ("Solar", vec![fuel("SUN", capacity)]),
        1 => ("Wind", vec![fuel("WND", capacity)]),
        _ => ("Wind and Solar", vec![fuel("WND", capacity), fuel("SUN", capacity / 2.0)]),
    };
    let state = STATES.get(number % STATES.len()).copied().unwrap_or("TX");
    Plant { name: format!("Simulated {kind} {number}"), code, state, fuels }
}

/// A balancing authority, or a region that is the sum of several.
#[derive(Clone, Copy, Debug)]
pub struct Respondent {
    pub code: &'static str,
    pub name: &'static str,
    /// Typical capacity of one fuel, MW.
    pub scale_mw: f64,
    /// Whether some hours carry a null value.
    pub has_nulls: bool,
}

const fn respondent(code: &'static str, name: &'static str, scale_mw: f64, has_nulls: bool) -> Respondent {
    Respondent { code, name, scale_mw, has_nulls }
}

/// The respondents; CAL, TEX and US48 are regions.
pub const RESPONDENTS: &[Respondent] = &[
    respondent("PACW", "PacifiCorp West", 700.0, false),
    respondent("ERCO", "Electric Reliability Council of Texas, Inc.", 30_000.0, false),
    respondent("CISO", "California Independent System Operator", 9_000.0, false),
    respondent("SWPP", "Southwest Power Pool", 28_000.0, false),
    respondent("TIDC", "Turlock Irrigation District", 120.0, true),
    respondent("CAL", "California", 9_500.0, false),
    respondent("TEX", "Texas", 30_000.0, false),
    respondent("US48", "United States Lower 48", 140_000.0, false),
];

/// Fuel types of form EIA-930 with their descriptions.
pub const FUEL_TYPES: &[(&str, &str)] = &[
    ("NG", "Natural Gas"),
    ("OTH", "Other"),
    ("SNB", "Solar with integrated battery storage"),
    ("SUN", "Solar"),
    ("WAT", "Hydro"),
    ("WND", "Wind"),
];
