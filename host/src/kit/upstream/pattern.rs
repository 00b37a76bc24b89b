//! Patterns of paths and query values: text with named parts, `/parks/{code}/{month}.csv`.

use std::collections::BTreeMap;

/// A pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Part(String),
}

impl Pattern {
    /// Takes a pattern apart. The error is for people.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) =
                after.split_once('}').ok_or_else(|| format!("{text:?}: a `{{` without its `}}`"))?;
            let named = !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
            if !named {
                return Err(format!("{text:?}: {{{name}}} is no name of letters, digits and underscores"));
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            } else if matches!(pieces.last(), Some(Piece::Part(_))) {
                return Err(format!("{text:?}: two parts with nothing between them"));
            }
            pieces.push(Piece::Part(name.to_owned()));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The named parts of a text that fits as a whole. A part has at least one character; with `within`, none of that
    /// one.
    pub(super) fn matches(&self, text: &str, within: Option<char>) -> Option<BTreeMap<String, String>> {
        let mut parts = BTreeMap::new();
        fits(&self.0, text, within, &mut parts).then_some(parts)
    }
}

fn fits(pieces: &[Piece], text: &str, within: Option<char>, parts: &mut BTreeMap<String, String>) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(literal), rest @ ..] => {
            text.strip_prefix(literal.as_str()).is_some_and(|text| fits(rest, text, within, parts))
        }
        [Piece::Part(name), rest @ ..] => {
            for (at, char) in text.char_indices() {
                if Some(char) == within {
                    return false;
                }
                let (part, after) = text.split_at(at + char.len_utf8());
                if fits(rest, after, within, parts) {
                    parts.insert(name.clone(), part.to_owned());
                    return true;
                }
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(pattern: &str, text: &str) -> Option<Vec<(String, String)>> {
        Some(Pattern::parse(pattern).unwrap().matches(text, Some('/'))?.into_iter().collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn named_parts_are_taken_and_the_rest_must_fit() {
        assert_eq!(
            parts("/parks/{code}/{month}.csv", "/parks/a b/2024-02.csv"),
            pairs(&[("code", "a b"), ("month", "2024-02")])
        );
        assert_eq!(parts("/{a}-{b}", "/x-y-z"), pairs(&[("a", "x"), ("b", "y-z")]));
        assert_eq!(parts("/plain", "/plain"), pairs(&[]));
        for text in ["/parks//2024-02.csv", "/parks/a/b/2024-02.csv", "/parks/a/2024-02.json", ""] {
            assert_eq!(parts("/parks/{code}/{month}.csv", text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_the_reason() {
        for (pattern, why) in
            [("/{a", "without its"), ("/{}", "no name"), ("/{a b}", "no name"), ("/{a}{b}", "between")]
        {
            assert!(Pattern::parse(pattern).unwrap_err().contains(why), "{pattern}");
        }
    }
}
