//! `backfill source new`: a project that is a whole source from its first minute. Its files are those of
//! `templates/source`, which are a project of the name `my-source`; the contract is the one that this host speaks.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use rust_embed::Embed;

use crate::config::SourceId;

#[derive(Embed)]
#[folder = "templates/source"]
struct Templates;

#[derive(Embed)]
#[folder = "../wit"]
struct Contract;

/// What the templates' project is called, as an id and as an identifier.
const ID: &str = "my-source";
const IDENTIFIER: &str = "my_source";

/// Begin a source: a project that builds, is tested, and runs in the host without an edit.
///
/// It reads the metered output of British generation units, which needs no account. What is particular to that upstream
/// is in one file; put yours in its place.
///
/// For example:
///   backfill source new north-parks
///   backfill source new north-parks --lang python
///   backfill source new north-parks --lang javascript --fetch
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct New {
    /// What the source is called: lower-case letters, digits and hyphens.
    #[arg(value_parser = SourceId::parse)]
    name: SourceId,

    /// What it is written in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,

    /// Ask by the standard `fetch` over `wasi:http`, in place of the contract's own `http` (JavaScript).
    #[arg(long)]
    fetch: bool,

    /// The folder to make; by default one of the source's name.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    Python,
    Javascript,
}

impl Language {
    /// What builds and tests the project.
    const fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["cargo build --release --target wasm32-wasip2", "cargo test"],
            Self::Python => &["make", "make test"],
            Self::Javascript => &["npm ci", "npm run build", "npm test"],
        }
    }

    fn component(self, name: &str) -> String {
        match self {
            Self::Rust => format!("target/wasm32-wasip2/release/{}.wasm", name.replace('-', "_")),
            Self::Python | Self::Javascript => format!("build/{name}.wasm"),
        }
    }
}

impl New {
    pub(super) fn act(self) -> anyhow::Result<ExitCode> {
        if self.fetch && self.lang != Language::Javascript {
            bail!("--fetch: only JavaScript has it; write `--lang javascript --fetch`");
        }
        let name = self.name.as_str();
        let folder = self.dir.unwrap_or_else(|| name.into());
        if folder.exists() {
            let folder = folder.display();
            bail!("{folder} is there already; remove it, or name another folder by --dir");
        }
        for (path, text) in files(self.lang, self.fetch, name)? {
            write(&folder.join(path), &text)?;
        }
        let component = self.lang.component(name);
        say!("{}: a source, whole and ready to be changed. Next:\n", folder.display())?;
        say!("  cd {}", folder.display())?;
        for command in self.lang.commands() {
            say!("  {command}")?;
        }
        say!("  backfill source check {component}")?;
        say!("  backfill source test {component} --cases cases")?;
        say!("  backfill source fetch {name} --code T_HOWAO-1 --month 2024-01\n")?;
        say!("README.md says where to begin.")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The project's files by their paths. Of two with one path the later counts.
fn files(lang: Language, fetch: bool, name: &str) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let layers: &[&str] = match (lang, fetch) {
        (Language::Rust, _) => &["common", "rust"],
        (Language::Python, _) => &["common", "python"],
        (Language::Javascript, false) => &["common", "javascript"],
        (Language::Javascript, true) => &["common", "javascript", "javascript-fetch"],
    };
    let identifier = name.replace('-', "_");
    let mut files = Vec::new();
    for layer in layers {
        for path in Templates::iter().filter(|path| Path::new(path.as_ref()).starts_with(layer)) {
            let data = Templates::get(&path).with_context(|| format!("{path} is not in this binary"))?.data;
            let text = text(&path, data)?.replace(ID, name).replace(IDENTIFIER, &identifier);
            let path = path.strip_prefix(layer).unwrap_or_default().trim_start_matches('/');
            // Under its real name it would rule over this repository's own files.
            let path = if path == "gitignore" { ".gitignore" } else { path };
            files.push((path.into(), text));
        }
    }
    // Contracts that were released before are kept in a folder below, for this repository's tests.
    for path in Contract::iter().filter(|path| !path.contains('/')) {
        let data = Contract::get(&path).with_context(|| format!("wit/{path} is not in this binary"))?.data;
        files.push((Path::new("wit").join(path.as_ref()), text(&path, data)?));
    }
    Ok(files)
}

fn text(path: &str, data: Cow<'static, [u8]>) -> anyhow::Result<String> {
    String::from_utf8(data.into_owned()).with_context(|| path.to_owned())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.with_context(|| path.display().to_string())
}
