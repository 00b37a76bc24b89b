//! The records of a JSON document that is too long for memory, one at a time.
//!
//! A JSON parser over a reader takes the document byte by byte; finding where a flat record begins and ends
//! needs far less, and each record then is parsed from a slice, without copies.

use std::fmt;
use std::io::{self, BufRead};

/// No record of a document of flat records is longer; one that is means that this is another document.
const LONGEST_RECORD: usize = 64 * 1024;

/// Why a document could not be read to its end.
#[derive(Debug)]
pub(crate) enum StreamError {
    Read(io::Error),
    /// It begins with this byte: no JSON.
    NotJson(u8),
    /// It ended inside an object, an array or a string, or before it began.
    CutOff,
    /// An object is longer than any record.
    LongRecord,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "reading failed: {error}"),
            Self::NotJson(byte) => write!(f, "it begins with {:?}, which is no JSON", char::from(*byte)),
            Self::CutOff => f.write_str("it ends in the middle"),
            Self::LongRecord => write!(f, "an object is longer than {LONGEST_RECORD} bytes"),
        }
    }
}

/// Calls `each` with every innermost object of the document (one that holds no other), in order, braces
/// included. Holds one chunk of the reader and one record at a time.
pub(crate) fn each_innermost(
    mut reader: impl BufRead,
    mut each: impl FnMut(&[u8]),
) -> Result<(), StreamError> {
    let mut scanner = Scanner::default();
    // The start of a record whose end is in a later chunk.
    let mut carried = Vec::new();
    loop {
        let chunk = reader.fill_buf().map_err(StreamError::Read)?;
        if chunk.is_empty() {
            return if scanner.is_complete() { Ok(()) } else { Err(StreamError::CutOff) };
        }
        let mut open = scanner.in_record.then_some(0);
        let mut at = 0;
        while let Some(step) = scanner.next(chunk, &mut at)? {
            match step {
                Step::Opened(start) => {
                    carried.clear();
                    open = Some(start);
                }
                Step::Closed(end) => {
                    let tail = open.take().and_then(|start| chunk.get(start..end)).unwrap_or_default();
                    if carried.is_empty() {
                        each(tail);
                    } else {
                        carried.extend_from_slice(tail);
                        each(&carried);
                        carried.clear();
                    }
                }
            }
        }
        if let Some(start) = open {
            carried.extend_from_slice(chunk.get(start..).unwrap_or_default());
            if carried.len() > LONGEST_RECORD {
                return Err(StreamError::LongRecord);
            }
        }
        let read = chunk.len();
        reader.consume(read);
    }
}

/// A record begins at this offset of the chunk, or has ended before it.
enum Step {
    Opened(usize),
    Closed(usize),
}

#[derive(Default)]
struct Scanner {
    begun: bool,
    depth: u32,
    in_record: bool,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    fn is_complete(&self) -> bool {
        self.begun && self.depth == 0
    }

    /// Goes on from `at` to the next start or end of an innermost object, or to the chunk's end.
    fn next(&mut self, chunk: &[u8], at: &mut usize) -> Result<Option<Step>, StreamError> {
        while let Some(&byte) = chunk.get(*at) {
            *at += 1;
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' => {
                    self.begun = true;
                    self.depth += 1;
                    self.in_record = true;
                    return Ok(Some(Step::Opened(*at - 1)));
                }
                b'[' => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if byte == b'}' && self.in_record {
                        self.in_record = false;
                        return Ok(Some(Step::Closed(*at)));
                    }
                }
                // A byte-order mark or blanks may come before the document, nothing else.
                0xef | 0xbb | 0xbf | b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if !self.begun => return Err(StreamError::NotJson(byte)),
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn innermost(document: &str, chunk: usize) -> Result<Vec<String>, StreamError> {
        let mut found = Vec::new();
        let reader = io::BufReader::with_capacity(chunk, document.as_bytes());
        each_innermost(reader, |object| found.push(String::from_utf8_lossy(object).into_owned()))?;
        Ok(found)
    }

    #[test]
    fn records_are_found_wherever_the_chunks_are_cut() {
        let document =
            "\u{feff} {\"ok\":true,\"records\":{\"NET_P\":[{\"a\":\"風 } ] \\\" {\"},\n{\"b\":1},{}]}} \n";
        for chunk in 1..document.len() + 1 {
            let found = innermost(document, chunk).unwrap();
            assert_eq!(found, ["{\"a\":\"風 } ] \\\" {\"}", "{\"b\":1}", "{}"], "chunks of {chunk}");
        }
    }

    #[test]
    fn an_object_that_holds_another_is_no_record() {
        assert_eq!(innermost("{\"a\":{\"b\":1},\"c\":2}", 8).unwrap(), ["{\"b\":1}"]);
    }

    #[test]
    fn a_document_that_ends_early_is_cut_off() {
        let document = "{\"records\":{\"NET_P\":[{\"a\":1},{\"b\":2}]}}";
        for end in 0..document.len() {
            let result = innermost(&document[..end], 7);
            assert!(matches!(result, Err(StreamError::CutOff)), "{}: {result:?}", &document[..end]);
        }
    }

    #[test]
    fn a_web_page_is_no_document() {
        assert!(matches!(innermost("\u{feff}\r\n<html>", 4), Err(StreamError::NotJson(b'<'))));
    }

    #[test]
    fn an_endless_object_does_not_fill_the_memory() {
        let document = format!("{{\"a\":\"{}", "x".repeat(2 * LONGEST_RECORD));
        assert!(matches!(innermost(&document, 4096), Err(StreamError::LongRecord)));
    }
}
