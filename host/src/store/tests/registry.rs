use std::collections::BTreeMap;

use super::{World, at, error, unit};
use crate::store::{Ending, ImportCounts, NewUnit, NewWindfarm, StoreError, UnitChange};

fn farm(name: &str, units: Vec<NewUnit>) -> NewWindfarm {
    NewWindfarm { name: name.to_owned(), units, ..NewWindfarm::default() }
}

fn shared(code: &str, name: &str, share: &str) -> NewUnit {
    let mut new = unit("s", code);
    new.unit.name = name.to_owned();
    new.unit.attributes = BTreeMap::from([("share".to_owned(), share.to_owned())]);
    new
}

const fn counts(created: u64, updated: u64, unchanged: u64) -> ImportCounts {
    ImportCounts { created, updated, unchanged }
}

async fn refusal(world: &World, farms: &[NewWindfarm]) -> String {
    let before = world.number("SELECT COUNT(*) FROM generation_units").await;
    let error = world.store.import(farms, at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert_eq!(world.number("SELECT COUNT(*) FROM generation_units").await, before, "all or nothing");
    error.to_string()
}

#[tokio::test]
async fn an_import_creates_updates_and_leaves_alone_and_says_which() {
    for world in World::on_both().await {
        let mut farms = [farm("A", vec![unit("s", "1"), unit("s", "2")]), farm("B", vec![unit("t", "1")])];
        let first = world.store.import(&farms, at(0)).await.unwrap();
        assert_eq!((first.windfarms, first.units), (counts(2, 0, 0), counts(3, 0, 0)));
        let again = world.store.import(&farms, at(1)).await.unwrap();
        assert_eq!((again.windfarms, again.units), (counts(0, 0, 2), counts(0, 0, 3)));

        farms[0].metadata = Some(BTreeMap::from([("country".to_owned(), "DK".to_owned())]));
        farms[0].units[0].unit.capacity_mw = Some(400.0);
        farms[0].units[1].unit.name = "Renamed".to_owned();
        farms[1].units.push(unit("t", "2"));
        let third = world.store.import(&farms, at(2)).await.unwrap();
        assert_eq!((third.windfarms, third.units), (counts(0, 1, 1), counts(1, 2, 1)));
        let id = world.store.windfarm_by_name("A").await.unwrap().id;
        let units = world.store.units(id, &[]).await.unwrap();
        assert_eq!((units[0].unit.capacity_mw, units[1].unit.name.as_str()), (Some(400.0), "Renamed"));
    }
}

#[tokio::test]
async fn units_with_one_code_need_shares_that_sum_to_one_at_most() {
    for world in World::on_both().await {
        let text = refusal(&world, &[farm("A", vec![unit("s", "1")]), farm("B", vec![unit("s", "1")])]).await;
        assert!(text.contains("give each a `share`"), "{text}");
        let text =
            refusal(&world, &[farm("A", vec![unit("s", "1")]), farm("B", vec![shared("1", "x", "0.5")])])
                .await;
        assert!(text.contains("give each a `share`"), "{text}");
        let text =
            refusal(&world, &[farm("A", vec![shared("1", "x", "0.7"), shared("1", "y", "0.4")])]).await;
        assert!(text.contains("above 1"), "{text}");
        for share in ["0", "-0.5", "1.5", "NaN", "half", ""] {
            let text = refusal(&world, &[farm("A", vec![shared("1", "x", share)])]).await;
            assert!(text.contains("share"), "{text}");
        }
        let thirds = vec![shared("1", "x", "0.1"), shared("1", "y", "0.2"), shared("1", "z", "0.7")];
        assert_eq!(world.store.import(&[farm("A", thirds)], at(0)).await.unwrap().units, counts(3, 0, 0));
    }
}

#[tokio::test]
async fn a_unit_that_gets_a_share_makes_room_for_another_in_the_same_import() {
    for world in World::on_both().await {
        world.store.import(&[farm("A", vec![unit("s", "1")])], at(0)).await.unwrap();
        let farms = [farm("B", vec![shared("1", "B", "0.5")]), farm("A", vec![shared("1", "A", "0.5")])];
        assert_eq!(world.store.import(&farms, at(1)).await.unwrap().units, counts(1, 1, 0));
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_whole() {
    for world in World::on_both().await {
        let mut flat = unit("s", "1");
        flat.unit.capacity_mw = Some(0.0);
        assert!(refusal(&world, &[farm("A", vec![unit("s", "0"), flat])]).await.contains("above 0 MW"));
        assert!(refusal(&world, &[farm(" ", vec![])]).await.contains("no name"));
        assert!(refusal(&world, &[farm("A", vec![unit("s", "")])]).await.contains("a code"));
        assert!(
            refusal(&world, &[farm("A", vec![unit("s", "1"), unit("s", "1")])])
                .await
                .contains("listed twice")
        );
        assert_eq!(world.store.windfarms().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_wrong_name_is_answered_with_the_names_like_it() {
    for world in World::on_both().await {
        let error = world.store.windfarm_by_name("Anholt").await.unwrap_err().to_string();
        assert_eq!(error, "no wind farm \"Anholt\"; there is none yet; `backfill import` brings them in");
        world
            .store
            .import(&["Anholt", "Horns Rev A", "Horns Rev C", "Rødsand"].map(|n| farm(n, vec![])), at(0))
            .await
            .unwrap();
        let hint = async |name| world.store.windfarm_by_name(name).await.unwrap_err().to_string();
        assert!(hint("anholdt").await.ends_with("did you mean \"Anholt\"?"));
        assert!(hint("horns rev").await.ends_with("did you mean \"Horns Rev A\", \"Horns Rev C\"?"));
        assert!(hint("xyz").await.ends_with("none of the 4 known is like it"));
    }
}

#[tokio::test]
async fn units_are_listed_by_source_and_inactive_ones_are_not() {
    for world in World::on_both().await {
        let mut retired = unit("s", "3");
        retired.active = Some(false);
        let farms = [farm("A", vec![unit("t", "1"), unit("s", "2"), retired])];
        world.store.import(&farms, at(0)).await.unwrap();
        let id = world.store.windfarm_by_name("A").await.unwrap().id;
        let codes = async |sources: &[&str]| -> Vec<String> {
            let sources: Vec<_> = sources.iter().map(|source| (*source).to_owned()).collect();
            world.store.units(id, &sources).await.unwrap().into_iter().map(|unit| unit.unit.code).collect()
        };
        assert_eq!(codes(&[]).await, ["2", "1"]);
        assert_eq!(codes(&["t"]).await, ["1"]);
        assert_eq!(codes(&["s", "t"]).await, ["2", "1"]);
    }
}

#[tokio::test]
async fn trying_an_import_changes_nothing_and_what_a_file_does_not_tell_stays() {
    for world in World::on_both().await {
        let mut farms = [farm("A", vec![unit("s", "1")])];
        farms[0].metadata = Some(BTreeMap::from([("country".to_owned(), "DK".to_owned())]));
        let would = world.store.try_import(&farms, at(0)).await.unwrap();
        assert_eq!((would.windfarms, would.units), (counts(1, 0, 0), counts(1, 0, 0)));
        assert_eq!(world.number("SELECT COUNT(*) FROM windfarms").await, 0);
        assert_eq!(world.store.import(&farms, at(0)).await.unwrap(), would);

        let off = UnitChange { active: Some(false), ..UnitChange::default() };
        let unit = world.number("SELECT MAX(id) FROM generation_units").await;
        world.store.change_unit(unit, &off, || at(1)).await.unwrap();
        farms[0].metadata = None;
        let again = world.store.import(&farms, at(2)).await.unwrap();
        assert_eq!((again.windfarms, again.units), (counts(0, 0, 1), counts(0, 0, 1)));
        assert_eq!(world.store.windfarm_by_name("A").await.unwrap().metadata["country"], "DK");
        assert!(!world.store.unit_record(unit).await.unwrap().active);
    }
}

#[tokio::test]
async fn shares_hold_for_units_that_are_entered_one_by_one_at_the_same_time() {
    for world in World::on_both().await {
        world.store.import(&[farm("A", vec![])], at(0)).await.unwrap();
        let entering = ["x", "y", "z"].map(|name| {
            let (store, new) = (world.store.clone(), shared("1", name, "0.4"));
            async move { store.create_unit(1, &new, at(1)).await }
        });
        let done = futures::future::join_all(entering).await;
        assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 2, "{done:?}");
        assert!(done.iter().any(|one| matches!(one, Err(StoreError::Refused { .. }))), "{done:?}");
        let twice = ["B", "B"].map(|name| {
            let store = world.store.clone();
            async move { store.create_windfarm(name, &BTreeMap::new(), at(1)).await }
        });
        let done = futures::future::join_all(twice).await;
        assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
    }
}

#[tokio::test]
async fn a_unit_keeps_its_code_while_an_attempt_of_it_runs() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        let code = UnitChange { code: Some("other".to_owned()), ..UnitChange::default() };
        let change = async |now| world.store.change_unit(claim.unit_id, &code, || now).await;
        let refused = change(at(2)).await.unwrap_err().to_string();
        assert!(refused.contains("is under way with code"), "{refused}");
        world.finish(&claim, Ending::Failed(error("invalid-unit", "none")), at(3)).await.unwrap();
        assert_eq!(change(at(4)).await.unwrap().code, "other");
    }
}
