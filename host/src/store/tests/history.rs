use super::{Seconds, World, at, power};
use crate::{
    domain::{Priority, Quantity, TaskOutcome},
    store::Written,
};

const HOUR: u32 = 3600;

const fn written(inserted: u64, updated: u64, unchanged: u64) -> Written {
    Written { inserted, updated, unchanged, rejected: 0 }
}

/// Revisions as (start since 2023, seconds, value, writer's attempt, replacing attempt).
async fn revisions(world: &World) -> Vec<(i64, i64, f64, i64, i64)> {
    let rows: Vec<(Seconds, i64, f64, i64, i64)> = world
        .rows(
            "SELECT start, seconds, value, attempt_id, replaced_by FROM measurement_revisions
             ORDER BY replaced_by, start",
        )
        .await;
    rows.into_iter()
        .map(|(Seconds(start), seconds, value, by, replaced)| {
            (start - 1_672_531_200, seconds, value, by, replaced)
        })
        .collect()
}

#[tokio::test]
async fn the_same_month_again_writes_nothing() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let rows: Vec<_> = (0..744).map(|hour| (hour * 3600, HOUR, hour as f64 * 0.1)).collect();
        let first = world.fill(windfarm, units[0], &rows, at(1)).await;
        assert_eq!((first.written, first.outcome), (written(744, 0, 0), Some(TaskOutcome::Written)));
        let again = world.fill(windfarm, units[0], &rows, at(2)).await;
        assert_eq!((again.written, again.outcome), (written(0, 0, 744), Some(TaskOutcome::Unchanged)));
        let writers: Vec<(i64,)> = world.rows("SELECT DISTINCT attempt_id FROM measurements").await;
        assert_eq!(writers, [(1,)], "an unchanged row is not written again");
        assert_eq!(revisions(&world).await, []);
    }
}

#[tokio::test]
async fn a_changed_value_is_an_update_and_the_old_one_a_revision() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.fill(windfarm, units[0], &[(0, HOUR, 1.0), (3600, HOUR, 2.0)], at(1)).await;
        let done = world
            .fill(windfarm, units[0], &[(0, HOUR, 1.0), (3600, HOUR, 2.5), (7200, HOUR, 3.0)], at(2))
            .await;
        assert_eq!(done.written, written(1, 1, 1));
        let unit = units[0];
        assert_eq!(
            world.measurements().await,
            [(unit, 0, 3600, 1.0), (unit, 3600, 3600, 2.5), (unit, 7200, 3600, 3.0)]
        );
        assert_eq!(revisions(&world).await, [(3600, 3600, 2.0, 1, 2)]);
        let writers: Vec<(i64,)> = world.rows("SELECT attempt_id FROM measurements ORDER BY start").await;
        assert_eq!(writers, [(1,), (2,), (2,)], "an unchanged value keeps the attempt that wrote it");
    }
}

#[tokio::test]
async fn another_resolution_replaces_the_rows_that_it_covers_and_no_others() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let unit = units[0];
        world.fill(windfarm, unit, &[(0, HOUR, 1.0), (3600, HOUR, 2.0), (7200, HOUR, 3.0)], at(1)).await;
        let quarters: Vec<_> = (0..4).map(|quarter| (3600 + quarter * 900, 900, quarter as f64)).collect();
        assert_eq!(world.fill(windfarm, unit, &quarters, at(2)).await.written, written(0, 4, 0));
        let starts: Vec<_> = world.measurements().await.iter().map(|row| (row.1, row.2)).collect();
        assert_eq!(starts, [(0, 3600), (3600, 900), (4500, 900), (5400, 900), (6300, 900), (7200, 3600)]);
        assert_eq!(world.fill(windfarm, unit, &[(3600, HOUR, 2.0)], at(3)).await.written, written(0, 1, 0));
        assert_eq!(world.measurements().await.len(), 3);
        assert_eq!(revisions(&world).await.len(), 1 + 4);
    }
}

#[tokio::test]
async fn a_row_that_reaches_in_from_before_is_seen() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.fill(windfarm, units[0], &[(0, 86_400, 24.0)], at(1)).await;
        assert_eq!(
            world.fill(windfarm, units[0], &[(7200, HOUR, 1.0)], at(2)).await.written,
            written(0, 1, 0)
        );
        assert_eq!(world.measurements().await, [(units[0], 7200, 3600, 1.0)]);
        assert_eq!(revisions(&world).await, [(0, 86_400, 24.0, 1, 2)]);
    }
}

#[tokio::test]
async fn an_answer_that_lacks_hours_takes_none_away() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.fill(windfarm, units[0], &[(0, HOUR, 1.0), (3600, HOUR, 2.0), (7200, HOUR, 3.0)], at(1)).await;
        assert_eq!(
            world.fill(windfarm, units[0], &[(7200, HOUR, 3.0)], at(2)).await.written,
            written(0, 0, 1)
        );
        assert_eq!(world.measurements().await.len(), 3);
    }
}

#[tokio::test]
async fn units_of_two_wind_farms_in_one_area_do_not_overwrite_each_other() {
    for world in World::on_both().await {
        let (anholt, a) = world.windfarm("Anholt", &[("s", "45W000000000046I")]).await;
        let (horns, h) = world.windfarm("Horns Rev", &[("s", "45W000000000023U")]).await;
        world.fill(anholt, a[0], &[(0, HOUR, 100.0)], at(1)).await;
        assert_eq!(world.fill(horns, h[0], &[(0, HOUR, 50.0)], at(2)).await.written, written(1, 0, 0));
        assert_eq!(world.measurements().await, [(a[0], 0, 3600, 100.0), (h[0], 0, 3600, 50.0)]);
    }
}

#[tokio::test]
async fn kind_quantity_and_labels_make_series_of_their_own() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 1, Priority::Default, at(0)).await;
        let claim = world.one("w", at(1)).await;
        let base = power(&[(claim.window.start, HOUR, 1.0)]);
        let (mut consumption, mut energy, mut labelled) = (base.clone(), base.clone(), base.clone());
        consumption.kind = "consumption".to_owned();
        energy.quantity = Quantity::Energy;
        labelled.labels.insert("production-type".to_owned(), "solar".to_owned());
        let done = world.write(&claim, vec![base, consumption, energy, labelled], at(2)).await;
        assert_eq!((done.written.inserted, world.number("SELECT COUNT(*) FROM series").await), (4, 4));
    }
}

#[tokio::test]
async fn odd_values_are_stored_to_the_last_bit() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let values = [0.1 + 0.2, -0.0, 1e-300, -1.797e308, 14869.83, 5e-324];
        let rows: Vec<_> =
            values.iter().enumerate().map(|(n, value)| (n as i64 * 900, 900, *value)).collect();
        world.fill(windfarm, units[0], &rows, at(1)).await;
        let stored: Vec<_> = world.measurements().await.iter().map(|row| row.3).collect();
        assert_eq!(stored, values);
        assert_eq!(world.fill(windfarm, units[0], &rows, at(2)).await.written, written(0, 0, 6));
    }
}
