//! How a webhook proves where it comes from: the symmetric scheme of Standard Webhooks 1.0
//! (<https://www.standardwebhooks.com>), for which receivers find libraries in most languages.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::config::Secret;

/// What a signing secret is to look like, for people.
const EXPECTED: &str = "expected whsec_ and 24 to 64 random bytes in base64, such as \
     `echo whsec_$(openssl rand -base64 32)` prints";

/// The key that a webhook and its receiver share.
pub(super) struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Reads `whsec_…`; the prefix may be missing.
    pub(super) fn parse(secret: &Secret) -> Result<Self, String> {
        let text = secret.expose();
        let key = STANDARD
            .decode(text.strip_prefix("whsec_").unwrap_or(text))
            .map_err(|_| format!("it is not base64; {EXPECTED}"))?;
        if !(24..=64).contains(&key.len()) {
            return Err(format!("it holds {} bytes; {EXPECTED}", key.len()));
        }
        Hmac::new_from_slice(&key).map(Self).map_err(|error| error.to_string())
    }

    /// The value of `webhook-signature`.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<SigningKey, String> {
        SigningKey::parse(&Secret::new(text.to_owned()))
    }

    #[test]
    fn a_signature_is_the_one_that_the_standards_own_libraries_make() {
        for secret in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let signature = key(secret).unwrap().sign(
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                br#"{"test": 2432232314}"#,
            );
            assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        }
    }

    #[test]
    fn a_secret_that_is_none_is_refused_without_repeating_it() {
        for (secret, why) in [
            ("correct-horse", "it is not base64"),
            ("whsec_c2hvcnQ=", "it holds 5 bytes"),
            ("whsec_", "it holds 0 bytes"),
        ] {
            let error = key(secret).err().unwrap();
            assert!(error.starts_with(why) && error.contains("openssl rand -base64 32"), "{error}");
            assert!(!error.contains("horse") && !error.contains("c2hvcnQ"), "{error}");
        }
    }
}
