//! Bodies that are no text: upstreams that publish zips and gzip files.

use std::io::{Cursor, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde::Deserialize;
use zip::{ZipWriter, write::SimpleFileOptions};

/// What a body is put into: `"gzip"`, or `"zip:NAME"` for a zip with one file of that name.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub enum Pack {
    /// A gzip file, as itself and not as an encoding of HTTP.
    Gzip,
    /// A zip of one file, with its name.
    Zip(String),
}

impl TryFrom<String> for Pack {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "gzip" => Ok(Self::Gzip),
            Some(("zip", name)) if !name.is_empty() => Ok(Self::Zip(name.to_owned())),
            _ => Err(format!("expected \"gzip\" or \"zip:NAME\", and not {text:?}")),
        }
    }
}

impl Pack {
    /// The body in its package: the same one whenever it is asked for.
    pub(super) fn around(&self, body: &str) -> std::io::Result<Bytes> {
        let packed = match self {
            Self::Gzip => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(body.as_bytes())?;
                gzip.finish()?
            }
            Self::Zip(name) => {
                let mut file = ZipWriter::new(Cursor::new(Vec::new()));
                // Not the time it is: the same zip has to come again.
                let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
                file.start_file(name.as_str(), options.compression_level(Some(1)))?;
                file.write_all(body.as_bytes())?;
                file.finish()?.into_inner()
            }
        };
        Ok(packed.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, read_to_string};

    use super::*;

    fn packed(pack: &str, body: &str) -> Bytes {
        Pack::try_from(pack.to_owned()).unwrap().around(body).unwrap()
    }

    #[test]
    fn a_body_comes_out_of_its_package_as_it_was() {
        let body = "a,1\n".repeat(10_000);
        let zip = packed("zip:A#1.CSV", &body);
        assert!(zip.len() < body.len() / 10, "it is deflated");
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut text = String::new();
        archive.by_name("A#1.CSV").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, body);
        let gzip = packed("gzip", &body);
        assert_eq!(read_to_string(flate2::read::GzDecoder::new(&gzip[..])).unwrap(), body);
    }

    #[test]
    fn the_same_body_gives_the_same_bytes() {
        assert_eq!(packed("zip:A", "text"), packed("zip:A", "text"));
        assert_eq!(packed("gzip", "text"), packed("gzip", "text"));
    }

    #[test]
    fn what_is_no_package_is_told() {
        for wrong in ["tar", "zip", "zip:", "gzip:a", ""] {
            assert!(Pack::try_from(wrong.to_owned()).unwrap_err().contains("expected \"gzip\""), "{wrong}");
        }
    }
}
