//! `[auth]`: who may use the API besides the holders of tokens.

use std::collections::BTreeMap;

use url::Url;

use super::reading::{FromText, Section};
use crate::domain::Role;

/// `[auth]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// `[auth.jwt]`; without it no JSON Web Token lets anybody in.
    pub jwt: Option<Jwt>,
}

/// `[auth.jwt]`: the issuer whose JSON Web Tokens let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    /// What `iss` must be, letter by letter.
    pub issuer: String,
    /// What `aud` must be or hold.
    pub audience: String,
    /// Where its keys are; where it is absent, the issuer's discovery document says so.
    pub jwks_url: Option<Url>,
    /// The claim that holds the role, step by step.
    pub role_claim: Vec<String>,
    /// What the issuer's roles stand for; where it is empty, their names are ours.
    pub roles: BTreeMap<String, Role>,
    /// The claim that holds a name for people.
    pub name_claim: String,
    /// Whether the issuer may be reached in loopback and private networks, and without TLS.
    pub private_network: bool,
}

impl FromText for Role {
    const EXPECTED: &'static str = "\"viewer\", \"operator\" or \"admin\"";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is no role"))
    }
}

impl FromText for Url {
    const EXPECTED: &'static str = "an address such as \"https://example.org/path\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let url: Self = text.parse().map_err(|error| format!("{text:?} is no address ({error})"))?;
        match url.scheme() {
            "https" | "http" if url.has_host() && url.username().is_empty() && url.password().is_none() => {
                Ok(url)
            }
            _ => Err("is no http address of a host without user and password".to_owned()),
        }
    }
}

impl Auth {
    pub(super) fn read(section: Section<'_>) -> Self {
        let jwt = section.item("jwt").and_then(|item| item.section("a table"));
        let auth = Self { jwt: jwt.and_then(Jwt::read) };
        section.finish();
        auth
    }
}

impl Jwt {
    fn read(section: Section<'_>) -> Option<Self> {
        const ISSUER: &str = "the issuer's address, as its tokens have it in `iss`";
        // Everything is read before anything missing ends this, so that every problem shows.
        let issuer: Option<String> = section.required("issuer", ISSUER).and_then(|item| item.text());
        let audience = section.required("audience", "what tokens for this host have in `aud`");
        let audience: Option<String> = audience.and_then(|item| item.text());
        let jwks_url: Option<Url> = section.text("jwks_url");
        let role_claim = section.text::<String>("role_claim").unwrap_or_else(|| "role".to_owned());
        let name_claim = section.text("name_claim").unwrap_or_else(|| "name".to_owned());
        let roles = section.section("roles");
        let roles =
            roles.entries().into_iter().filter_map(|(name, item)| Some((name, item.text()?))).collect();
        let private_network = section.flag("private_network", false);
        let role_claim: Vec<String> = role_claim.split('.').map(str::to_owned).collect();
        if role_claim.iter().any(String::is_empty) {
            section.problem(
                "role_claim",
                "has an empty step; expected e.g. \"role\" or \"realm_access.roles\"".into(),
            );
        }
        if let (Some(text), None) = (&issuer, &jwks_url)
            && Url::from_text(text).is_err()
        {
            let why =
                "is no http address, so that its keys can't be found; expected one, or jwks_url beside it";
            section.problem("issuer", why.to_owned());
        }
        for (key, text) in [("issuer", issuer.as_deref()), ("jwks_url", jwks_url.as_ref().map(Url::as_str))] {
            if text.is_some_and(|text| text.starts_with("http:")) && !private_network {
                let why = "is not encrypted, and keys that somebody else put in let anybody in; expected https, or \
                           private_network = true";
                section.problem(key, why.to_owned());
            }
        }
        section.finish();
        Some(Self {
            issuer: issuer?,
            audience: audience?,
            jwks_url,
            role_claim,
            roles,
            name_claim,
            private_network,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Problems, reading};

    fn parse(text: &str) -> Result<Auth, Problems> {
        let (read, problems) =
            reading::document(Path::new("b.toml"), text, |root| Auth::read(root.section("auth")));
        Problems::unless_any(read, problems)
    }

    fn messages(text: &str) -> Vec<String> {
        parse(text).err().iter().flat_map(Problems::iter).map(ToString::to_string).collect()
    }

    #[test]
    fn an_issuer_is_read_whole_and_there_is_none_by_default() {
        assert_eq!(parse("").unwrap(), Auth::default());
        let read = parse(
            r#"
            [auth.jwt]
            issuer = "https://login.example.org/realms/grid"
            audience = "backfill"
            role_claim = "realm_access.roles"
            roles = { "grid-admins" = "admin", "grid-readers" = "viewer" }
            "#,
        );
        let jwt = Jwt {
            issuer: "https://login.example.org/realms/grid".to_owned(),
            audience: "backfill".to_owned(),
            jwks_url: None,
            role_claim: vec!["realm_access".to_owned(), "roles".to_owned()],
            roles: BTreeMap::from([
                ("grid-admins".to_owned(), Role::Admin),
                ("grid-readers".to_owned(), Role::Viewer),
            ]),
            name_claim: "name".to_owned(),
            private_network: false,
        };
        assert_eq!(read.unwrap(), Auth { jwt: Some(jwt) });
    }

    #[test]
    fn what_is_missing_or_unsafe_is_named() {
        let found = messages(
            "[auth.jwt]\nissuer = \"grid\"\nroles = { a = \"root\" }\nrole_claim = \"a..b\"\nsecret = \"x\"\n",
        );
        let expected = [
            "b.toml:1:1: auth.jwt.audience: is missing; expected what tokens for this host have in `aud`",
            "b.toml:2:10: auth.jwt.issuer: is no http address, so that its keys can't be found; expected one, or jwks_url beside it",
            "b.toml:3:15: auth.jwt.roles.a: \"root\" is no role; expected \"viewer\", \"operator\" or \"admin\"",
            "b.toml:4:14: auth.jwt.role_claim: has an empty step; expected e.g. \"role\" or \"realm_access.roles\"",
            "b.toml:5:1: auth.jwt.secret: unknown key; expected one of audience, issuer, jwks_url, name_claim, private_network, role_claim, roles",
        ];
        assert_eq!(found, expected);
        let found = messages(
            "[auth.jwt]\nissuer = \"x\"\naudience = \"b\"\njwks_url = \"http://keys.example.org/\"\n",
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("b.toml:4:12: auth.jwt.jwks_url: is not encrypted"), "{found:?}");
    }
}
