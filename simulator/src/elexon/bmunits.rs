//! `/reference/bmunits/all`: the current list, numbers as strings.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::catalogue::elexon::{self, BmUnit};
use crate::fault::effects::Content;
use crate::world::World;

pub(super) async fn all(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
) -> Json<Vec<Value>> {
    if content.empty {
        return Json(Vec::new());
    }
    let units = elexon::units(world.options.elexon_units);
    Json(units.iter().map(row).chain(demand()).collect())
}

/// What most of upstream's list is, and no unit that generates: a supplier's demand and an interconnector's user.
fn demand() -> [Value; 2] {
    let unit = |elexon: &str, capacity: Option<f64>| BmUnit {
        elexon: Some(elexon.to_owned()),
        national_grid: elexon.trim_start_matches("2__").to_owned(),
        eic: None,
        fuel_type: None,
        name: elexon.to_owned(),
        capacity_mw: capacity,
    };
    let (mut supplier, mut link) =
        (row(&unit("2__ASIMU001", Some(0.0))), row(&unit("I_SIM-LINK1", Some(500.0))));
    supplier["bmUnitType"] = json!("S");
    supplier["productionOrConsumptionFlag"] = json!("C");
    link["interconnectorId"] = json!("SIMLINK");
    [supplier, link]
}

fn row(unit: &BmUnit) -> Value {
    let kind = unit.elexon.as_ref().and_then(|id| id.get(..1));
    let export = unit.capacity_mw.map(|capacity| format!("{:.3}", capacity * 0.4));
    let import = unit.capacity_mw.map(|capacity| format!("{:.3}", capacity * -0.008));
    json!({
        "nationalGridBmUnit": unit.national_grid,
        "elexonBmUnit": unit.elexon,
        "eic": unit.eic,
        "fuelType": unit.fuel_type,
        "leadPartyName": format!("{} Limited", unit.name),
        "bmUnitType": kind,
        "fpnFlag": true,
        "bmUnitName": unit.name,
        "leadPartyId": "SIMULATE",
        "demandCapacity": unit.capacity_mw.map(|capacity| format!("{:.3}", capacity * -0.02)),
        "generationCapacity": unit.capacity_mw.map(|capacity| format!("{capacity:.3}")),
        "productionOrConsumptionFlag": "P",
        "transmissionLossFactor": "-0.0200357",
        "workingDayCreditAssessmentImportCapability": import,
        "nonWorkingDayCreditAssessmentImportCapability": import,
        "workingDayCreditAssessmentExportCapability": export,
        "nonWorkingDayCreditAssessmentExportCapability": export,
        "creditQualifyingStatus": true,
        "demandInProductionFlag": false,
        "gspGroupId": null,
        "gspGroupName": null,
        "interconnectorId": null,
    })
}
