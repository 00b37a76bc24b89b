//! The issuer's public keys: asked for again after an hour, and when a token names one that is not among them. A key that
//! the issuer has taken back is good for [`GOOD`] at most.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::{config, egress::Documents};

/// Keys that are older are asked for again, in the background.
const FRESH: Duration = Duration::from_secs(3600);

/// Keys that are older are good no more, even if the issuer is away: it may have taken one back.
const GOOD: Duration = Duration::from_secs(4 * 3600);

/// A key that is unknown makes the issuer be asked at most so often: anybody can name one.
const PAUSE: Duration = Duration::from_secs(60);

/// After it did not answer, it is asked again soon.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Where an issuer's discovery document is, below its address.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// A public key, and what it may have signed with.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) key: DecodingKey,
    pub(super) algorithms: Vec<Algorithm>,
}

/// Why there is no key.
pub(super) enum Unfound {
    /// The issuer has none of that name.
    Unknown,
    /// The issuer does not answer.
    Away(String),
}

pub(super) struct Keys {
    documents: Documents,
    place: Place,
    known: RwLock<Known>,
    asking: Mutex<Asked>,
}

enum Place {
    Keys(Url),
    Discovery(Url),
}

#[derive(Default)]
struct Known {
    keys: HashMap<String, Key>,
    since: Option<Instant>,
}

/// When the issuer was last asked in vain.
#[derive(Default)]
struct Asked {
    for_unknown: Option<Instant>,
    failed: Option<(Instant, String)>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) fn new(documents: Documents, config: &config::Jwt) -> anyhow::Result<Self> {
        let place = match &config.jwks_url {
            Some(url) => Place::Keys(url.clone()),
            None => {
                let url = format!("{}{DISCOVERY}", config.issuer.trim_end_matches('/'));
                Place::Discovery(url.parse().with_context(|| format!("[auth.jwt] issuer: {url}"))?)
            }
        };
        Ok(Self { documents, place, known: RwLock::default(), asking: Mutex::default() })
    }

    /// The key of a name; without a name the only one there is.
    pub(super) async fn find(self: &Arc<Self>, name: Option<&str>) -> Result<Key, Unfound> {
        if let Some((key, fresh)) = self.look_up(name, Instant::now()) {
            if !fresh {
                self.refresh();
            }
            return Ok(key);
        }
        let mut asking = self.asking.lock().await;
        // Who waited for somebody else's asking may know by now.
        if let Some((key, _)) = self.look_up(name, Instant::now()) {
            return Ok(key);
        }
        let had_keys = self.known().since.is_some_and(|since| since.elapsed() < GOOD);
        if asking.for_unknown.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(Unfound::Unknown);
        }
        self.ask(&mut asking).await.map_err(Unfound::Away)?;
        // The first asking is for all keys; only those after it are somebody's doing.
        asking.for_unknown = had_keys.then(Instant::now);
        self.look_up(name, Instant::now()).map(|(key, _)| key).ok_or(Unfound::Unknown)
    }

    /// Asks in the background; nobody waits, since the keys that are known are good meanwhile.
    fn refresh(self: &Arc<Self>) {
        let own = Arc::clone(self);
        tokio::spawn(async move {
            // One asking at a time is enough.
            let Ok(mut asking) = own.asking.try_lock() else { return };
            if let Err(why) = own.ask(&mut asking).await {
                tracing::debug!("the issuer's keys can't be renewed: {why}");
            }
        });
    }

    async fn ask(&self, asking: &mut Asked) -> Result<(), String> {
        if let Some((at, why)) = &asking.failed
            && at.elapsed() < PAUSE_AFTER_FAILURE
        {
            return Err(why.clone());
        }
        match self.fetch().await {
            Ok(keys) => {
                asking.failed = None;
                *self.known.write().unwrap_or_else(PoisonError::into_inner) =
                    Known { keys, since: Some(Instant::now()) };
                Ok(())
            }
            Err(why) => {
                asking.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Key>, String> {
        let url = match &self.place {
            Place::Keys(url) => url.clone(),
            Place::Discovery(url) => {
                let document: Discovery = self.document(url).await?;
                let found = document.jwks_uri.parse::<Url>().ok();
                // As the configuration does not lead to keys that somebody else could put in, neither does this.
                let found = found.filter(|found| found.scheme() == "https" || url.scheme() == "http");
                found.ok_or_else(|| format!("{url}: its `jwks_uri` is no https address"))?
            }
        };
        let set: KeySet = self.document(&url).await?;
        // Keys of a kind that is not known here are other programs' business.
        let keys: HashMap<_, _> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() { Err(format!("{url}: it shows no key that could be used")) } else { Ok(keys) }
    }

    async fn document<T: for<'de> Deserialize<'de>>(&self, url: &Url) -> Result<T, String> {
        let document = self.documents.get(url).await?;
        serde_json::from_slice(&document).map_err(|error| format!("{url}: {error}"))
    }

    /// A key that is known and good, and whether that is news enough.
    fn look_up(&self, name: Option<&str>, now: Instant) -> Option<(Key, bool)> {
        let known = self.known();
        let age = known.since.map(|since| now.duration_since(since)).filter(|age| *age < GOOD)?;
        let fresh = age < FRESH;
        let key = match name {
            Some(name) => known.keys.get(name),
            None => known.keys.values().next().filter(|_| known.keys.len() == 1),
        };
        key.map(|key| (key.clone(), fresh))
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that signatures are checked by, with its name. Secrets that signer and checker share are no such keys: whoever
/// could read them here could sign.
fn usable(value: Value) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return None;
    }
    let algorithms = match jwk.common.key_algorithm {
        Some(named) => vec![Algorithm::try_from(named).ok()?],
        None => by_kind(&jwk.algorithm)?,
    };
    let asymmetric = algorithms.iter().all(|algorithm| algorithm.family() != AlgorithmFamily::Hmac);
    let key = DecodingKey::from_jwk(&jwk)
        .ok()
        .filter(|key| asymmetric && key.family() == algorithms[0].family())?;
    Some((jwk.common.key_id.unwrap_or_default(), Key { key, algorithms }))
}

/// What a key of a kind signs with, where it does not say.
fn by_kind(parameters: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    match parameters {
        AlgorithmParameters::RSA(_) => Some(vec![Algorithm::RS256, Algorithm::RS384, Algorithm::RS512]),
        AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
            EllipticCurve::P256 => Some(vec![Algorithm::ES256]),
            EllipticCurve::P384 => Some(vec![Algorithm::ES384]),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Some(vec![Algorithm::EdDSA])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;

    use super::*;
    use crate::egress::SystemLookup;

    #[test]
    fn a_key_is_good_for_hours_and_not_for_ever_if_the_issuer_is_away() {
        let documents =
            Documents::new("the issuer", true, Duration::from_secs(1), Arc::new(SystemLookup)).unwrap();
        let place = Place::Keys("http://127.0.0.1:1/keys".parse().unwrap());
        // PKCS #8 of a private key of Ed25519, which is any 32 bytes.
        let head = hex::decode("302e020100300506032b657004220420").unwrap();
        let secret = EncodingKey::from_ed_der(&[head, vec![7; 32]].concat());
        let mut jwk = Jwk::from_encoding_key(&secret, Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some("own".to_owned());
        let keys = usable(serde_json::to_value(jwk).unwrap()).into_iter().collect();
        let now = Instant::now();
        let known = RwLock::new(Known { keys, since: Some(now) });
        let keys = Keys { documents, place, known, asking: Mutex::default() };
        let fresh = |age| keys.look_up(Some("own"), now + age).map(|(_, fresh)| fresh);
        assert_eq!(fresh(FRESH / 2), Some(true));
        assert_eq!(fresh(GOOD - FRESH), Some(false));
        assert_eq!(fresh(GOOD), None);
    }
}
