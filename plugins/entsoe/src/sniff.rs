//! What kind of thing a body is, judged by how it begins and not by its headers: the platform sends
//! acknowledgements with any status, HTML with status 200, and zips under several content types.

use memchr::memmem;

/// The kind of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Nothing but white space.
    Nothing,
    Zip,
    Json,
    Html,
    /// XML; the root element's name without its prefix, and where its start tag begins.
    Xml {
        root: &'a str,
        at: usize,
    },
    /// XML with a document type declaration: refused, since it may define entities.
    Doctype,
    Unknown,
}

/// Judges a body.
pub fn kind(body: &[u8]) -> Kind<'_> {
    if body.starts_with(b"PK\x03\x04") || body.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    let mut at = if body.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    loop {
        let rest = body.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|c| c.is_ascii_whitespace()).count();
        let rest = rest.trim_ascii_start();
        let skipped = match rest {
            [] => return Kind::Nothing,
            [b'{' | b'[', ..] => return Kind::Json,
            _ if rest.starts_with(b"<?") => after(rest, b"?>"),
            _ if rest.starts_with(b"<!--") => after(rest, b"-->"),
            _ if starts_with_ignoring_case(rest, b"<!doctype") => {
                let name = rest.get(9..).unwrap_or_default().trim_ascii_start();
                return if starts_with_ignoring_case(name, b"html") { Kind::Html } else { Kind::Doctype };
            }
            [b'<', tag @ ..] => return root(tag, at),
            _ => return Kind::Unknown,
        };
        match skipped {
            Some(length) => at += length,
            None => return Kind::Unknown,
        }
    }
}

fn root(tag: &[u8], at: usize) -> Kind<'_> {
    let end = tag.iter().position(|c| c.is_ascii_whitespace() || matches!(c, b'>' | b'/'));
    let name = end.and_then(|end| tag.get(..end)).and_then(|name| std::str::from_utf8(name).ok());
    match name.map(|name| name.rsplit(':').next().unwrap_or(name)) {
        None | Some("") => Kind::Unknown,
        Some(name) if name.eq_ignore_ascii_case("html") => Kind::Html,
        Some(root) => Kind::Xml { root, at },
    }
}

fn after(text: &[u8], end: &[u8]) -> Option<usize> {
    memmem::find(text, end).map(|at| at + end.len())
}

fn starts_with_ignoring_case(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|text| text.eq_ignore_ascii_case(start))
}

/// The beginning of a body on one line, for messages.
pub fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..300).unwrap_or(body));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_told_apart_by_how_they_begin() {
        for (body, expected) in [
            (&b""[..], Kind::Nothing),
            (b" \r\n", Kind::Nothing),
            (b"PK\x03\x04rest", Kind::Zip),
            (b"{\"uuAppErrorMap\":{}}", Kind::Json),
            (b"<!DOCTYPE html><html>", Kind::Html),
            (b"<HTML><head>", Kind::Html),
            (b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a/>", Kind::Doctype),
            (b"404 page not found", Kind::Unknown),
            (b"<?xml version=\"1.0\"", Kind::Unknown),
            (b"<", Kind::Unknown),
            (b"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- a --><x:A b='c'>", Kind::Xml { root: "A", at: 35 }),
            (b"<A/>", Kind::Xml { root: "A", at: 0 }),
        ] {
            assert_eq!(kind(body), expected, "{}", String::from_utf8_lossy(body));
        }
    }
}
