//! What a token that was found good says of its holder.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Refusal;
use crate::{config, domain::Role};

/// The holder of a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) role: Role,
    /// When the token expires.
    pub(super) until: DateTime<Utc>,
}

/// Longer ones are nobody's.
const LONGEST: usize = 255;

pub(super) fn person(claims: &Map<String, Value>, config: &config::Jwt) -> Result<Person, Refusal> {
    let subject = text(claims.get("sub"))
        .ok_or_else(|| Refusal::Token("its `sub` is no text that could be kept".to_owned()))?;
    let role = role(claims, config).ok_or_else(|| {
        Refusal::Person(format!("`{}` holds no role that is known", config.role_claim.join(".")))
    })?;
    let name = text(claims.get(&config.name_claim)).unwrap_or_else(|| subject.clone());
    // Whole seconds: what is cut off is less than the leeway.
    let until =
        claims.get("exp").and_then(Value::as_f64).and_then(|at| DateTime::from_timestamp(at as i64, 0));
    let until = until.ok_or_else(|| Refusal::Token("its `exp` is no time".to_owned()))?;
    Ok(Person { subject, name, email: text(claims.get("email")), role, until })
}

/// The highest of the roles that it has.
fn role(claims: &Map<String, Value>, config: &config::Jwt) -> Option<Role> {
    let (first, rest) = config.role_claim.split_first()?;
    let found = rest.iter().try_fold(claims.get(first)?, |value, step| value.get(step))?;
    let words = match found {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    words.iter().filter_map(Value::as_str).filter_map(|word| meaning(word, config)).max()
}

fn meaning(word: &str, config: &config::Jwt) -> Option<Role> {
    if config.roles.is_empty() { word.parse().ok() } else { config.roles.get(word).copied() }
}

/// A text that is not blank and that every database can hold.
fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    let fits = (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
