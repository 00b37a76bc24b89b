//! Reads the `TimeSeries` that are wanted out of a generation document.
//!
//! A document by unit holds every unit of a control area, of which one is wanted. Where the markup is plain, only
//! the elements in which the wanted code occurs are tokenized; what is kept is still decided by the tokens. A
//! document that is not plain (comments, CDATA, processing instructions, character references, prefixes) is
//! tokenized whole, with the same result.

use std::borrow::Cow;
use std::io::BufRead as _;
use std::ops::Range;

use memchr::memmem;
use quick_xml::{Reader, events::Event};

use crate::timeseries::{Place, TimeSeries};
use crate::{markup, scan, sniff};

/// Past this many codes most series are wanted, and one pass over all tokens is cheaper than looking for each.
const MAX_CODES: usize = 4;

/// What is looked for in a document.
pub struct Wanted {
    subject: Subject,
    /// What occurs in every series that is wanted.
    codes: Vec<String>,
}

enum Subject {
    Unit(String),
    Types(Vec<&'static str>),
}

impl Wanted {
    /// The series of a generation unit.
    pub fn unit(eic: &str) -> Self {
        Self { subject: Subject::Unit(eic.to_owned()), codes: vec![eic.to_owned()] }
    }

    /// The series of production types, by code, that are of no single unit.
    pub fn types(codes: &[&'static str]) -> Self {
        let needed = codes.iter().map(|code| (*code).to_owned()).collect();
        Self { subject: Subject::Types(codes.to_vec()), codes: needed }
    }

    fn wants(&self, series: &TimeSeries) -> bool {
        match &self.subject {
            Subject::Unit(eic) => series.unit.as_ref() == Some(eic),
            Subject::Types(codes) => {
                series.unit.is_none() && series.psr.as_ref().is_some_and(|psr| codes.contains(&psr.as_str()))
            }
        }
    }

    /// Document types that may hold it. A74 and A75 are two names of one content.
    fn document_types(&self) -> &'static [&'static str] {
        match self.subject {
            Subject::Unit(_) => &["A73"],
            Subject::Types(_) => &["A75", "A74"],
        }
    }
}

/// Hands every wanted series of a document to `take`, in the document's order, and returns how many there were.
/// The error says what can't be read and where; faults in series that are not wanted don't matter.
pub fn read(
    document: &[u8],
    wanted: &Wanted,
    take: &mut dyn FnMut(&mut TimeSeries) -> Result<(), String>,
) -> Result<usize, String> {
    let mut tokens = Tokens { wanted, take, taken: 0, document_type: None };
    match plain_parts(document, &wanted.codes) {
        Some((document_type, parts)) => {
            tokens.document_type = Some(document_type.to_owned());
            for part in parts {
                tokens.read(part, Place::Document)?;
            }
        }
        None => tokens.read(document, Place::Outside)?,
    }
    let document_type = tokens.document_type.as_deref().unwrap_or("none");
    if !wanted.document_types().contains(&document_type) {
        let expected = wanted.document_types().join(" or ");
        return Err(format!("the document's type is {document_type} instead of {expected}"));
    }
    Ok(tokens.taken)
}

/// Of a plainly marked up document, its type, and those `TimeSeries` elements in which a code occurs. `None` if
/// only all tokens can tell.
///
/// Why this is sound: the root is closed at the very end, so nothing is cut off; without `<!`, `<?` and `&#` every
/// `<TimeSeries` is the start of an element and every code is spelled out; and a code that is not inside the
/// element that starts last before it sends the whole document to the other way.
fn plain_parts<'a>(document: &'a [u8], codes: &[String]) -> Option<(&'a str, Vec<&'a [u8]>)> {
    let sniff::Kind::Xml { at, .. } = sniff::kind(document) else { return None };
    let body = document.get(at..)?;
    if codes.len() > MAX_CODES || !body.trim_ascii_end().ends_with(b"</GL_MarketDocument>") {
        return None;
    }
    let occurrences = scan::occurrences(body, codes)?;
    let head = body.get(..memmem::find(body, b"<TimeSeries")?)?;
    let document_type = text_of(head, "<type>", "</type>")?;
    let mut parts = Vec::new();
    let mut done = 0;
    for at in occurrences {
        // Before the first series stand only the document's own particulars.
        if at >= done.max(head.len()) {
            let element = element_around(body, at)?;
            done = element.end;
            parts.push(body.get(element)?);
        }
    }
    Some((document_type, parts))
}

/// What stands between the first start tag and the end tag after it, without white space around.
fn text_of<'a>(text: &'a [u8], start: &str, end: &str) -> Option<&'a str> {
    let from = memmem::find(text, start.as_bytes())? + start.len();
    let inside = text.get(from..)?;
    let inside = inside.get(..memmem::find(inside, end.as_bytes())?)?;
    std::str::from_utf8(inside.trim_ascii()).ok()
}

/// The `TimeSeries` element that a position is in.
fn element_around(body: &[u8], at: usize) -> Option<Range<usize>> {
    let start = memmem::rfind(body.get(..at)?, b"<TimeSeries")?;
    let end = at + memmem::find(body.get(at..)?, b"</TimeSeries>")? + b"</TimeSeries>".len();
    let element = body.get(start..at)?;
    let starts =
        matches!(element.get(b"<TimeSeries".len()), Some(c) if *c == b'>' || c.is_ascii_whitespace());
    (starts && memmem::find(element, b"</TimeSeries").is_none()).then_some(start..end)
}

struct Tokens<'a> {
    wanted: &'a Wanted,
    take: &'a mut dyn FnMut(&mut TimeSeries) -> Result<(), String>,
    taken: usize,
    document_type: Option<String>,
}

impl Tokens<'_> {
    /// Reads a piece of a document that lies at `outside`.
    fn read(&mut self, piece: &[u8], outside: Place) -> Result<(), String> {
        // Names of units come damaged at times; nothing that is read here is in them.
        let text = match std::str::from_utf8(piece) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(piece),
        };
        let mut reader = Reader::from_str(&text);
        let (mut path, mut content) = (vec![outside], String::new());
        let mut series = TimeSeries::default();
        let mut fault: Option<String> = None;
        loop {
            let place = path.last().copied().unwrap_or(outside);
            match reader.read_event().map_err(|error| markup::fault(&error, reader.error_position()))? {
                Event::Start(tag) => {
                    let child = place.child(tag.local_name().into_inner());
                    if child == Place::TimeSeries {
                        series = TimeSeries::default();
                        fault = None;
                    }
                    path.push(child);
                    content.clear();
                }
                Event::Empty(tag) => {
                    let child = place.child(tag.local_name().into_inner());
                    close(&mut series, child, "", &mut fault);
                }
                Event::End(_) => {
                    if place == Place::DocumentType {
                        self.document_type = Some(content.trim().to_owned());
                    }
                    close(&mut series, place, &content, &mut fault);
                    path.pop();
                    content.clear();
                    if place == Place::TimeSeries && self.wanted.wants(&series) {
                        fault
                            .take()
                            .map_or_else(|| (self.take)(&mut series), Err)
                            .map_err(|fault| format!("a TimeSeries{}: {fault}", series.whereabouts()))?;
                        self.taken += 1;
                    }
                    if path.last() == Some(&Place::Period) && fault.is_none() {
                        let mut markup = reader.stream();
                        let taken = markup.fill_buf().map_or(0, |markup| series.take_points(markup));
                        markup.consume(taken);
                    }
                }
                Event::Eof if path.len() == 1 => return Ok(()),
                Event::Eof => return Err("the document is cut off".into()),
                other if place.holds_text() => markup::append(&other, &mut content)?,
                Event::DocType(_) => return Err("a document type declaration, which is refused".into()),
                _ => {}
            }
        }
    }
}

/// Lets a series take an element's text. The first fault is kept and the series left as it was there; past it only
/// what tells whether the series is wanted is read, so that the faults of others don't matter.
fn close(series: &mut TimeSeries, place: Place, text: &str, fault: &mut Option<String>) {
    if fault.is_none() || matches!(place, Place::UnitId | Place::PsrType) {
        let result = series.close(place, text);
        *fault = fault.take().or(result.err());
    }
}

#[cfg(test)]
mod tests;
