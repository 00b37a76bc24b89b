//! What all units of an area share is asked for once.

use simulator::catalogue::{entsoe, entsoe_areas};

use crate::{folder_at, simulator};

#[tokio::test]
async fn a_hundred_units_of_a_control_area_cost_one_request_a_day_and_none_the_second_time() {
    let simulator = simulator().await;
    let folder = folder_at(&simulator, &["entsoe"], "concurrency = 8");
    let france = entsoe_areas::find("10YFR-RTE------C").unwrap();
    let units: Vec<_> = entsoe::units(france, 0).into_iter().take(100).collect();
    assert_eq!(units.len(), 100);
    let rows: String =
        units.iter().map(|unit| format!("France,entsoe,{},{}\n", unit.eic, france.eic)).collect();
    folder.import(&format!("windfarm,source,code,area\n{rows}")).await;

    let ran = folder.run("France", "2024-03", "2024-03").await.succeeded();
    assert_eq!((ran.figure("tasks"), ran.figure("completed"), ran.figure("empty")), (100, 100, 0));
    let asked = simulator.log();
    assert_eq!(asked.len(), 31, "a day each, whoever asks: {:?}", asked.last());
    assert_eq!(ran.figure("requests"), 31);
    let units_stored = folder.count("SELECT COUNT(DISTINCT generation_unit_id) FROM series").await;
    assert_eq!(units_stored, 100);

    simulator.clear_log();
    let again = folder.run("France", "2024-03", "2024-03").await.succeeded();
    assert_eq!(simulator.log().len(), 0);
    assert_eq!(
        ["requests", "inserted", "updated", "unchanged"].map(|name| again.figure(name)),
        [0, 0, 0, ran.figure("inserted")]
    );
}
