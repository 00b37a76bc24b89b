//! An answer that is written while it is sent: as much as the client takes, and never all of it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use axum::body::{Body, Bytes};
use futures::{SinkExt, StreamExt, channel::mpsc, pin_mut};

use super::ask::Wanted;
use crate::{
    api::state::Api,
    domain::{Buckets, Measure, Resolution},
    export::{self, Line, Sink},
    store::{ExportSeries, Store},
};

/// A piece is sent once it is this long.
const PIECE: usize = 64 * 1024;

/// Pieces that may wait for the client.
const WAITING: usize = 4;

/// What was written and not yet sent.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// Takes what was written, if that is enough to be sent.
    fn take(&self, least: usize) -> Option<Bytes> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (written.len() >= least.max(1)).then(|| std::mem::take(&mut *written).into())
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The answer's body. It breaks off, so that nobody takes it for whole, where reading fails.
pub(super) fn body(api: Api, wanted: Wanted) -> Body {
    let (mut pieces, body) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    tokio::spawn(async move {
        if let Err(error) = send(&api.store, wanted, &mut pieces).await {
            // A client that has gone is nobody's fault.
            if !pieces.is_closed() {
                tracing::warn!("an answer broke off: {error:#}");
                let _ = pieces.send(Err(io::Error::other("the answer could not be finished"))).await;
            }
        }
    });
    Body::from_stream(body)
}

type Pieces = mpsc::Sender<io::Result<Bytes>>;

async fn send(store: &Store, wanted: Wanted, pieces: &mut Pieces) -> anyhow::Result<()> {
    let Wanted { filter, window, resolution, measure, zone, format, columns } = wanted;
    let written = Written::default();
    let mut sink = export::sink(format, columns, written.clone())?;
    let rows = store.export(filter).await?;
    pin_mut!(rows);
    let mut gathering: Option<Gathering> = None;
    while let Some(row) = rows.next().await {
        let row = row?;
        let measure = measure.unwrap_or(Measure::of(row.series.quantity));
        if resolution == Resolution::Native {
            sink.line(&Line::measured(&row, measure))?;
        } else {
            if gathering.as_ref().is_none_or(|of| of.series.id != row.series.id) {
                finish(gathering.take(), sink.as_mut())?;
            }
            let of = gathering.get_or_insert_with(|| Gathering {
                series: Arc::clone(&row.series),
                measure,
                buckets: Buckets::new(resolution, zone, window, row.series.quantity, measure),
            });
            let mut ended = Vec::new();
            of.buckets.push(&row.measurement(), |bucket| ended.push(bucket));
            for bucket in &ended {
                sink.line(&Line::gathered(&of.series, bucket, measure))?;
            }
        }
        if let Some(piece) = written.take(PIECE) {
            pieces.send(Ok(piece)).await?;
        }
    }
    finish(gathering, sink.as_mut())?;
    sink.finish()?;
    if let Some(piece) = written.take(0) {
        pieces.send(Ok(piece)).await?;
    }
    Ok(())
}

/// The series whose values are being gathered.
struct Gathering {
    series: Arc<ExportSeries>,
    measure: Measure,
    buckets: Buckets,
}

/// Writes the last bucket of a series.
fn finish(gathering: Option<Gathering>, sink: &mut dyn Sink) -> anyhow::Result<()> {
    let Some(Gathering { series, measure, buckets }) = gathering else { return Ok(()) };
    match buckets.finish() {
        Some(bucket) => sink.line(&Line::gathered(&series, &bucket, measure)),
        None => Ok(()),
    }
}
