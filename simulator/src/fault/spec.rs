//! The one-line form of a fault, for command lines.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::Fault;

/// What `--fault` takes.
pub const SPEC_HELP: &str = "\
Faults are written kind=KIND,KEY=VALUE,…  A comma inside a value is written \\,

Which requests (all keys are optional):
  api=entsoe|elexon|eia|taipower   only this upstream
  path=TEXT      only paths that contain TEXT
  match=TEXT     only requests whose decoded path?query contains TEXT
  every=K        only every K-th of those
  times=N        only the first N of those

Kinds that break the answer:
  status,status=503[,retry-after=30][,body=TEXT]
  latency,milliseconds=2000
  cut-before-head                  the connection closes without an answer
  cut-mid-body[,after=BYTES]       the connection closes amid the body
  truncated-body[,after=BYTES]     the body ends early, as if whole
  garbage-body, endless-body, empty-body

Kinds that change what the upstream says:
  late,days=5                      everything is published later
  revised[,share=0.2,factor=0.98]  a share of the values is corrected
  empty-answer                     nothing found, in the upstream's own words
  acknowledgement,text=TEXT        ENTSO-E refuses with this reason
  instance-limit,allowed=100       ENTSO-E refuses more time series than that
  zip                              ENTSO-E packs the document
  unstable-order                   EIA shuffles what the sort leaves open
  damaged-cell                     Taipower's monthly file has a damaged number
  bad-snapshot,mode=thousandfold|all-one|no-contact|html

Examples:
  --fault kind=status,status=503,times=2,api=entsoe,match=20240105
  --fault kind=latency,milliseconds=500,every=10

While it runs: PUT a JSON list of the same keys to /_admin/faults; GET and DELETE work there too,
as they do on /_admin/log. New faults end the latencies that are being waited for. /_admin/health
answers when the simulator is up.";

const NUMBERS: &[&str] =
    &["every", "times", "status", "milliseconds", "after", "days", "share", "factor", "allowed"];

impl FromStr for Fault {
    type Err = String;

    /// Reads `kind=status,status=503,times=2`; the error says what is wrong with it.
    fn from_str(spec: &str) -> Result<Fault, String> {
        let mut keys = Map::new();
        for pair in split(spec) {
            let (key, text) = pair
                .split_once('=')
                .ok_or_else(|| format!("`{pair}` is not KEY=VALUE; write kind=KIND,KEY=VALUE,…"))?;
            let value = if NUMBERS.contains(&key) {
                serde_json::from_str(text)
                    .ok()
                    .filter(Value::is_number)
                    .ok_or_else(|| format!("`{key}` takes a number, not `{text}`"))?
            } else {
                Value::from(text)
            };
            if keys.insert(key.to_owned(), value).is_some() {
                return Err(format!("`{key}` is given twice"));
            }
        }
        serde_json::from_value(Value::Object(keys)).map_err(|error| error.to_string())
    }
}

fn split(spec: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = spec.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, letters.peek()) {
            ('\\', Some(',')) => {
                letters.next();
                parts.last_mut().into_iter().for_each(|part| part.push(','));
            }
            (',', _) => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(letter)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::{Api, FaultKind};
    use super::*;

    #[test]
    fn a_line_says_the_same_as_json() {
        let fault: Fault =
            "api=entsoe,kind=status,status=503,times=2,path=/api,match=20240105".parse().unwrap();
        let json =
            r#"{"api":"entsoe","kind":"status","status":503,"times":2,"path":"/api","match":"20240105"}"#;
        assert_eq!(fault, serde_json::from_str(json).unwrap());
        assert_eq!(fault.api, Some(Api::Entsoe));
        assert_eq!(fault.kind, FaultKind::Status { status: 503, retry_after: None, body: None });
    }

    #[test]
    fn a_text_may_hold_a_comma() {
        let fault: Fault = r"kind=acknowledgement,text=too much\, really".parse().unwrap();
        assert_eq!(fault.kind, FaultKind::Acknowledgement { text: "too much, really".into() });
    }

    #[test]
    fn mistakes_are_named() {
        for (spec, part) in [
            ("kind=status", "status"),
            ("kind=nonsense", "nonsense"),
            ("kind=zip,color=red", "color"),
            ("kind=latency,milliseconds=soon", "soon"),
            ("zip", "KEY=VALUE"),
            ("kind=zip,api=nordpool", "nordpool"),
        ] {
            let error = spec.parse::<Fault>().unwrap_err();
            assert!(error.contains(part), "{spec}: {error}");
        }
    }
}
