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
    let units = if content.empty { Vec::new() } else { elexon::units(world.options.elexon_units) };
    Json(units.iter().map(row).collect())
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
