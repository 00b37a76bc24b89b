//! Who may do what.

use sha2::{Digest, Sha256};

use super::words::words;

words! {
    /// What somebody may do. Each may do what those before it may.
    Role, "role" {
        /// Look.
        Viewer = "viewer",
        /// Fill history: make jobs, and change one's own; keep wind farms, units and schedules.
        Operator = "operator",
        /// Everything: other people's jobs, users, tokens, webhooks.
        Admin = "admin",
    }
}

words! {
    /// What a secret is for.
    TokenKind, "kind of token" {
        /// A program sends it with every request.
        Token = "token",
        /// A browser's cookie holds it.
        Session = "session",
        /// It can be exchanged for a session, once.
        Login = "login",
    }
}

/// A secret that lets somebody in, as it is shown once. Only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(String);

impl TokenText {
    /// How each begins, so that scanners of repositories and logs find it.
    pub const PREFIX: &'static str = "bft_";

    /// A new one, of 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(format!("{}{}", Self::PREFIX, hex::encode(random)))
    }

    /// One that somebody sent, or none if it can't be one.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = text.strip_prefix(Self::PREFIX)?;
        let well_formed =
            secret.len() == 64 && secret.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text, to be shown to its owner.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it. The secret is random, so that no salt and no slow hash is needed.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for TokenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenText(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_may_do_what_those_before_it_may() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    }

    #[test]
    fn a_token_is_read_as_it_was_shown_and_is_never_printed_by_accident() {
        let token = TokenText::new([7; 32]);
        let read = TokenText::parse(token.expose()).unwrap();
        assert_eq!(read.hash(), token.hash());
        assert_ne!(TokenText::new([8; 32]).hash(), token.hash());
        assert_eq!(format!("{token:?}"), "TokenText(…)");
    }

    #[test]
    fn what_is_no_token_is_not_looked_up() {
        let good = TokenText::new([7; 32]);
        let upper = good.expose().replace("07", "0A");
        for text in ["", "bft_", "x", &upper, &good.expose()[1..], &format!("{}0", good.expose())] {
            assert_eq!(TokenText::parse(text), None, "{text}");
        }
    }
}
