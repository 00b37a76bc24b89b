//! JSON Web Tokens of the configured issuer: checked by its keys, and turned into a user of ours.

mod claims;
mod keys;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};

use self::{
    claims::Person,
    keys::{Key, Keys, Unfound},
};
use super::Caller;
use crate::{
    api::problem::Problem,
    config,
    egress::{Documents, SystemLookup},
    store::{Store, Subject},
};

/// How far the clocks of issuer and host may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// How long the issuer may take to show its keys.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The issuer, as this host knows it.
pub(in crate::api) struct Issuer {
    config: config::Jwt,
    keys: Arc<Keys>,
}

/// Why a token lets nobody in. The answer says no more than its kind; the log says the rest.
enum Refusal {
    /// It is not good.
    Token(String),
    /// It is, and its holder may not be here.
    Person(String),
    /// That can't be told for now.
    Away(String),
}

impl Issuer {
    /// The issuer of the configuration.
    pub(in crate::api) fn new(config: &config::Jwt) -> anyhow::Result<Self> {
        let lookup = Arc::new(SystemLookup);
        let documents = Documents::new("the issuer of [auth.jwt]", config.private_network, TIMEOUT, lookup)?;
        let keys = Arc::new(Keys::new(documents, config)?);
        Ok(Self { config: config.clone(), keys })
    }

    /// Who sends this token.
    pub(super) async fn caller(&self, token: &str, store: &Store) -> Result<Caller, Problem> {
        let person = match self.person(token).await {
            Ok(person) => person,
            Err(refusal) => return Err(refusal.into()),
        };
        let subject = Subject {
            issuer: &self.config.issuer,
            subject: &person.subject,
            name: &person.name,
            email: person.email.as_deref(),
            role: person.role,
        };
        let user = store.user_of_subject(subject, store.now()).await?;
        if user.disabled_at.is_some() {
            return Err(Refusal::Token(format!("user {} is disabled", user.id)).into());
        }
        Ok(Caller {
            user_id: user.id,
            name: user.name,
            role: user.role,
            token_id: None,
            lasting_id: None,
            until: Some(person.until + LEEWAY),
        })
    }

    async fn person(&self, token: &str) -> Result<Person, Refusal> {
        let bad = |error: jsonwebtoken::errors::Error| Refusal::Token(error.to_string());
        let header = decode_header(token).map_err(bad)?;
        let key = self.keys.find(header.kid.as_deref()).await.map_err(|unfound| match unfound {
            Unfound::Unknown => {
                Refusal::Token("it is signed by a key that the issuer does not show".to_owned())
            }
            Unfound::Away(why) => Refusal::Away(why),
        })?;
        let claims =
            decode::<Map<String, Value>>(token, &key.key, &self.validation(&key)).map_err(bad)?.claims;
        claims::person(&claims, &self.config)
    }

    /// What must hold. The algorithm is the key's: what the token says of it must not choose how it is checked.
    fn validation(&self, key: &Key) -> Validation {
        let mut validation = Validation::default();
        validation.algorithms.clone_from(&key.algorithms);
        validation.leeway = LEEWAY.num_seconds().unsigned_abs();
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Token(why) => {
                tracing::info!("a JSON Web Token lets nobody in: {why}");
                super::refused()
            }
            Refusal::Person(why) => {
                tracing::info!("a JSON Web Token's holder may not be here: {why}");
                Self::forbidden("your token gives you no role on this host")
                    .suggest("ask whoever runs the issuer for a role")
            }
            Refusal::Away(why) => {
                tracing::warn!("a JSON Web Token can't be checked: {why}");
                Self::unavailable("the keys of the tokens' issuer can't be had for now")
            }
        }
    }
}
