//! What a source is called in the configuration, the registry, the store and the logs.

use std::fmt;

use super::reading::FromText;

/// `[a-z][a-z0-9-]*`, at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(String);

impl SourceId {
    /// Reads an id. The error says what was expected instead.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::from_text(text).map_err(|why| format!("{why}; expected {}", Self::EXPECTED))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromText for SourceId {
    const EXPECTED: &'static str = "a lower-case letter followed by lower-case letters, digits and \
         hyphens, at most 64 in all, such as \"entsoe\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if starts && text.len() <= 64 && text.bytes().all(inside) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is not an id"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_and_starts_with_a_letter() {
        for text in ["a", "eia", "eia-2", "x-"] {
            assert!(SourceId::from_text(text).is_ok(), "{text}");
        }
        for text in ["", "Eia", "2eia", "-eia", "e_ia", "é", "e ia", &"e".repeat(65)] {
            assert!(SourceId::from_text(text).is_err(), "{text}");
        }
    }
}
