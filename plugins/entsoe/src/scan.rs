//! One pass over a document that finds both what may hide something in its markup and where codes occur.
//!
//! It is nearly all of the work on a document by unit, of which one series in many is wanted. Every byte is compared
//! without a branch, block by block: the compiler makes that as fast as the vector unit, in the sandbox as well, whose
//! own check at each turn of a loop then weighs little. Only a block in which something matched is looked at closely.

use std::ops::Range;

const BLOCK: usize = 256;

/// A code to look for, by its first byte and its last: a block in which these do not lie `gap` apart does not have it.
struct Code<'a> {
    text: &'a [u8],
    first: u8,
    last: u8,
    gap: usize,
}

impl<'a> Code<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let text = text.as_bytes();
        let (&first, &last) = (text.first()?, text.last()?);
        Some(Self { text, first, last, gap: text.len() - 1 })
    }

    /// 0 if the code may begin in the block.
    fn mismatch(&self, block: &[u8; BLOCK], shifted: &[u8; BLOCK]) -> u8 {
        let mismatch = |(a, b): (&u8, &u8)| (a ^ self.first) | (b ^ self.last);
        block.iter().zip(shifted).map(mismatch).fold(u8::MAX, u8::min)
    }
}

/// Where the codes occur in a document, in order. `None` if it has a comment, CDATA, a processing instruction or a
/// character reference, by which markup could be no markup and a code be spelled otherwise; or if a code is empty.
pub fn occurrences(body: &[u8], codes: &[String]) -> Option<Vec<usize>> {
    let codes = codes.iter().map(|code| Code::new(code)).collect::<Option<Vec<_>>>()?;
    let longest = codes.iter().map(|code| code.gap).max().unwrap_or_default();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((block, rest)) = body.get(at..).and_then(|rest| Some((rest.first_chunk()?, rest)))
        && rest.len() >= BLOCK + longest
    {
        let mut mismatch = odd_character(block);
        for code in &codes {
            let shifted = rest.get(code.gap..).and_then(|shifted| shifted.first_chunk())?;
            mismatch = mismatch.min(code.mismatch(block, shifted));
        }
        if mismatch == 0 {
            look_closely(body, at..at + BLOCK, &codes, &mut found)?;
        }
        at += BLOCK;
    }
    look_closely(body, at..body.len(), &codes, &mut found)?;
    Some(found)
}

/// 0 if `!`, `#` or `?` is in the block. The first two differ in one bit only.
fn odd_character(block: &[u8; BLOCK]) -> u8 {
    block.iter().map(|c| ((c | 2) ^ b'#').min(c ^ b'?')).fold(u8::MAX, u8::min)
}

/// Adds the codes that begin in a part of the document. `None` if something is hidden there.
fn look_closely(body: &[u8], part: Range<usize>, codes: &[Code<'_>], found: &mut Vec<usize>) -> Option<()> {
    let (start, bytes) = (part.start, body.get(part)?);
    for at in memchr::memchr3_iter(b'!', b'?', b'#', bytes).map(|at| start + at) {
        let opening = if body.get(at) == Some(&b'#') { b'&' } else { b'<' };
        if at.checked_sub(1).and_then(|before| body.get(before)) == Some(&opening) {
            return None;
        }
    }
    let mut new: Vec<_> = codes
        .iter()
        .flat_map(|code| {
            let begins = |at: &usize| body.get(*at..).is_some_and(|rest| rest.starts_with(code.text));
            memchr::memchr_iter(code.first, bytes).map(move |at| start + at).filter(begins)
        })
        .collect();
    new.sort_unstable();
    // One code may begin with another.
    new.dedup();
    found.append(&mut new);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(text: &str, codes: &[String]) -> Option<Vec<usize>> {
        let hidden = ["<!", "<?", "&#"].iter().any(|mark| text.contains(mark));
        let at = |at: &usize| codes.iter().any(|code| text.as_bytes()[*at..].starts_with(code.as_bytes()));
        (!hidden).then(|| (0..text.len()).filter(at).collect())
    }

    #[test]
    fn a_mark_or_a_code_is_found_wherever_it_lies_in_a_block() {
        let codes = ["B16".to_owned(), "49W000000000002F".to_owned()];
        for length in [0, 1, 255, 256, 600] {
            for at in 0..=length {
                let text = |what: &str| ".".repeat(at) + what + &".".repeat(length - at);
                for mark in ["<!--", "<?x", "&#65;"] {
                    assert_eq!(occurrences(text(mark).as_bytes(), &codes), None, "{mark} at {at}");
                }
                for code in &codes {
                    assert_eq!(occurrences(text(code).as_bytes(), &codes), Some(vec![at]), "{code} at {at}");
                }
            }
        }
    }

    #[test]
    fn nothing_can_be_said_of_an_empty_code() {
        assert_eq!(occurrences(b"<a/>", &[String::new()]), None);
    }

    proptest! {
        #[test]
        fn blocks_and_single_bytes_agree(text in "[AB1<&.]{0,300}[!?#]?[AB1.!?#]{0,300}", codes in proptest::collection::vec("[AB1]{1,3}", 0..4)) {
            prop_assert_eq!(occurrences(text.as_bytes(), &codes), one_by_one(&text, &codes));
        }
    }
}
