//! Values written as text: durations and sizes; other modules add theirs.

use std::time::Duration;

use bytesize::ByteSize;

/// A value that people write as a string.
pub(crate) trait FromText: Sized {
    /// What is expected, with an example; ends every message about such a value.
    const EXPECTED: &'static str;

    /// Reads it. The error says what is wrong, without what is expected.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// A value that may be too small or too large.
pub(crate) trait Bounded: FromText + PartialOrd {
    /// As a person would write it.
    fn show(&self) -> String;
}

impl FromText for String {
    const EXPECTED: &'static str = "a string that is not blank";

    fn from_text(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() { Err("is blank".to_owned()) } else { Ok(text.to_owned()) }
    }
}

impl FromText for Duration {
    const EXPECTED: &'static str = "a duration such as \"90s\", \"10m\", \"12h\" or \"7d\"";

    fn from_text(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map_err(|error| format!("{text:?} is not a duration ({error})"))
    }
}

impl Bounded for Duration {
    fn show(&self) -> String {
        humantime::format_duration(*self).to_string()
    }
}

impl FromText for ByteSize {
    const EXPECTED: &'static str = "a size such as \"512KiB\", \"64MiB\" or \"2GiB\"";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not a size"))
    }
}

impl Bounded for ByteSize {
    fn show(&self) -> String {
        self.to_string()
    }
}
