//! The first file of a zip, out of a stream: bytes go in as they arrive, and come out inflated. Nothing is held but what
//! DEFLATE looks back to.
//!
//! A zip's directory stands at its end, so the common libraries want the whole file, or sizes in the header before
//! the data, which a zip that was itself written as a stream has not. Here the end of the data is where DEFLATE says so, and
//! the checksum is taken from wherever it stands.

use flate2::{Decompress, FlushDecompress, Status};

const HEADER: usize = 30;
const BEGIN: [u8; 4] = *b"PK\x03\x04";
/// Before the checksum that follows the data; writers may leave it out.
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// Bit of the header's flags: sizes and checksum follow the data.
const FOLLOWS: u16 = 1 << 3;
const ENCRYPTED: u16 = 1;

/// Inflates a zip's first file.
pub struct Unzip {
    state: State,
    /// What has arrived and is too little to be read.
    kept: Vec<u8>,
    sum: crc32fast::Hasher,
    out: Box<[u8]>,
}

enum State {
    Header,
    /// With the checksum, where the header knew it.
    Deflated(Box<Decompress>, Option<u32>),
    /// With the bytes to come.
    Stored(u32, u32),
    Checksum,
    Done,
}

impl Default for Unzip {
    fn default() -> Self {
        Self {
            state: State::Header,
            kept: Vec::new(),
            sum: crc32fast::Hasher::new(),
            out: vec![0; 64 * 1024].into(),
        }
    }
}

impl Unzip {
    /// Takes the next bytes of the zip, and gives the next ones of the file to `sink`. What follows the first file is passed
    /// over. The error says what can't be read.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        loop {
            match &mut self.state {
                State::Header => {
                    self.kept.extend_from_slice(bytes);
                    let Some((state, end)) = header(&self.kept)? else {
                        return Ok(());
                    };
                    self.state = state;
                    let kept = std::mem::take(&mut self.kept);
                    return self.feed(&kept[end..], sink);
                }
                State::Deflated(inflate, checksum) => {
                    let (read, written) = (inflate.total_in(), inflate.total_out());
                    let status = inflate
                        .decompress(bytes, &mut self.out, FlushDecompress::None)
                        .map_err(|error| format!("the zip can't be inflated: {error}"))?;
                    let read = (inflate.total_in() - read) as usize;
                    let written = &self.out[..(inflate.total_out() - written) as usize];
                    bytes = &bytes[read..];
                    self.sum.update(written);
                    sink(written)?;
                    if status == Status::StreamEnd {
                        self.state = match *checksum {
                            Some(expected) => checked(&self.sum, expected)?,
                            None => State::Checksum,
                        };
                    } else if written.is_empty() && read == 0 {
                        // It wants more: all of it is taken in.
                        return Ok(());
                    }
                }
                State::Stored(left, checksum) => {
                    let (now, later) = bytes.split_at(bytes.len().min(*left as usize));
                    *left -= now.len() as u32;
                    self.sum.update(now);
                    sink(now)?;
                    if *left > 0 {
                        return Ok(());
                    }
                    self.state = checked(&self.sum, *checksum)?;
                    bytes = later;
                }
                State::Checksum => {
                    self.kept.extend_from_slice(bytes);
                    let at = if self.kept.starts_with(&DESCRIPTOR) { 4 } else { 0 };
                    if self.kept.len() < at + 4 {
                        return Ok(());
                    }
                    self.state = checked(&self.sum, word(&self.kept, at))?;
                }
                State::Done => return Ok(()),
            }
        }
    }

    /// Whether the file was whole, and its checksum right.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }
}

/// What follows a file's header, and where; none if the header is not whole yet.
fn header(bytes: &[u8]) -> Result<Option<(State, usize)>, String> {
    let begun = bytes.len().min(BEGIN.len());
    if bytes[..begun] != BEGIN[..begun] {
        let begin = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned();
        return Err(format!("not a zip; the answer begins {begin:?}"));
    }
    if bytes.len() < HEADER {
        return Ok(None);
    }
    let end = HEADER + usize::from(half(bytes, 26)) + usize::from(half(bytes, 28));
    if bytes.len() < end {
        return Ok(None);
    }
    let name = String::from_utf8_lossy(&bytes[HEADER..HEADER + usize::from(half(bytes, 26))]);
    if !name.to_ascii_uppercase().ends_with(".CSV") {
        return Err(format!("the zip's first file is {name:?} and no CSV"));
    }
    let (flags, method, checksum) = (half(bytes, 6), half(bytes, 8), word(bytes, 14));
    let follows = flags & FOLLOWS != 0;
    let state = match method {
        _ if flags & ENCRYPTED != 0 => return Err(format!("{name:?} is encrypted")),
        8 => State::Deflated(Box::new(Decompress::new(false)), (!follows).then_some(checksum)),
        0 if !follows => State::Stored(word(bytes, 18), checksum),
        _ => return Err(format!("{name:?} is packed by method {method}, expected deflate")),
    };
    Ok(Some((state, end)))
}

fn checked(sum: &crc32fast::Hasher, expected: u32) -> Result<State, String> {
    if sum.clone().finalize() == expected {
        Ok(State::Done)
    } else {
        Err("the zip's checksum is not that of its file: the answer is damaged".into())
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from(half(bytes, at)) | u32::from(half(bytes, at + 2)) << 16
}

#[cfg(test)]
pub mod tests {
    use std::io::Write as _;

    use super::*;

    /// A zip of one file. `follows`: as one that was written as a stream, with its checksum after the data.
    pub fn zipped(name: &str, text: &[u8], follows: bool) -> Vec<u8> {
        let mut data = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        data.write_all(text).unwrap();
        let data = data.finish().unwrap();
        let sum = crc32fast::hash(text).to_le_bytes();
        let sizes = [data.len() as u32, text.len() as u32].map(u32::to_le_bytes).concat();
        let mut zip = BEGIN.to_vec();
        zip.extend([20, 0, if follows { 8 } else { 0 }, 0, 8, 0, 0, 0, 0, 0]);
        zip.extend(if follows { [0; 4] } else { sum });
        zip.extend(if follows { &[0; 8] } else { &sizes[..] });
        zip.extend((name.len() as u16).to_le_bytes());
        zip.extend([3, 0]);
        zip.extend(name.as_bytes());
        zip.extend(*b"ext");
        zip.extend(data);
        if follows {
            zip.extend(DESCRIPTOR);
            zip.extend(sum);
            zip.extend(sizes);
        }
        zip.extend(*b"PK\x01\x02 and the directory");
        zip
    }

    fn read(zip: &[u8], step: usize) -> Result<Option<Vec<u8>>, String> {
        let (mut unzip, mut all) = (Unzip::default(), Vec::new());
        for bytes in zip.chunks(step) {
            unzip.feed(bytes, |out| {
                all.extend_from_slice(out);
                Ok(())
            })?;
        }
        Ok(unzip.is_done().then_some(all))
    }

    fn text() -> Vec<u8> {
        (0..40_000)
            .flat_map(|n: u32| format!("{n},{}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    #[test]
    fn a_file_comes_out_as_it_went_in_however_it_arrives() {
        let text = text();
        for follows in [false, true] {
            let zip = zipped("A.CSV", &text, follows);
            for step in [1, 7, 1000, 65_536, usize::MAX] {
                assert!(read(&zip, step).unwrap().as_ref() == Some(&text), "{follows} {step}");
            }
        }
    }

    #[test]
    fn a_file_that_was_not_packed_is_read_too() {
        let mut zip = zipped("a.csv", b"", false);
        let at = HEADER + "a.csvext".len();
        zip.splice(at.., *b"four, and what follows");
        zip[8] = 0;
        zip[14..18].copy_from_slice(&crc32fast::hash(b"four").to_le_bytes());
        zip[18..22].copy_from_slice(&4_u32.to_le_bytes());
        for step in [1, 3, 100] {
            assert_eq!(read(&zip, step).unwrap().unwrap(), b"four");
        }
    }

    #[test]
    fn a_cut_zip_is_never_done() {
        for follows in [false, true] {
            let zip = zipped("A.CSV", b"some rows\nof a file\n", follows);
            let whole = zip.len() - b"PK\x01\x02 and the directory".len() - if follows { 8 } else { 0 };
            for end in 0..whole {
                assert_eq!(read(&zip[..end], 5), Ok(None), "{follows} {end}");
            }
            assert!(read(&zip[..whole], 5).unwrap().is_some());
        }
    }

    #[test]
    fn what_is_damaged_or_no_zip_is_told() {
        let zip = zipped("A.CSV", &text(), false);
        let mut damaged = zip.clone();
        damaged[14] ^= 1;
        assert!(read(&damaged, 1000).unwrap_err().contains("checksum"));
        let mut damaged = zip.clone();
        // No block of DEFLATE begins so.
        damaged[HEADER + "A.CSVext".len()] = 0x07;
        assert!(read(&damaged, 1000).unwrap_err().contains("can't be inflated"));
        assert!(read(b"<html>", 2).unwrap_err().contains("not a zip; the answer begins"));
        assert!(read(&zipped("READ.ME", b"", false), 9).unwrap_err().contains("READ.ME"));
        let mut locked = zip;
        locked[6] = 1;
        assert!(read(&locked, 99).unwrap_err().contains("encrypted"));
    }
}
