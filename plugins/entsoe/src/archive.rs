//! Zips: the platform packs several documents, or a single one, into an archive for some items.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

/// Bytes that all members of an archive may unpack to. A month of a large area at 15 minutes takes a tenth.
const MAX_UNPACKED: u64 = 64 << 20;

/// The members of an archive, unpacked. What is broken, encrypted or larger than the bound is refused; the sizes
/// that the archive itself states are not trusted.
pub fn unpack(archive: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    unpack_at_most(archive, MAX_UNPACKED)
}

fn unpack_at_most(archive: &[u8], bound: u64) -> Result<Vec<Vec<u8>>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("the zip can't be read: {error}");
    let mut zip = ZipArchive::new(Cursor::new(archive)).map_err(|error| fault(&error))?;
    let (mut members, mut left) = (Vec::new(), bound);
    for index in 0..zip.len() {
        let member = zip.by_index(index).map_err(|error| fault(&error))?;
        if !member.is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        // One byte more than is left tells a member that fits exactly from one that does not.
        member.take(left + 1).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
        left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
            format!("the zip unpacks to more than {bound} bytes; ask the platform for a shorter interval")
        })?;
        members.push(bytes);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use zip::{ZipWriter, write::SimpleFileOptions};

    fn archive(members: &[&[u8]]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (i, member) in members.iter().enumerate() {
            zip.start_file(format!("{i}.xml"), SimpleFileOptions::default()).unwrap();
            zip.write_all(member).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn every_member_is_unpacked_in_order() {
        let members = [&b"<a/>"[..], b"<b/>", b""];
        assert_eq!(unpack(&archive(&members)).unwrap(), members.map(<[u8]>::to_vec));
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound_over_all_members() {
        let zeros = vec![0; 1000];
        let packed = archive(&[&zeros, &zeros]);
        assert_eq!(unpack_at_most(&packed, 2000).unwrap().len(), 2);
        assert!(unpack_at_most(&packed, 1999).unwrap_err().contains("more than 1999 bytes"));
    }

    #[test]
    fn a_broken_archive_is_named_and_does_not_panic() {
        let packed = archive(&[b"<a>some text that is long enough to be packed</a>"]);
        for cut in 0..packed.len() {
            assert!(unpack(&packed[..cut]).is_err(), "cut at {cut}");
        }
    }
}
