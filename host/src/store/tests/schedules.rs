use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{World, at, month, new_job, task, window};
use crate::{
    domain::{Overlap, ScheduleKind},
    store::{Act, EventKind, Fired, NewJob, NewSchedule, Schedule, ScheduleChange, StoreError, Without},
};

const HOLD: Duration = Duration::from_secs(60);
const HOUR: i64 = 3600;

/// Every hour on the hour, as the tests' beginning is.
pub(super) fn hourly(name: &str, kind: ScheduleKind) -> NewSchedule {
    NewSchedule {
        name: name.to_owned(),
        kind,
        cron: "0 * * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        overlap: Overlap::Skip,
        settings: json!({}),
        enabled: true,
        created_by_id: None,
    }
}

impl World {
    pub(super) async fn schedule(&self, new: &NewSchedule) -> Schedule {
        self.store.create_schedule(new, at(0)).await.unwrap()
    }

    /// The one schedule that is due.
    pub(super) async fn due(&self, now: DateTime<Utc>) -> Schedule {
        let due = self.store.due_schedules(HOLD, now).await.unwrap();
        assert_eq!(due.len(), 1, "one schedule is due at {now}");
        due.into_iter().next().unwrap()
    }

    /// Fires it with a job of one month of the first unit.
    async fn fire_job(&self, due: &Schedule, now: DateTime<Utc>) -> Fired {
        let unit = self.number("SELECT MIN(id) FROM generation_units").await;
        let windfarm = self.number("SELECT MIN(id) FROM windfarms").await;
        let (farms, tasks) = ([windfarm], [task(unit, month(0))]);
        let metadata = json!({ "schedule": due.name });
        let job = NewJob { window: window(month(0)), metadata, ..new_job(&farms, &tasks) };
        self.store.fire(due, Act::Job(&job), &[], now).await.unwrap()
    }

    /// Events of schedules, with what they say.
    pub(super) async fn told(&self) -> Vec<(EventKind, Value)> {
        let events = self.store.events(None, 0, 1000).await.unwrap();
        let kinds = [EventKind::ScheduleFired, EventKind::ScheduleMissed];
        events.into_iter().filter(|e| kinds.contains(&e.kind)).map(|e| (e.kind, e.data)).collect()
    }
}

#[tokio::test]
async fn a_schedule_first_fires_at_the_first_of_its_times_after_it_was_made() {
    for world in World::on_both().await {
        let made = world.schedule(&hourly("h", ScheduleKind::Revise)).await;
        assert_eq!(made.next_fire_at.map(|next| next.utc()), Some(at(HOUR)));
        assert_eq!(made.settings["revise_after"], json!(["1d", "10d", "45d", "14mo"]), "defaults are kept");
        assert_eq!(world.store.next_firing().await.unwrap(), Some(at(HOUR)));
        assert_eq!(world.store.due_schedules(HOLD, at(HOUR - 1)).await.unwrap(), []);
        assert_eq!(world.due(at(HOUR)).await, made);
        let berlin = NewSchedule {
            cron: "30 6 * * *".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            ..hourly("b", ScheduleKind::Incremental)
        };
        let made = world.schedule(&berlin).await;
        assert_eq!(made.next_fire_at.unwrap().utc(), at(5 * HOUR + 1800));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_schedule_is_said_and_nothing_is_made() {
    for world in World::on_both().await {
        world.schedule(&hourly("taken", ScheduleKind::Revise)).await;
        let good = hourly("h", ScheduleKind::Incremental);
        for (wrong, expected) in [
            (NewSchedule { cron: "0 25 * * *".into(), ..good.clone() }, "the hour of the cron expression"),
            (NewSchedule { time_zone: "Mars".into(), ..good.clone() }, "\"Mars\" is no IANA time zone"),
            (NewSchedule { name: " ".into(), ..good.clone() }, "its name is empty"),
            (NewSchedule { name: "taken".into(), ..good.clone() }, "there is a schedule \"taken\" already"),
            (NewSchedule { settings: json!({ "months": 3 }), ..good.clone() }, "settings.months"),
            (
                NewSchedule { settings: json!({ "windfarm_ids": [7] }), ..good },
                "windfarm_ids: the registry has no 7",
            ),
        ] {
            let error = world.store.create_schedule(&wrong, at(0)).await.unwrap_err().to_string();
            assert!(error.starts_with("making a schedule: ") && error.contains(expected), "{error}");
        }
        assert_eq!(world.store.schedules().await.unwrap().len(), 1);
        let unknown = world.store.schedule_by_name("h").await.unwrap_err().to_string();
        assert_eq!(unknown, "no schedule \"h\"; there are \"taken\"");
    }
}

#[tokio::test]
async fn two_hosts_that_fire_at_once_fire_once() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        world.schedule(&hourly("h", ScheduleKind::Incremental)).await;
        let (one, two) = tokio::join!(
            world.store.due_schedules(HOLD, at(HOUR)),
            world.store.due_schedules(HOLD, at(HOUR))
        );
        let due: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).collect();
        assert_eq!(due.len(), 1, "one of them plans");
        // A host so slow that another took over plans the same; one of the two makes the job.
        let again = world.due(at(HOUR + 60)).await;
        let (one, two) =
            tokio::join!(world.fire_job(&due[0], at(HOUR + 61)), world.fire_job(&again, at(HOUR + 61)));
        assert!([&one, &two].contains(&&Fired::Taken) && one != two, "{one:?} {two:?}");
        assert_eq!(world.number("SELECT COUNT(*) FROM backfill_jobs").await, 1);
        let fired = world.store.schedule(again.id).await.unwrap();
        assert_eq!(fired.next_fire_at.unwrap().utc(), at(2 * HOUR));
        assert_eq!(fired.last_fired_at.unwrap().utc(), at(HOUR + 61));
        assert_eq!((fired.last_job_id, fired.last_outcome.as_deref()), (Some(1), Some("job 1: 1 tasks")));
        assert_eq!(world.store.due_schedules(HOLD, at(HOUR + 200)).await.unwrap(), []);
        let told = world.told().await;
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].0, &told[0].1["missed"]), (EventKind::ScheduleFired, &json!(0)));
    }
}

#[tokio::test]
async fn a_host_that_died_between_finding_and_firing_has_fired_nothing() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        world.schedule(&hourly("h", ScheduleKind::Incremental)).await;
        world.due(at(HOUR)).await;
        assert_eq!(world.store.due_schedules(HOLD, at(HOUR + 59)).await.unwrap(), []);
        assert_eq!(world.store.next_firing().await.unwrap(), Some(at(HOUR + 60)));
        let due = world.due(at(HOUR + 60)).await;
        assert_eq!(world.fire_job(&due, at(HOUR + 60)).await, Fired::Job(1));
    }
}

#[tokio::test]
async fn missed_firings_are_made_up_for_by_one_and_reported() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        world.schedule(&hourly("h", ScheduleKind::Incremental)).await;
        let back = at(5 * HOUR + 1800);
        let due = world.due(back).await;
        assert_eq!(world.fire_job(&due, back).await, Fired::Job(1));
        let told = world.told().await;
        assert_eq!(
            told.iter().map(|one| one.0).collect::<Vec<_>>(),
            [EventKind::ScheduleFired, EventKind::ScheduleMissed]
        );
        assert_eq!((&told[1].1["missed"], &told[1].1["scheduled_for"]), (&json!(4), &json!(at(HOUR))));
        let after = world.store.schedule(due.id).await.unwrap();
        assert_eq!(after.next_fire_at.unwrap().utc(), at(6 * HOUR));
        assert_eq!(
            after.last_outcome.as_deref(),
            Some(
                "job 1: 1 tasks; no host ran at 2024-01-01 01:00:00 UTC, and this made up for that firing, and for 4 \
                 later ones"
            )
        );
    }
}

#[tokio::test]
async fn a_firing_is_left_out_and_reported_while_the_last_job_is_open_unless_jobs_may_queue() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        let skips = world.schedule(&hourly("skips", ScheduleKind::Revise)).await;
        assert_eq!(world.fire_job(&world.due(at(HOUR)).await, at(HOUR)).await, Fired::Job(1));
        let due = world.due(at(2 * HOUR)).await;
        let left_out = world.fire_job(&due, at(2 * HOUR)).await;
        assert_eq!(left_out, Fired::LeftOut("job 1 of an earlier firing is still open".to_owned()));
        let after = world.store.schedule(skips.id).await.unwrap();
        assert_eq!(after.last_fired_at.unwrap().utc(), at(HOUR), "what it is for was not done since");
        assert_eq!(after.next_fire_at.unwrap().utc(), at(3 * HOUR));
        assert_eq!(world.told().await[1].0, EventKind::ScheduleMissed);

        let queue = ScheduleChange { overlap: Some(Overlap::Queue), ..ScheduleChange::default() };
        world.store.change_schedule(skips.id, &queue, at(2 * HOUR)).await.unwrap();
        let due = world.due(at(3 * HOUR)).await;
        assert_eq!(world.fire_job(&due, at(3 * HOUR)).await, Fired::Job(2));

        let skip = ScheduleChange { overlap: Some(Overlap::Skip), ..ScheduleChange::default() };
        world.store.change_schedule(skips.id, &skip, at(3 * HOUR)).await.unwrap();
        world.store.cancel_job(2, "ann", at(3 * HOUR + 1)).await.unwrap();
        let due = world.due(at(4 * HOUR)).await;
        assert_eq!(world.fire_job(&due, at(4 * HOUR)).await, Fired::Job(3), "its last job has ended");
    }
}

#[tokio::test]
async fn nothing_to_do_is_well_and_a_failure_is_reported() {
    for world in World::on_both().await {
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        let due = world.due(at(HOUR)).await;
        world.store.fire(&due, Act::Nothing("nothing missing"), &[], at(HOUR)).await.unwrap();
        let after = world.store.schedule(id).await.unwrap();
        assert_eq!(after.last_outcome.as_deref(), Some("nothing missing"));
        assert_eq!(after.last_fired_at.unwrap().utc(), at(HOUR));
        assert_eq!(world.told().await, []);

        let due = world.due(at(2 * HOUR)).await;
        world.store.fire(&due, Act::Fail("no source can be used"), &[], at(2 * HOUR)).await.unwrap();
        let after = world.store.schedule(id).await.unwrap();
        assert_eq!(after.last_outcome.as_deref(), Some("failed: no source can be used"));
        assert_eq!(after.last_fired_at.unwrap().utc(), at(HOUR));
        let told = world.told().await;
        assert_eq!(told[0].1["why"], json!("failed: no source can be used"));
        assert_eq!((told.len(), told[0].0), (1, EventKind::ScheduleMissed));
    }
}

#[tokio::test]
async fn what_a_firing_goes_without_is_reported_once() {
    for world in World::on_both().await {
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        let due = world.due(at(HOUR)).await;
        let without = [Without { source: "x".to_owned(), why: "no such host".to_owned() }];
        world.store.fire(&due, Act::Nothing("nothing missing"), &without, at(HOUR)).await.unwrap();
        let outcome = world.store.schedule(id).await.unwrap().last_outcome.unwrap();
        assert_eq!(outcome, "nothing missing; without source x (no such host)");
        assert_eq!(world.told().await[0].1["why"], json!(outcome));
        let due = world.due(at(2 * HOUR)).await;
        world.store.fire(&due, Act::Nothing("nothing missing"), &without, at(2 * HOUR)).await.unwrap();
        assert_eq!(world.told().await.len(), 1, "what goes on as it was is told once");
    }
}

#[tokio::test]
async fn a_disabled_schedule_fires_never_and_makes_up_for_nothing_when_it_is_enabled() {
    for world in World::on_both().await {
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        let enabled = |enabled| ScheduleChange { enabled: Some(enabled), ..ScheduleChange::default() };
        let off = world.store.change_schedule(id, &enabled(false), at(1)).await.unwrap();
        assert_eq!((off.enabled, off.next_fire_at), (false, None));
        assert_eq!(world.store.due_schedules(HOLD, at(9 * HOUR)).await.unwrap(), []);
        assert_eq!(world.store.next_firing().await.unwrap(), None);
        let refused = world.store.ask_schedule(id, HOLD, at(9 * HOUR)).await.unwrap_err().to_string();
        assert!(refused.contains("enable it first"), "{refused}");
        let on = world.store.change_schedule(id, &enabled(true), at(9 * HOUR + 5)).await.unwrap();
        assert_eq!(on.next_fire_at.unwrap().utc(), at(10 * HOUR));
    }
}

#[tokio::test]
async fn a_schedule_that_is_changed_while_a_host_plans_for_it_is_planned_for_again() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        let due = world.due(at(HOUR)).await;
        let settings = json!({ "look_back_months": 12 });
        let change = ScheduleChange { settings: Some(settings), ..ScheduleChange::default() };
        world.store.change_schedule(id, &change, at(HOUR + 1)).await.unwrap();
        assert_eq!(world.fire_job(&due, at(HOUR + 2)).await, Fired::Taken);
        let due = world.due(at(HOUR + 3)).await;
        assert_eq!(due.settings["look_back_months"], json!(12));
        assert_eq!(world.fire_job(&due, at(HOUR + 3)).await, Fired::Job(1));

        let daily = ScheduleChange { cron: Some("0 0 * * *".into()), ..ScheduleChange::default() };
        let changed = world.store.change_schedule(id, &daily, at(HOUR + 4)).await.unwrap();
        assert_eq!(changed.next_fire_at.unwrap().utc(), at(24 * HOUR));
        let wrong = ScheduleChange { cron: Some("0 0 * *".into()), ..ScheduleChange::default() };
        assert!(matches!(
            world.store.change_schedule(id, &wrong, at(HOUR + 5)).await.unwrap_err(),
            StoreError::Refused { .. }
        ));
    }
}

#[tokio::test]
async fn one_that_is_asked_for_by_hand_fires_now_and_then_goes_on_as_planned() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        let asked = world.store.ask_schedule(id, HOLD, at(600)).await.unwrap();
        let others = world.store.due_schedules(HOLD, at(601)).await.unwrap();
        assert_eq!(others, [], "it is fired by the host that was asked");
        let left = world.due(at(660)).await;
        assert_eq!(left, asked, "unless that one is gone");
        assert_eq!(world.fire_job(&asked, at(661)).await, Fired::Job(1));
        assert_eq!(world.store.schedule(id).await.unwrap().next_fire_at.unwrap().utc(), at(HOUR));
        assert_eq!(world.told().await.len(), 1, "nothing was missed");
    }
}

#[tokio::test]
async fn a_removed_schedule_leaves_its_jobs_and_a_deleted_job_its_schedule() {
    for world in World::on_both().await {
        world.windfarm("farm", &[("s", "a")]).await;
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        world.fire_job(&world.due(at(HOUR)).await, at(HOUR)).await;
        world.store.cancel_job(1, "ann", at(HOUR)).await.unwrap();
        world.store.delete_job(1, at(HOUR)).await.unwrap();
        assert_eq!(world.store.schedule(id).await.unwrap().last_job_id, None);
        world.fire_job(&world.due(at(2 * HOUR)).await, at(2 * HOUR)).await;
        world.store.delete_schedule(id, at(2 * HOUR)).await.unwrap();
        assert_eq!(world.store.schedules().await.unwrap(), []);
        assert_eq!(world.number("SELECT COUNT(*) FROM backfill_jobs").await, 1);
        assert!(world.store.delete_schedule(id, at(3 * HOUR)).await.is_err());
    }
}

#[tokio::test]
async fn a_schedule_that_can_not_be_read_is_reported_once_and_fires_no_more() {
    for world in World::on_both().await {
        let id = world.schedule(&hourly("h", ScheduleKind::Incremental)).await.id;
        world.sql("UPDATE schedules SET cron = 'whenever'").await.unwrap();
        let due = world.due(at(HOUR)).await;
        world.store.fire(&due, Act::Nothing(""), &[], at(HOUR)).await.unwrap();
        let after = world.store.schedule(id).await.unwrap();
        assert!(after.last_outcome.unwrap().starts_with("can't fire: "));
        assert_eq!((after.next_fire_at, world.told().await.len()), (None, 1));
    }
}

#[tokio::test]
async fn what_a_source_owes_that_a_firing_went_without_is_kept_until_one_has_it_again() {
    for world in World::on_both().await {
        let id = world.schedule(&hourly("h", ScheduleKind::Revise)).await.id;
        let without = |source: &str| Without { source: source.to_owned(), why: "away".to_owned() };
        let (x, y) = (without("x"), without("y"));
        let fire = async |hours: i64, act: Act<'_>, without: &[Without]| {
            let due = world.due(at(hours * HOUR)).await;
            world.store.fire(&due, act, without, at(hours * HOUR)).await.unwrap();
            let after = world.store.schedule(id).await.unwrap();
            ["x", "y", "z"].map(|source| (after.idle_since(source) - at(0)).num_hours())
        };
        let done = Act::Nothing("nothing");
        assert_eq!(fire(1, done, &[]).await, [1, 1, 1]);
        assert_eq!(fire(2, done, std::slice::from_ref(&x)).await, [1, 2, 2]);
        assert_eq!(fire(3, done, &[x.clone(), y.clone()]).await, [1, 2, 3]);
        assert_eq!(fire(4, Act::Fail("it broke"), &[]).await, [1, 2, 3], "nothing was done");
        assert_eq!(fire(5, done, &[y]).await, [5, 2, 5]);
        assert_eq!(fire(6, done, &[]).await, [6, 6, 6]);
    }
}
