//! `backfill source rollback`: back to a component that a source ran with before. `backfill.toml` and the file that it
//! names stay the only truth: they are changed to what they were, and a running host follows them as always.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::Args;

use super::{
    context::{self, env},
    source_versions::{Known, configured, known, short},
};
use crate::{
    config::{self, Component, Config},
    source::{self, Engine, Source},
};

/// Go back to a component that a source ran with before; to the last one other than that of backfill.toml if none is
/// named.
///
/// A component file is replaced by the kept one, or, where another source runs with that file too, one of its own is
/// named; a digest or an address in backfill.toml is changed, and comments and layout stay. A running host follows within
/// seconds: tasks that run end on the component that they began with.
///
/// For example:
///   backfill source versions elexon
///   backfill source rollback elexon
///   backfill source rollback elexon 3f1c5a90d2e4
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Rollback {
    /// Id of a source in backfill.toml.
    id: String,

    /// The component's SHA-256, or its beginning.
    digest: Option<String>,
}

/// What is to be written.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// The file that the kept component is written to.
    file: Option<PathBuf>,
    component: Option<String>,
    sha256: Option<String>,
}

impl Rollback {
    pub(super) async fn act(self, path: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(path)?;
        let configured = configured(&config, &self.id)?;
        let engine = context::engine(&config)?;
        let known = known(&config, configured, &engine).await?;
        let target = choose(&known, self.digest.as_deref())
            .with_context(|| format!("`backfill source versions {}` shows what there is", self.id))?;
        let Some(kept) = engine.kept(&target.digest) else {
            bail!(
                "{} is not kept on this host; put its file back yourself, or run this on a host that ran it",
                short(&target.digest)
            );
        };
        let sharing = sharing(&config, configured);
        let changes = changes(&config, configured, target, !sharing.is_empty())?;
        let running = known.iter().find(|version| version.active && version.digest != target.digest);
        let running = running.and_then(|version| engine.kept(&version.digest));
        try_out(configured, &kept, &target.digest, running.as_deref(), &engine).await?;
        let bytes = fs::read(&kept).with_context(|| format!("reading {}", kept.display()))?;
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let (component, sha256) = (changes.component.as_deref(), changes.sha256.as_deref());
        let edited = config::with_component(&text, &self.id, component, sha256)
            .map_err(|why| anyhow::anyhow!("{} can't be edited: {why}; edit it yourself", path.display()))?;
        if let Some(file) = &changes.file {
            if let Some(shared) = configured.component.file().filter(|shared| shared != file) {
                let others = sharing.join(", ");
                say!("{} stays as it is, since {others} runs with it too", shared.display())?;
            }
            set_aside(file, &engine)?;
            config::replace_file(file, &bytes).with_context(|| format!("replacing {}", file.display()))?;
            say!("{} is the component {} again", file.display(), short(&target.digest))?;
        }
        if edited != text {
            let wrote = config::replace_file(path, edited.as_bytes());
            wrote.with_context(|| format!("replacing {}", path.display()))?;
            say!("{} names the component {} again", path.display(), short(&target.digest))?;
        }
        if matches!(configured.component, Component::Web { .. })
            && changes.component.as_deref() == Some(&configured.component.address())
        {
            let address = &configured.component;
            say!(
                "{address} had it before, and may have another file now: a host that does not keep it can't have it"
            )?;
        }
        let version = target.version.as_deref().unwrap_or("of an unknown version");
        say!(
            "source {} goes back to {version} ({}); a running host follows",
            self.id,
            short(&target.digest)
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The component that is meant.
fn choose<'k>(known: &'k [Known], digest: Option<&str>) -> anyhow::Result<&'k Known> {
    let Some(digest) = digest else {
        let others = known.iter().filter(|version| !version.configured);
        let mut kept: Vec<_> = others.filter(|version| version.kept).collect();
        kept.sort_by_key(|version| std::cmp::Reverse(version.since.max(version.last_attempt)));
        return kept.first().copied().context("no other component is kept on this host");
    };
    let digest = digest.to_ascii_lowercase();
    let found: Vec<_> = known.iter().filter(|version| version.digest.starts_with(&digest)).collect();
    match found.as_slice() {
        [one] if one.configured => bail!("{} is the one that the configuration names", short(&one.digest)),
        [one] => Ok(one),
        [] => bail!("the source ran with no component {digest}"),
        several => bail!("{} components begin with {digest}; write more of it", several.len()),
    }
}

/// The other sources whose component is the same file.
fn sharing<'c>(config: &'c Config, configured: &config::Source) -> Vec<&'c str> {
    let real = |source: &config::Source| {
        source.component.file().map(|file| fs::canonicalize(file).unwrap_or_else(|_| file.to_owned()))
    };
    let others = config.sources.iter().filter(|other| other.id != configured.id);
    let sharing = others.filter(|other| real(other).is_some() && real(other) == real(configured));
    sharing.map(|other| other.id.as_str()).collect()
}

/// What has to be written so that the configuration names a component again. A `shared` file belongs to other sources too,
/// which nobody wants to go back.
fn changes(
    config: &Config,
    configured: &config::Source,
    target: &Known,
    shared: bool,
) -> anyhow::Result<Changes> {
    let digest = target.digest.clone();
    let pin = configured.sha256.is_some().then(|| digest.clone());
    let before = target.component.clone();
    let unknown = |what: &str| {
        anyhow::anyhow!(
            "nobody knows the {what} of {} any more; write it into {} yourself",
            short(&target.digest),
            config.path.display()
        )
    };
    match &configured.component {
        Component::File(file) if shared => {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let own = file.with_file_name(format!("{stem}-{}.wasm", short(&target.digest)));
            let folder = config.path.parent().unwrap_or(Path::new(""));
            let named = own.strip_prefix(folder).unwrap_or(&own).display().to_string();
            Ok(Changes { file: Some(own), component: Some(named), sha256: pin })
        }
        Component::File(file) => Ok(Changes { file: Some(file.clone()), component: None, sha256: pin }),
        Component::Web { .. } => {
            let before = before.filter(|before| before.starts_with("http"));
            // Under another address this host would have it from what it keeps, and no other host from anywhere.
            let before = before.ok_or_else(|| unknown("address"))?;
            Ok(Changes { file: None, component: Some(before), sha256: Some(digest) })
        }
        Component::Oci { .. } => {
            let before = before.filter(|before| before.starts_with("oci://"));
            let before = before.ok_or_else(|| unknown("oci:// reference"))?;
            Ok(Changes { file: None, component: Some(before), sha256: pin })
        }
    }
}

/// Whether the component can be used with what the configuration says today, in the place of the one that runs if that is
/// kept. Its credential may be known to the running host alone.
async fn try_out(
    configured: &config::Source,
    kept: &Path,
    digest: &str,
    running: Option<&Path>,
    engine: &Engine,
) -> anyhow::Result<()> {
    let trial = config::Source {
        component: Component::File(kept.to_owned()),
        sha256: Some(digest.to_owned()),
        credential: None,
        ..configured.clone()
    };
    let shared = context::shared_without_store();
    let running = match running {
        // What can't be opened any more keeps nobody from going back.
        Some(file) => source::open_file(file, &BTreeMap::new(), engine, &shared).await.ok(),
        None => None,
    };
    let before = running.as_ref().map(Source::description);
    let admitted = source::admit(&trial, &env, engine, &shared, before).await;
    admitted.map(drop).with_context(|| {
        let file = kept.display();
        format!("it can't be used with what the configuration says of the source today (its file is {file})")
    })
}

/// Keeps a file that never ran, and that nobody would have any more.
fn set_aside(file: &Path, engine: &Engine) -> anyhow::Result<()> {
    let Ok(bytes) = fs::read(file) else { return Ok(()) };
    let digest = source::sha256(&bytes);
    let Some(folder) = engine.components().filter(|_| engine.kept(&digest).is_none()) else {
        return Ok(());
    };
    let aside = folder.join("replaced").join(digest).with_extension("wasm");
    let kept = fs::create_dir_all(folder.join("replaced")).and_then(|()| fs::write(&aside, bytes));
    kept.with_context(|| format!("setting the file that is there now aside as {}", aside.display()))?;
    say!("the file that was there never ran; it is kept as {}", aside.display())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(digest: &str, since: i64, kept: bool, configured: bool) -> Known {
        Known {
            digest: digest.to_owned(),
            version: None,
            component: None,
            since: chrono::DateTime::from_timestamp(since, 0),
            attempts: 0,
            last_attempt: None,
            kept,
            active: false,
            configured,
        }
    }

    #[test]
    fn the_one_before_is_the_latest_other_one_that_is_kept() {
        let all = [
            known("aa11", 1, true, false),
            known("ab22", 2, true, false),
            known("cc33", 3, false, false),
            known("dd44", 4, true, true),
        ];
        let chosen =
            |digest| choose(&all, digest).map(|known| known.digest.as_str()).map_err(|e| e.to_string());
        assert_eq!(chosen(None), Ok("ab22"));
        assert_eq!(chosen(Some("AA")), Ok("aa11"));
        for (digest, hint) in
            [("a", "2 components begin"), ("dd44", "is the one that"), ("ee", "no component ee")]
        {
            let why = chosen(Some(digest)).unwrap_err();
            assert!(why.contains(hint), "{why}");
        }
        assert!(choose(&all[3..], None).is_err());
    }
}
