//! `backfill export`: stored measurements with their unit, kind, quantity and labels, in constant memory.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use futures::{StreamExt, pin_mut};

use super::context;
use crate::{
    domain::Month,
    export::{self, Columns, Line},
    store::ExportFilter,
};

/// Write stored measurements as CSV or Parquet.
///
/// Columns: windfarm, source, unit_code, unit_name, kind, quantity, labels (JSON), start (UTC), seconds, value,
/// and the unit of the value (MW or MWh).
///
/// For example:
///   backfill export --format parquet --output anholt.parquet --windfarm Anholt --from 2023-01 --to 2023-12
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Export {
    /// csv or parquet.
    #[arg(long, value_enum)]
    format: Format,

    /// Where to write; without it, to standard output. A file appears only once it is whole.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Only this wind farm.
    #[arg(long, value_name = "NAME")]
    windfarm: Option<String>,

    /// Only this source.
    #[arg(long, value_name = "ID")]
    source: Option<String>,

    /// Only this kind, e.g. generation.
    #[arg(long)]
    kind: Option<String>,

    /// From the start of this month (UTC).
    #[arg(long, value_name = "YYYY-MM")]
    from: Option<Month>,

    /// To the end of this month (UTC).
    #[arg(long, value_name = "YYYY-MM")]
    to: Option<Month>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Parquet,
}

impl From<Format> for export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Parquet => Self::Parquet,
        }
    }
}

impl Export {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        if self.format == Format::Parquet && self.output.is_none() && io::stdout().is_terminal() {
            bail!("Parquet is not for a terminal; give --output FILE");
        }
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let windfarm_id = match &self.windfarm {
            Some(name) => Some(store.windfarm_by_name(name).await?.id),
            None => None,
        };
        let filter = ExportFilter {
            windfarm_id,
            source: self.source.clone(),
            kind: self.kind.clone(),
            from: self.from.map(|month| month.window(Tz::UTC).start),
            to: self.to.map(|month| month.window(Tz::UTC).end),
            ..ExportFilter::default()
        };
        let rows = store.export(filter).await?;
        pin_mut!(rows);
        // Beside its final place, so that the rename at the end can't cross file systems.
        let unfinished = match &self.output {
            Some(path) => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
                    .with_context(|| format!("making a file beside {}", path.display()))?;
                Some((file, path))
            }
            None => None,
        };
        let out: Box<dyn Write + Send> = match &unfinished {
            Some((file, _)) => Box::new(BufWriter::new(file.reopen()?)),
            None => Box::new(BufWriter::new(File::from(stdout()?))),
        };
        let mut sink = export::sink(self.format.into(), Columns::default(), out)?;
        let mut count = 0_u64;
        while let Some(row) = rows.next().await {
            sink.line(&Line::of(&row?))?;
            count += 1;
        }
        sink.finish().context("writing the export")?;
        if let Some((file, path)) = unfinished {
            file.persist(path).with_context(|| format!("putting {} in place", path.display()))?;
        }
        tracing::info!("{count} measurements exported");
        Ok(ExitCode::SUCCESS)
    }
}

/// Standard output without the line buffer of `io::stdout`.
fn stdout() -> anyhow::Result<std::os::fd::OwnedFd> {
    use std::os::fd::AsFd;
    Ok(io::stdout().as_fd().try_clone_to_owned()?)
}
