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

    /// Whether a text holds what may be one.
    pub fn is_within(text: &str) -> bool {
        text.match_indices(Self::PREFIX)
            .any(|(at, _)| secret_length(&text[at + Self::PREFIX.len()..]) >= LONG)
    }

    /// A text without what may be one, or most of one, for what is kept.
    pub fn without(text: &str) -> String {
        let mut rest = text;
        let mut kept = String::with_capacity(text.len());
        while let Some(at) = rest.find(Self::PREFIX) {
            let (before, from) = rest.split_at(at + Self::PREFIX.len());
            let length = secret_length(from);
            kept += before;
            if length >= LONG {
                kept.push('…');
                rest = &from[length..];
            } else {
                rest = from;
            }
        }
        kept + rest
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

/// So much of a secret is too much to be kept; a name that begins like one has less.
const LONG: usize = 16;

/// How long the text goes on as a secret does.
fn secret_length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_hexdigit).count()
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
    fn a_text_is_kept_without_the_tokens_in_it() {
        let token = TokenText::new([7; 32]);
        let text = format!("/tokens/{0}/{1}x bft_cafe bft_", token.expose(), &token.expose()[..30]);
        assert!(TokenText::is_within(&text));
        assert_eq!(TokenText::without(&text), "/tokens/bft_…/bft_…x bft_cafe bft_");
        assert!(!TokenText::is_within("bft_cafe") && !TokenText::is_within(&token.expose()[4..]));
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
