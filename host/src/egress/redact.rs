//! Cuts a secret from whatever an upstream sends back, in every spelling that an echo is likely to have.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::credential::{Credential, MIN_SECRET};

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// What `encodeURIComponent` leaves as it is, besides letters and digits.
const COMPONENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'!').remove(b'~').remove(b'*');
/// What URL parsers encode in queries, and in paths.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
const PATH: &AsciiSet = &QUERY.add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');

/// Finds a source's secret: plain, percent-encoded, form-encoded, JSON-escaped, XML-escaped and in Base64 (also
/// inside a longer text that was encoded). Case is ignored, which covers `%2F` and `%2f`.
#[derive(Clone)]
pub(super) struct Redactor {
    search: Option<AhoCorasick>,
}

impl Redactor {
    /// A redactor for a source's credential; without one it changes nothing.
    pub(super) fn new(credential: Option<&Credential>) -> Result<Self, String> {
        // Cutting `1` or `key` from a document would quietly change its data.
        let secret = credential.map(Credential::secret).filter(|secret| secret.len() >= MIN_SECRET);
        let Some(secret) = secret else { return Ok(Self { search: None }) };
        let mut needles = spellings(secret);
        // In `Bearer abc…` the part after the scheme is the secret, and may come back alone.
        if let Some((_, rest)) = secret.split_once(' ').filter(|(_, rest)| rest.len() >= MIN_SECRET) {
            needles.extend(spellings(rest));
        }
        let search = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(needles)
            .map_err(|_| "the secret is too long to search for".to_owned())?;
        Ok(Self { search: Some(search) })
    }

    /// The text without the secret.
    pub(super) fn text(&self, text: &str) -> String {
        let Some(search) = &self.search else { return text.to_owned() };
        let mut clean = String::with_capacity(text.len());
        search.replace_all_with(text, &mut clean, |_, _, clean| {
            clean.push_str(REDACTED);
            true
        });
        clean
    }

    /// Whether the secret is in the text.
    pub(super) fn finds(&self, text: &str) -> bool {
        self.search.as_ref().is_some_and(|search| search.is_match(text))
    }

    /// A redactor of one body that arrives in chunks.
    pub(super) fn stream(&self) -> RedactStream<'_> {
        RedactStream { search: self.search.as_ref(), held: Vec::new() }
    }
}

/// Redacts a byte stream: what comes out in all is what redacting the whole at once would give.
pub(super) struct RedactStream<'a> {
    search: Option<&'a AhoCorasick>,
    /// The end of what came in, as far as a secret may have begun there.
    held: Vec<u8>,
}

impl RedactStream<'_> {
    /// Takes the next chunk and appends to `out` what is known to be clean.
    pub(super) fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let Some(search) = self.search else { return out.extend_from_slice(chunk) };
        self.held.extend_from_slice(chunk);
        // A spelling that begins before `sure` lies wholly in what is held, and so does any longer one there.
        let sure = (self.held.len() + 1).saturating_sub(search.max_pattern_len());
        self.release(search, sure, out);
    }

    /// Appends the rest.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        if let Some(search) = self.search {
            let all = self.held.len();
            self.release(search, all, out);
        }
    }

    fn release(&mut self, search: &AhoCorasick, sure: usize, out: &mut Vec<u8>) {
        let mut done = 0;
        for found in search.find_iter(&self.held) {
            if found.start() >= sure {
                break;
            }
            out.extend(self.held.get(done..found.start()).unwrap_or_default());
            out.extend_from_slice(REDACTED.as_bytes());
            done = found.end();
        }
        out.extend(self.held.get(done..sure).unwrap_or_default());
        self.held.drain(..done.max(sure));
    }
}

fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let escape = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    let ascii_json = json.chars().map(escape).collect();
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut all = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(secret, COMPONENT).to_string(),
        utf8_percent_encode(secret, QUERY).to_string(),
        utf8_percent_encode(secret, PATH).to_string(),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        json.replace('/', "\\/"),
        ascii_json,
        json,
        xml.replace('"', "&quot;").replace('\'', "&#39;"),
        xml.replace('"', "&quot;").replace('\'', "&apos;"),
        xml,
    ];
    for alphabet in [&STANDARD, &URL_SAFE] {
        all.extend(base64_anywhere(secret, &GeneralPurpose::new(alphabet, NO_PAD)));
    }
    all.sort();
    all.dedup();
    all
}

/// What Base64 makes of the secret at each of the three places in a group of three bytes that it may begin at,
/// without the characters at the edges that depend on its neighbours. Cores that would be shorter than any
/// secret are left out: they would match by chance.
fn base64_anywhere(secret: &str, engine: &GeneralPurpose) -> Vec<String> {
    (0..3)
        .filter_map(|offset| {
            let padded = [&b"   "[..offset], secret.as_bytes()].concat();
            let encoded = engine.encode(&padded);
            let first = (offset * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            encoded.get(first..last).filter(|core| core.len() >= MIN_SECRET).map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Credential, REDACTED, Redactor};
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    const SECRET: &str = "s3/cr+t \"k&y\" ünd <7>";

    fn redactor(secret: &str) -> Redactor {
        Redactor::new(Some(&Credential::query("key", secret).unwrap())).unwrap()
    }

    fn streamed(redactor: &Redactor, chunks: &[&[u8]]) -> Vec<u8> {
        let (mut stream, mut out) = (redactor.stream(), Vec::new());
        for chunk in chunks {
            stream.push(chunk, &mut out);
        }
        stream.finish(&mut out);
        out
    }

    #[test]
    fn every_likely_spelling_of_an_echo_is_cut() {
        let redactor = redactor(SECRET);
        let url = url::Url::parse_with_params("https://a.org/", [("key", SECRET)]).unwrap();
        let upper = "s3%2Fcr%2Bt%20%22k%26y%22%20%C3%BCnd%20%3C7%3E";
        for echo in [
            SECRET.to_owned(),
            url.query().unwrap().to_owned(),
            upper.to_owned(),
            upper.to_lowercase(),
            serde_json::json!({ "api_key": SECRET }).to_string(),
            serde_json::json!({ "api_key": SECRET }).to_string().replace('/', "\\/"),
            serde_json::json!({ "api_key": SECRET }).to_string().replace('ü', "\\u00fc"),
            "<key>s3/cr+t &quot;k&amp;y&quot; ünd &lt;7&gt;</key>".to_owned(),
            "<key>s3/cr+t \"k&amp;y\" ünd &lt;7&gt;</key>".to_owned(),
            STANDARD.encode(SECRET),
            URL_SAFE_NO_PAD.encode(SECRET),
            STANDARD.encode(format!("u:{SECRET}")),
            STANDARD.encode(format!("user:{SECRET}:more")),
        ] {
            let cut = redactor.text(&echo);
            assert!(cut.contains(REDACTED), "{echo} was left as {cut}");
            assert!(
                !cut.contains("cr") || echo.starts_with("<key>") && !cut.contains("cr+t"),
                "{echo}: {cut}"
            );
        }
    }

    #[test]
    fn the_token_of_a_bearer_header_is_cut_alone_too() {
        assert_eq!(redactor("Bearer abcdef123").text("token=abcdef123;"), "token=[redacted];");
    }

    #[test]
    fn nothing_is_changed_without_a_credential() {
        let none = Redactor::new(None).unwrap();
        assert_eq!(none.text("as it is"), "as it is");
        assert_eq!(streamed(&none, &[b"as ", b"it is"]), b"as it is");
    }

    proptest! {
        #[test]
        fn chunk_borders_make_no_difference(
            pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..12), 0..4_usize), 0..12),
            sizes in prop::collection::vec(1..9_usize, 1..60),
        ) {
            let (redactor, secret) = (redactor("abcabd-key"), b"abcabd-key");
            let mut whole = Vec::new();
            for (noise, kind) in &pieces {
                whole.extend_from_slice(noise);
                whole.extend_from_slice(match kind {
                    0 => secret,
                    // A beginning that is no secret, an overlap with one, and its Base64.
                    1 => b"abcab",
                    2 => b"abcabcabd-key",
                    _ => b"YWJjYWJkLWtleQ==",
                });
            }
            let (mut rest, mut chunks) = (&whole[..], Vec::new());
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break }
                let (chunk, later) = rest.split_at((*size).min(rest.len()));
                chunks.push(chunk);
                rest = later;
            }
            let cut = streamed(&redactor, &chunks);
            prop_assert_eq!(&cut, &streamed(&redactor, &[&whole]));
            prop_assert!(!cut.windows(secret.len()).any(|window| window.eq_ignore_ascii_case(secret)));
            prop_assert!(!cut.windows(12).any(|window| window == b"YWJjYWJkLWtl"));
        }
    }
}
