//! JSON Web Tokens of an issuer on loopback, with keys that are made here.

use std::sync::{Arc, Mutex};

use backfill::clock;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use serde_json::{Value, json};

use crate::{
    Client, World,
    support::{Upstream, text},
};

/// A key pair and its name.
struct Pair {
    name: &'static str,
    algorithm: Algorithm,
    secret: EncodingKey,
}

impl Pair {
    fn ed25519(name: &'static str) -> Self {
        // PKCS #8 of a private key of Ed25519, which is any 32 bytes.
        let head = hex::decode("302e020100300506032b657004220420").unwrap();
        let der = [head, rand::random::<[u8; 32]>().to_vec()].concat();
        Self { name, algorithm: Algorithm::EdDSA, secret: EncodingKey::from_ed_der(&der) }
    }

    fn p256(name: &'static str) -> Self {
        // PKCS #8 of a private key of P-256: all but one in four billion of 32 bytes are one.
        let head = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
        let der = [hex::decode(head).unwrap(), rand::random::<[u8; 32]>().to_vec()].concat();
        Self { name, algorithm: Algorithm::ES256, secret: EncodingKey::from_ec_der(&der) }
    }

    fn public(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.secret, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.name.to_owned());
        jwk
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.name.to_owned()), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.secret).unwrap()
    }
}

/// An issuer that shows these keys.
struct Issuer {
    server: Upstream,
    shown: Arc<Mutex<Option<Vec<Jwk>>>>,
}

impl Issuer {
    async fn start(keys: Vec<Jwk>) -> Self {
        let shown = Arc::new(Mutex::new(Some(keys)));
        let state = Arc::clone(&shown);
        let server = Upstream::start(move |asked| {
            let base = format!("http://{}", asked.headers["host"]);
            let answer = match (asked.path.as_str(), &*state.lock().unwrap()) {
                (_, None) => return text(500, "away"),
                ("/realm/.well-known/openid-configuration", _) => {
                    json!({ "jwks_uri": format!("{base}/keys") })
                }
                ("/keys", Some(keys)) => {
                    // Keys of kinds that the host does not know, and one that signer and checker share.
                    let odd =
                        [json!({ "kty": "new" }), json!({ "kty": "oct", "kid": "shared", "k": "c2VjcmV0" })];
                    let keys = odd.into_iter().chain(keys.iter().map(|key| json!(key)));
                    json!({ "keys": keys.collect::<Vec<_>>() })
                }
                _ => return text(404, ""),
            };
            text(200, answer.to_string())
        })
        .await;
        Self { server, shown }
    }

    fn name(&self) -> String {
        format!("{}/realm", self.server.url())
    }

    fn config(&self, more: &str) -> String {
        let issuer = self.name();
        format!("[auth.jwt]\nissuer = {issuer:?}\naudience = \"backfill\"\nprivate_network = true\n{more}\n")
    }

    fn show(&self, keys: Option<Vec<Jwk>>) {
        *self.shown.lock().unwrap() = keys;
    }

    fn asked_for_keys(&self) -> usize {
        self.server.asked().iter().filter(|asked| asked.path == "/keys").count()
    }

    /// Good claims of an operator called Anna, with these changes; null takes a claim away.
    fn claims(&self, changes: Value) -> Value {
        let now = clock::now().timestamp();
        let mut claims = json!({
            "iss": self.name(), "aud": ["other", "backfill"], "sub": "u-1", "name": "Anna", "role": "operator",
            "iat": now, "nbf": now, "exp": now + 300,
        });
        let all = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                all.remove(name)
            } else {
                all.insert(name.clone(), value.clone())
            };
        }
        claims
    }
}

impl World {
    fn bearer(&self, token: &str) -> Client {
        Client::new(&self.base, Some(token))
    }
}

#[tokio::test]
async fn a_token_of_the_issuer_lets_in_and_makes_its_user() {
    let (ed, ec) = (Pair::ed25519("ed"), Pair::p256("ec"));
    let issuer = Issuer::start(vec![ed.public(), ec.public()]).await;
    for server in [None, crate::postgres::database().await] {
        let world = World::on(server.as_ref(), &issuer.config("")).await;
        let anna = world.bearer(&ed.sign(&issuer.claims(json!({ "email": "anna@example.org" }))));
        let me = anna.get("/users/me").await.expect(200).json;
        assert_eq!((&me["name"], &me["role"]), (&json!("Anna"), &json!("operator")), "{me}");
        // The same subject is the same user, whatever it is called and whichever key signs.
        let again = world.bearer(&ec.sign(&issuer.claims(json!({ "name": "Anna B.", "role": "viewer" }))));
        let seen = again.get("/users/me").await.expect(200).json;
        assert_eq!((&seen["id"], &seen["role"]), (&me["id"], &json!("viewer")), "{seen}");
        let other = world.bearer(&ed.sign(&issuer.claims(json!({ "sub": "u-2" }))));
        let seen = other.get("/users/me").await.expect(200).json;
        assert_ne!(seen["id"], me["id"], "{seen}");
        other.get("/users").await.problem(403, "forbidden");
        // Each user that was made, or may do something else than before, is in the audit log.
        let admin = world.admin().await;
        let target = format!("/api/v1/users/{}", me["id"]);
        let audit = admin.get(&format!("/audit?target={target}")).await.expect(200).json;
        let said = |deed: &Value| (deed["action"].clone(), deed["detail"]["role"].clone());
        assert_eq!(
            audit.as_array().unwrap().iter().map(said).collect::<Vec<_>>(),
            [
                (json!("change of a user's role"), json!("viewer")),
                (json!("making of a user"), json!("operator")),
            ],
            "{audit:#}"
        );
        assert_eq!(audit[0]["actor"], format!("the issuer {}", issuer.name()));
        // Tokens of the host's own stay good beside it.
        world.admin().await.get("/users").await.expect(200);
    }
}

#[tokio::test]
async fn what_whom_an_issuer_names_makes_lets_in_for_a_month_at_most() {
    let key = Pair::ed25519("own");
    let issuer = Issuer::start(vec![key.public()]).await;
    let world = World::on(None, &issuer.config("")).await;
    let anna = world.bearer(&key.sign(&issuer.claims(json!({ "role": "admin" }))));
    let me = anna.get("/users/me").await.expect(200).json["id"].clone();
    let admin = world.admin().await;
    let own = admin.get("/users/me").await.expect(200).json["id"].clone();
    // By such a user, for anybody; and by anybody for such a user.
    for (maker, user) in [(&anna, &me), (&anna, &own), (&admin, &me)] {
        let asked = |days: u32| json!({ "name": "x", "user_id": user, "expires_in_days": days });
        let refused = maker.post("/tokens", &asked(31)).await.problem(422, "invalid-body");
        assert!(refused.json["detail"].as_str().unwrap().contains("issuer"), "{}", refused.text);
        maker.post("/tokens", &asked(30)).await.expect(201);
    }
    let made = anna.post("/tokens", &json!({ "name": "x" })).await.expect(201).json;
    let end: chrono::DateTime<chrono::Utc> = made["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(end <= clock::now() + chrono::TimeDelta::days(30), "{made}");
    // What that makes ends with it.
    let script = world.bearer(made["token"].as_str().unwrap());
    let longer = json!({ "name": "y", "user_id": own, "expires_in_days": 31 });
    script.post("/tokens", &longer).await.problem(422, "invalid-body");
}

#[tokio::test]
async fn a_token_that_is_not_good_in_every_respect_lets_nobody_in() {
    let (own, foreign) = (Pair::ed25519("own"), Pair::ed25519("own"));
    let issuer = Issuer::start(vec![own.public()]).await;
    let world = World::on(None, &issuer.config("")).await;
    let now = clock::now().timestamp();
    let good = own.sign(&issuer.claims(json!({})));
    world.bearer(&good).get("/users/me").await.expect(200);
    let within_leeway = own.sign(&issuer.claims(json!({ "exp": now - 20, "nbf": now - 300 })));
    world.bearer(&within_leeway).get("/users/me").await.expect(200);

    let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    // What the public key is, anybody knows: it must not pass for a shared secret.
    let public = json!(own.public());
    let x = URL_SAFE_NO_PAD.decode(public["x"].as_str().unwrap()).unwrap();
    let shared = |name: &str, secret: &[u8]| {
        let header = Header { kid: Some(name.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &issuer.claims(json!({})), &EncodingKey::from_secret(secret)).unwrap()
    };
    let admin = part(issuer.claims(json!({ "role": "admin" })));
    let bad = [
        ("expired", own.sign(&issuer.claims(json!({ "exp": now - 3600 })))),
        ("not yet", own.sign(&issuer.claims(json!({ "nbf": now + 3600 })))),
        ("for ever", own.sign(&issuer.claims(json!({ "exp": null })))),
        ("for others", own.sign(&issuer.claims(json!({ "aud": "other" })))),
        ("for nobody", own.sign(&issuer.claims(json!({ "aud": null })))),
        ("of others", own.sign(&issuer.claims(json!({ "iss": "https://login.example.org" })))),
        ("of nobody", own.sign(&issuer.claims(json!({ "iss": null })))),
        ("about nobody", own.sign(&issuer.claims(json!({ "sub": null })))),
        ("about what can't be kept", own.sign(&issuer.claims(json!({ "sub": "a\u{0}b" })))),
        ("signed by another", foreign.sign(&issuer.claims(json!({})))),
        ("changed", format!("{head}.{admin}.{signature}")),
        ("unsigned", format!("{}.{body}.", part(json!({ "alg": "none", "kid": "own" })))),
        ("signed with the public key", shared("own", &x)),
        ("signed with a shared key", shared("shared", b"secret")),
        ("no token", "a.b.c".to_owned()),
    ];
    for (what, token) in bad {
        let answer = world.bearer(&token).get("/users/me").await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        assert_eq!(answer.json["detail"], "the token is unknown, expired or revoked", "{what}");
    }
}

#[tokio::test]
async fn a_new_key_is_asked_for_once_a_minute_and_an_issuer_that_is_away_matters_for_new_keys_alone() {
    let (old, new, forged) = (Pair::ed25519("old"), Pair::ed25519("new"), Pair::ed25519("forged"));
    let issuer = Issuer::start(vec![old.public()]).await;
    let world = World::on(None, &issuer.config("")).await;
    let status = async |pair: &Pair| {
        let client = world.bearer(&pair.sign(&issuer.claims(json!({}))));
        client.get("/users/me").await.status
    };
    issuer.show(None);
    assert_eq!(status(&old).await, 503);
    issuer.show(Some(vec![old.public()]));
    // Who did not answer is asked again after five seconds.
    let begun = std::time::Instant::now();
    while status(&old).await == 503 {
        assert!(begun.elapsed().as_secs() < 120);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await; // waits for the host to ask again
    }
    assert_eq!(status(&old).await, 200);
    issuer.show(None);
    assert_eq!((status(&old).await, status(&new).await), (200, 503));
    issuer.show(Some(vec![new.public()]));
    let begun = std::time::Instant::now();
    while status(&new).await == 503 {
        assert!(begun.elapsed().as_secs() < 120);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await; // waits for the host to ask again
    }
    assert_eq!(status(&new).await, 200);
    let asked = issuer.asked_for_keys();
    // The old key is not shown any more, and naming keys that are not there makes nobody ask again.
    for pair in [&old, &forged, &forged] {
        assert_eq!(status(pair).await, 401);
    }
    assert_eq!(issuer.asked_for_keys(), asked);
}

#[tokio::test]
async fn roles_are_mapped_and_who_has_none_or_is_disabled_stays_out() {
    let key = Pair::ed25519("own");
    let issuer = Issuer::start(vec![key.public()]).await;
    let more = "jwks_url = \"URL/keys\"\nrole_claim = \"realm_access.roles\"\nname_claim = \"login\"\n\
                roles = { grid-admins = \"admin\", grid-readers = \"viewer\" }"
        .replace("URL", &issuer.server.url());
    let world = World::on(None, &issuer.config(&more)).await;
    let of = |roles: Value| {
        let claims = json!({ "sub": "u-7", "login": "gus", "realm_access": { "roles": roles } });
        world.bearer(&key.sign(&issuer.claims(claims)))
    };
    for (roles, role) in [
        (json!(["offline", "grid-readers", "grid-admins"]), "admin"),
        (json!(["grid-readers", 7]), "viewer"),
        (json!("grid-readers"), "viewer"),
    ] {
        let me = of(roles).get("/users/me").await.expect(200).json;
        assert_eq!((&me["name"], &me["role"]), (&json!("gus"), &json!(role)), "{me}");
    }
    // Ours are names of others here.
    for roles in [json!(["admin"]), json!([]), json!({ "grid-admins": true }), Value::Null] {
        let answer = of(roles).get("/users/me").await.problem(403, "forbidden");
        assert!(!answer.text.contains("realm_access"), "{}", answer.text);
    }
    world.bearer(&key.sign(&issuer.claims(json!({})))).get("/users/me").await.problem(403, "forbidden");

    let gus = of(json!("grid-readers"));
    let id = gus.get("/users/me").await.expect(200).json["id"].clone();
    let admin = world.admin().await;
    admin.patch(&format!("/users/{id}"), &json!({ "disabled": true })).await.expect(200);
    gus.get("/users/me").await.problem(401, "unauthenticated");
}
