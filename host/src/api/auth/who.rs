//! Who asks, and what each handler demands of them.

use axum::{extract::FromRequestParts, http::request::Parts};
use chrono::{DateTime, Utc};

use crate::{
    api::{problem::Problem, state::Api},
    domain::Role,
    store::StoreError,
};

/// Who asks: found out before any handler runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) struct Caller {
    /// Row id of the user.
    pub(in crate::api) user_id: i64,
    /// The user's name.
    pub(in crate::api) name: String,
    /// What they may do.
    pub(in crate::api) role: Role,
    /// The token that they sent; none for a JSON Web Token.
    pub(in crate::api) token_id: Option<i64>,
    /// The token with which ends what they make to be let in by; see [`crate::store::Login::lasting_id`].
    pub(in crate::api) lasting_id: Option<i64>,
    /// Until when the JSON Web Token is good that they sent.
    pub(in crate::api) until: Option<DateTime<Utc>>,
}

/// Anybody who is logged in.
pub(in crate::api) struct Viewer(pub(in crate::api) Caller);

/// Somebody who may fill history.
pub(in crate::api) struct Operator(pub(in crate::api) Caller);

/// Somebody who may do everything.
pub(in crate::api) struct Admin(pub(in crate::api) Caller);

impl Caller {
    /// Whether something that somebody made may be changed: by them, or by an admin. What nobody made by name (the
    /// command line) is the admins'.
    pub(in crate::api) fn owns(&self, created_by_id: Option<i64>, what: &str) -> Result<(), Problem> {
        if self.role == Role::Admin || (self.role == Role::Operator && created_by_id == Some(self.user_id)) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("only who made {what}, or an admin, may do this")))
    }

    /// Whether they would still be let in: what goes on for long asks now and then.
    pub(in crate::api) async fn still_good(&self, api: &Api) -> Result<bool, StoreError> {
        let now = api.store.now();
        match self.token_id {
            Some(id) => api.store.lets_in(id, now).await,
            None if self.until.is_some_and(|until| until <= now) => Ok(false),
            None => Ok(api.store.user(self.user_id).await?.disabled_at.is_none()),
        }
    }

    fn at_least(self, role: Role) -> Result<Self, Problem> {
        if self.role >= role {
            return Ok(self);
        }
        let detail = format!("this is for the role {role}, and you are {} ({})", self.name, self.role);
        Err(Problem::forbidden(detail).suggest("ask an admin for a token of that role"))
    }
}

fn caller(parts: &Parts) -> Result<Caller, Problem> {
    // The layer that finds out who asks stands before every route that takes one of these.
    parts.extensions.get::<Caller>().cloned().ok_or_else(|| Problem::unauthenticated("nobody is logged in"))
}

macro_rules! demands {
    ($($name:ident),+) => {$(
        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                caller(parts)?.at_least(Role::$name).map(Self)
            }
        }
    )+};
}

demands!(Viewer, Operator, Admin);
