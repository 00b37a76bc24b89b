//! Requests with a key: one turn at a time, and one job.

use chrono::{DateTime, TimeDelta, Utc};

use super::{World, at, month, window};
use crate::{
    domain::{PlannedTask, Priority, Role, Verdict},
    store::{GivenAnswer, KeyedRequest, NewJob, Repeated, StoreError, TURN, Turn},
};

const DAY: i64 = 24 * 3600;

fn request(user_id: i64, hash: &str) -> KeyedRequest<'_> {
    KeyedRequest { user_id, role: Role::Operator, key: "k", hash }
}

fn answer() -> GivenAnswer {
    GivenAnswer { status: 202, headers: vec![("location".into(), "/x".into())], body: Some("{}".into()) }
}

impl World {
    async fn user(&self) -> i64 {
        self.store.create_user("anna", None, Role::Operator, at(0)).await.unwrap().id
    }

    async fn ask(&self, request: &KeyedRequest<'_>, holder: &str, now: DateTime<Utc>) -> Repeated {
        self.store.take_up(request, holder, now).await.unwrap()
    }

    async fn turn(&self, request: &KeyedRequest<'_>, holder: &str, now: DateTime<Utc>) -> Turn {
        match self.ask(request, holder, now).await {
            Repeated::New(turn) => turn,
            known => panic!("{known:?}"),
        }
    }

    /// Makes the job of a request.
    async fn job_once(&self, windfarm: i64, unit: i64, turn: &Turn) -> Result<i64, StoreError> {
        let tasks = [PlannedTask {
            unit_id: unit,
            source: "s".to_owned(),
            month: month(0),
            window: window(month(0)),
            verdict: Verdict::Fetch,
        }];
        let job = NewJob {
            windfarm_ids: &[windfarm],
            window: window(month(0)),
            tasks: &tasks,
            priority: Priority::Default,
            max_concurrency: None,
            max_attempts: 3,
            anew: false,
            metadata: serde_json::json!({}),
            created_by_id: None,
        };
        self.store.create_job_once(&job, Some(turn), at(0)).await
    }
}

#[tokio::test]
async fn a_turn_is_one_holders_until_it_is_answered_given_back_or_left() {
    for world in World::on_both().await {
        let user = world.user().await;
        let asked = request(user, "h");
        let first = world.turn(&asked, "a", at(0)).await;
        assert_eq!(world.ask(&asked, "b", at(1)).await, Repeated::UnderWay);
        assert_eq!(world.ask(&request(user, "other"), "b", at(1)).await, Repeated::Other);
        // It lasts for as long as it is renewed.
        world.store.renew_turn(&first, at(50)).await.unwrap();
        let over = at(50) + TURN;
        assert_eq!(world.ask(&asked, "b", over - TimeDelta::seconds(1)).await, Repeated::UnderWay);
        let second = world.turn(&asked, "b", over).await;
        // Whoever had it before changes nothing any more.
        world.store.give_back(&first).await.unwrap();
        world.store.renew_turn(&first, at(DAY)).await.unwrap();
        assert!(!world.store.keep_answer(&first, &answer(), over).await.unwrap());
        assert_eq!(world.ask(&asked, "c", over).await, Repeated::UnderWay);
        world.store.give_back(&second).await.unwrap();
        let third = world.turn(&asked, "c", over).await;
        assert!(world.store.keep_answer(&third, &answer(), over).await.unwrap());
        assert_eq!(world.ask(&asked, "d", over).await, Repeated::Answered(answer()));
        let less = KeyedRequest { role: Role::Viewer, ..asked };
        assert_eq!(world.ask(&less, "d", over).await, Repeated::Above(Role::Operator));
        let more = KeyedRequest { role: Role::Admin, ..asked };
        assert_eq!(world.ask(&more, "d", over).await, Repeated::Answered(answer()));
        // It is good for the key as it was then, and for nobody else's.
        let late = GivenAnswer { status: 500, ..answer() };
        assert!(!world.store.keep_answer(&third, &late, over).await.unwrap());
    }
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day_and_a_turn_for_as_long_as_it_lasts() {
    for world in World::on_both().await {
        let user = world.user().await;
        let asked = request(user, "h");
        let turn = world.turn(&asked, "a", at(0)).await;
        world.store.keep_answer(&turn, &answer(), at(5)).await.unwrap();
        assert_eq!(world.store.forget_answers(at(DAY)).await.unwrap(), 0);
        assert_eq!(world.ask(&asked, "b", at(DAY)).await, Repeated::Answered(answer()));
        // Whether or not somebody came by to forget it.
        let turn = world.turn(&asked, "b", at(DAY + 1)).await;
        world.store.renew_turn(&turn, at(3 * DAY)).await.unwrap();
        assert_eq!(world.store.forget_answers(at(3 * DAY)).await.unwrap(), 0);
        assert_eq!(world.store.forget_answers(at(4 * DAY)).await.unwrap(), 1);
        assert_eq!(world.number("SELECT COUNT(*) FROM idempotency_keys").await, 0);
    }
}

#[tokio::test]
async fn a_request_makes_one_job_whoever_answers_it() {
    for world in World::on_both().await {
        let user = world.user().await;
        let (windfarm, units) = world.windfarm("farm", &[("s", "1")]).await;
        let asked = request(user, "h");
        let slow = world.turn(&asked, "slow", at(0)).await;
        let quick = world.turn(&asked, "quick", at(0) + TURN).await;
        let id = world.job_once(windfarm, units[0], &quick).await.unwrap();
        // Who is late makes none, and who made one makes no second.
        for turn in [&slow, &quick] {
            let error = world.job_once(windfarm, units[0], turn).await.unwrap_err();
            assert!(matches!(error, StoreError::Refused { .. }), "{error}");
        }
        assert_eq!(world.number("SELECT COUNT(*) FROM backfill_jobs").await, 1);
        // That it could not be said does not take it back.
        world.store.give_back(&quick).await.unwrap();
        assert_eq!(world.turn(&asked, "next", at(0) + TURN).await.job_id, Some(id));
    }
}
