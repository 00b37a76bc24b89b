//! `[telemetry]`: where traces are sent.

use url::Url;

use super::reading::Section;

/// `[telemetry]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// The collector that takes traces (OTLP over HTTP); without it there are none.
    pub otlp_endpoint: Option<Url>,
    /// What the collector is to call this service.
    pub service_name: String,
    /// The part of traces that is sent, 0 to 1. Whoever calls with a trace of their own has decided already.
    pub sample_ratio: f64,
}

impl Telemetry {
    pub(super) fn read(section: Section<'_>) -> Self {
        const RATIO: &str = "a number from 0 to 1";
        let ratio = section.item("sample_ratio").and_then(|item| {
            let ratio = item.number(RATIO)?;
            match (0.0..=1.0).contains(&ratio) {
                true => Some(ratio),
                false => item.problem(format!("{ratio} is out of range; expected {RATIO}")),
            }
        });
        let telemetry = Self {
            otlp_endpoint: section.text("otlp_endpoint"),
            service_name: section.text("service_name").unwrap_or_else(|| "backfill".to_owned()),
            sample_ratio: ratio.unwrap_or(1.0),
        };
        section.finish();
        telemetry
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Problems, reading};

    fn parse(text: &str) -> Result<Telemetry, Problems> {
        let (read, problems) =
            reading::document(Path::new("b.toml"), text, |root| Telemetry::read(root.section("telemetry")));
        Problems::unless_any(read, problems)
    }

    #[test]
    fn nothing_is_sent_by_default() {
        let silent =
            Telemetry { otlp_endpoint: None, service_name: "backfill".to_owned(), sample_ratio: 1.0 };
        assert_eq!(parse("").unwrap(), silent);
        let read = parse(
            "[telemetry]\notlp_endpoint = \"http://collector:4318\"\nservice_name = \"b1\"\nsample_ratio = 0.1\n",
        );
        let expected = Telemetry {
            otlp_endpoint: "http://collector:4318".parse().ok(),
            service_name: "b1".to_owned(),
            sample_ratio: 0.1,
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = "[telemetry]\notlp_endpoint = \"collector:4318\"\nsample_ratio = 50\n";
        let found: Vec<_> =
            parse(text).err().iter().flat_map(Problems::iter).map(ToString::to_string).collect();
        let expected = [
            "b.toml:2:17: telemetry.otlp_endpoint: is no http address of a host without user and password; expected an address such as \"https://example.org/path\"",
            "b.toml:3:16: telemetry.sample_ratio: 50 is out of range; expected a number from 0 to 1",
        ];
        assert_eq!(found, expected);
    }
}
