//! Components that differ from a built one by a few bytes, without another build.

use backfill::source::sha256;

use crate::support::guest;

/// A component and its digest.
#[derive(Clone)]
pub(crate) struct Component {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
}

impl Component {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = sha256(&bytes);
        Self { bytes, digest }
    }

    /// `fifth` of the guests, version 0.1.0.
    pub(crate) fn first() -> Self {
        Self::new(std::fs::read(guest("fifth")).unwrap())
    }

    /// The same, which calls itself 0.2.0.
    pub(crate) fn second() -> Self {
        Self::first().with("Fifth0.1.0", "Fifth0.2.0")
    }

    /// The same, which calls itself 0.3.0 and asks the upstream's second address.
    pub(crate) fn third() -> Self {
        Self::first().with("Fifth0.1.0", "Fifth0.3.0").with("parks/", "pbrks/")
    }

    /// The same but for a text of the same length, wherever it stands.
    pub(crate) fn with(&self, old: &str, new: &str) -> Self {
        assert_eq!(old.len(), new.len());
        let mut bytes = self.bytes.clone();
        let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old.as_bytes())).collect();
        assert!(!places.is_empty(), "{old:?} is in there");
        for at in places {
            bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
        }
        Self::new(bytes)
    }

    /// The same with a custom section that says something to nobody.
    pub(crate) fn with_section(&self, text: &str) -> Self {
        let (name, mut bytes) = ("note", self.bytes.clone());
        let length = u8::try_from(1 + name.len() + text.len()).unwrap();
        assert!(length < 128, "one byte tells its length");
        bytes.extend([0, length, u8::try_from(name.len()).unwrap()]);
        bytes.extend(name.bytes().chain(text.bytes()));
        Self::new(bytes)
    }

    pub(crate) fn short(&self) -> &str {
        &self.digest[..12]
    }
}
