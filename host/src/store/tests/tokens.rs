//! Tokens: whom they let in, and until when.

use std::collections::BTreeSet;

use super::{World, at};
use crate::{
    domain::{Role, TokenKind},
    store::{NewToken, Subject, UserChange},
};

#[tokio::test]
async fn a_token_lets_in_only_while_all_that_it_came_of_do() {
    for world in World::on_both().await {
        let make = async |name: &str, hash: u8, parent: Option<i64>, until: Option<i64>| {
            let user = match world.store.user_by_name(name).await.unwrap() {
                Some(user) => user,
                None => world.store.create_user(name, None, Role::Operator, at(0)).await.unwrap(),
            };
            let token = NewToken {
                user_id: user.id,
                name: "x",
                hash: [hash; 32],
                kind: TokenKind::Token,
                role: None,
                expires_at: until.map(|seconds| at(seconds).into()),
                parent_id: parent,
            };
            (user.id, world.store.create_token(&token, at(0)).await.unwrap())
        };
        let (anna, first) = make("anna", 1, None, Some(100)).await;
        let (_, second) = make("ben", 2, Some(first), None).await;
        let (_, third) = make("ben", 3, Some(second), Some(500)).await;
        let (_, other) = make("ben", 4, None, None).await;
        let good = async |seconds| {
            let mut good = Vec::new();
            for id in [first, second, third, other] {
                let hash = [u8::try_from(good.len() + 1).unwrap(); 32];
                let let_in = world.store.lets_in(id, at(seconds)).await.unwrap();
                assert_eq!(world.store.login(&hash, at(seconds)).await.unwrap().is_some(), let_in);
                good.push(let_in);
            }
            good
        };
        assert_eq!(good(99).await, [true, true, true, true]);
        assert_eq!(good(100).await, [false, false, false, true]);
        let disable = async |disabled| {
            let change = UserChange { disabled: Some(disabled), role: None };
            world.store.change_user(anna, change, at(1)).await.unwrap();
        };
        disable(true).await;
        assert_eq!(good(50).await, [false, false, false, true]);
        disable(false).await;
        world.store.revoke_token(second, at(60)).await.unwrap();
        assert_eq!(good(60).await, [true, false, false, true]);
        assert!(world.store.token(third).await.unwrap().revoked_at.is_some());
    }
}

#[tokio::test]
async fn two_people_of_one_name_who_come_at_the_same_time_are_two_users() {
    for world in World::on_both().await {
        let coming = ["1", "2", "3", "4"].map(|subject| {
            let store = world.store.clone();
            let of = Subject { issuer: "https://id", subject, name: "Ann", email: None, role: Role::Viewer };
            async move { store.user_of_subject(of, at(0)).await.unwrap().name }
        });
        let names: BTreeSet<_> = futures::future::join_all(coming).await.into_iter().collect();
        assert_eq!((names.len(), names.contains("Ann")), (4, true), "{names:?}");
    }
}
