//! Where a source's credential comes from and where in a request it goes. The secret itself never stands in
//! the configuration, and no message repeats it.

use std::{
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    Env,
    reading::{FromText, Item, Section},
};

/// `credential = { header | query = NAME, from = "env:VAR" | "file:PATH" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialSpec {
    /// Where it goes.
    pub place: CredentialPlace,
    /// Where it comes from.
    pub from: Origin,
}

/// The longest file that may hold a credential; a longer one holds something else, or has no end.
const LONGEST_FILE: u64 = 64 * 1024;

/// Where in a request a credential goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialPlace {
    /// The header of this name.
    Header(String),
    /// The query parameter of this name.
    Query(String),
}

/// Where a credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable.
    Env(String),
    /// A file that holds nothing else.
    File(PathBuf),
}

/// A credential. Shows itself nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret, for a test or a command line.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the request alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(variable) => write!(f, "environment variable {variable}"),
            Self::File(path) => write!(f, "credential file {}", path.display()),
        }
    }
}

impl Origin {
    /// Reads `env:VAR` or `file:PATH`, as on a command line.
    ///
    /// # Errors
    /// Says what was expected; never repeats the text, which may be a secret put in the wrong place.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::from_text(text).map_err(|why| format!("{why}; expected {}", Self::EXPECTED))
    }

    /// The same, a relative path counted from a folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            env => env,
        }
    }

    /// Fetches the secret. Ends of lines and blanks around it are not part of it.
    ///
    /// # Errors
    /// Says what is missing, or wrong with it, and what to do; to be shown to people.
    pub fn resolve(&self, env: Env<'_>) -> Result<Secret, String> {
        let (held, remedy) = match self {
            Self::Env(variable) => {
                let value =
                    env(variable).ok_or_else(|| format!("{self} is not set; set it to the credential"))?;
                (value, "set it to")
            }
            Self::File(path) => {
                let mut text = String::new();
                fs::File::open(path)
                    .and_then(|file| file.take(LONGEST_FILE + 1).read_to_string(&mut text))
                    .map_err(|error| format!("{self} cannot be read ({error}); put the credential there"))?;
                if text.len() as u64 > LONGEST_FILE {
                    return Err(format!(
                        "{self} is longer than {LONGEST_FILE} bytes; put there the credential alone"
                    ));
                }
                (text, "put there")
            }
        };
        match held.trim() {
            "" => Err(format!("{self} is empty; {remedy} the credential")),
            // Anything else could not be sent, or would end a header early.
            secret if secret.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Secret(secret.to_owned())),
            _ => Err(format!(
                "{self} holds blanks, line breaks or characters outside ASCII; {remedy} the credential alone"
            )),
        }
    }
}

impl FromText for Origin {
    const EXPECTED: &'static str = "\"env:VAR\" or \"file:PATH\", never the credential itself";

    fn from_text(text: &str) -> Result<Self, String> {
        // The text is not repeated: somebody may have put the secret here.
        match text.split_once(':') {
            Some(("env", variable)) if is_variable(variable) => Ok(Self::Env(variable.to_owned())),
            Some(("env", _)) => Err("names no environment variable".to_owned()),
            Some(("file", path)) if !path.trim().is_empty() => Ok(Self::File(path.into())),
            Some(("file", _)) => Err("names no file".to_owned()),
            _ => Err("is neither a variable nor a file".to_owned()),
        }
    }
}

/// The name of a header or query parameter.
struct ParameterName(String);

impl FromText for ParameterName {
    const EXPECTED: &'static str = "a name of letters, digits, - _ . and ~";

    fn from_text(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        if !text.is_empty() && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} can't be the name of a header or query parameter"))
        }
    }
}

impl CredentialSpec {
    pub(super) fn read(item: &Item<'_>, folder: &Path) -> Option<Self> {
        let form = "{ header = \"NAME\", from = \"env:VAR\" }, with query instead of header \
                    and file:PATH instead of env:VAR where that fits";
        let section = item.section(form)?;
        let place = place(&section);
        let from = section.required("from", Origin::EXPECTED).and_then(|item| item.text());
        section.finish();
        let from: Option<Origin> = from;
        Some(Self { from: from?.within(folder), place: place? })
    }

    /// Fetches the secret; see [`Origin::resolve`].
    ///
    /// # Errors
    /// Says what is missing, or wrong with it, and what to do; to be shown to people.
    pub fn resolve(&self, env: Env<'_>) -> Result<Secret, String> {
        self.from.resolve(env)
    }
}

fn place(section: &Section<'_>) -> Option<CredentialPlace> {
    let (header, query) = (section.item("header"), section.item("query"));
    let name = |item: Item<'_>| item.text().map(|ParameterName(name)| name);
    match (header, query) {
        (Some(header), None) => name(header).map(CredentialPlace::Header),
        (None, Some(query)) => name(query).map(CredentialPlace::Query),
        (Some(_), Some(query)) => query.problem("is given beside header; expected one of the two".to_owned()),
        (None, None) => {
            section.problem(
                "",
                "says not where the credential goes; expected header = \"NAME\" or query = \"NAME\"".into(),
            );
            None
        }
    }
}

/// Whether a text can name an environment variable, as a shell would set it.
pub(super) fn is_variable(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Problems, reading};

    fn read(credential: &str) -> Result<Option<CredentialSpec>, String> {
        let text = format!("credential = {credential}");
        let (spec, problems) = reading::document(Path::new("b.toml"), &text, |root| {
            let item = root.item("credential")?;
            CredentialSpec::read(&item, Path::new("folder"))
        });
        Problems::unless_any(spec, problems).map_err(|problems| problems.to_string())
    }

    fn of(from: Origin) -> CredentialSpec {
        CredentialSpec { place: CredentialPlace::Query("api_key".to_owned()), from }
    }

    #[test]
    fn a_credential_goes_to_a_header_or_a_parameter_and_comes_from_a_variable_or_a_file() {
        let file = Origin::File("folder/key".into());
        assert_eq!(read(r#"{ query = "api_key", from = "file:key" }"#), Ok(Some(of(file))));
        let variable = Origin::Env("T_1".to_owned());
        let header = CredentialSpec { place: CredentialPlace::Header("X-Key".to_owned()), from: variable };
        assert_eq!(read(r#"{ header = "X-Key", from = "env:T_1" }"#), Ok(Some(header)));
    }

    #[test]
    fn what_is_wrong_with_a_credential_is_said_without_repeating_it() {
        let cases = [
            (
                r#"{ query = "k", from = "s3cret" }"#,
                "is neither a variable nor a file; expected \"env:VAR\" or \"file:PATH\", never the credential itself",
            ),
            (r#"{ query = "k", from = "env:s3cret-1" }"#, "names no environment variable"),
            (r#"{ query = "k", from = "file:" }"#, "names no file"),
            (r#"{ query = "k", value = "s3cret" }"#, "credential.from: is missing"),
            (r#""s3cret""#, "is a string; expected { header = \"NAME\", from = \"env:VAR\" }"),
            (r#"{ from = "env:K" }"#, "says not where the credential goes"),
            (
                r#"{ query = "k", header = "h", from = "env:K" }"#,
                "credential.query: is given beside header; expected one of the two",
            ),
            (
                r#"{ header = "a b", from = "env:K" }"#,
                "\"a b\" can't be the name of a header or query parameter",
            ),
        ];
        for (text, expected) in cases {
            let message = read(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn a_secret_is_trimmed_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "hush-1\r\n").unwrap();
        let secret = of(Origin::File(path)).resolve(&|_| None).unwrap();
        assert_eq!(secret.expose(), "hush-1");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "[hidden] [hidden] Some([hidden])");
    }

    #[test]
    fn a_file_without_an_end_is_no_credential() {
        let why = of(Origin::File("/dev/zero".into())).resolve(&|_| None).unwrap_err();
        let expected = "credential file /dev/zero is longer than 65536 bytes; put there the credential alone";
        assert_eq!(why, expected);
    }

    #[test]
    fn a_credential_that_cannot_be_had_says_what_to_do() {
        let variable = of(Origin::Env("KEY".to_owned()));
        let fails = |held: Option<&str>| variable.resolve(&|_| held.map(str::to_owned)).unwrap_err();
        assert_eq!(fails(None), "environment variable KEY is not set; set it to the credential");
        assert_eq!(fails(Some(" ")), "environment variable KEY is empty; set it to the credential");
        for held in ["hu\nsh", "hu sh", "hüsh"] {
            let message = fails(Some(held));
            assert!(message.starts_with("environment variable KEY holds blanks"), "{message}");
            assert!(!message.contains("sh;"), "{message}");
        }
        let missing = of(Origin::File("no/such/file".into())).resolve(&|_| None).unwrap_err();
        assert!(missing.starts_with("credential file no/such/file cannot be read ("), "{missing}");
        assert!(missing.ends_with("; put the credential there"), "{missing}");
    }
}
