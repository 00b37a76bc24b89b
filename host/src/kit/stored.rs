//! What is stored of a unit's month, as series.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use crate::{
    domain::{Labels, Measurement, Quantity, Series, Window},
    store::{ExportFilter, ExportRow, Instant, Store, StoreError},
};

/// A stored measurement, and who wrote it.
type Row = (Measurement, i64);

/// Stored rows by kind, quantity and labels, each ordered by start.
pub(super) struct Stored(BTreeMap<(String, Quantity, Labels), Vec<Row>>);

impl Stored {
    /// What stands of a unit in a window, or stood at an instant.
    pub(super) async fn read(
        store: &Store,
        unit_id: i64,
        source: &str,
        window: Window,
        as_of: Option<Instant>,
    ) -> Result<Self, StoreError> {
        let filter = ExportFilter {
            unit_ids: vec![unit_id],
            source: Some(source.to_owned()),
            from: Some(window.start),
            to: Some(window.end),
            as_of,
            ..ExportFilter::default()
        };
        let mut all: BTreeMap<_, Vec<Row>> = BTreeMap::new();
        let mut rows = std::pin::pin!(store.export(filter).await?);
        while let Some(row) = rows.try_next().await? {
            let ExportRow { series, .. } = &row;
            let identity = (series.kind.clone(), series.quantity, series.labels.clone());
            all.entry(identity).or_default().push((row.measurement(), row.attempt_id));
        }
        Ok(Self(all))
    }

    /// All of it.
    pub(super) fn all(self) -> Vec<Series> {
        self.only(|_, _, _| true)
    }

    /// What an attempt that returned `found` has to do with it: what it wrote, and what starts where it found
    /// something. The rest of the month stood there without it.
    pub(super) fn about(self, attempt_id: i64, found: &[Series]) -> Vec<Series> {
        self.only(|(kind, quantity, labels), row, writer| {
            let mut same = found
                .iter()
                .filter(|one| one.kind == *kind && one.quantity == *quantity && one.labels == *labels);
            writer == attempt_id
                || same.any(|one| one.measurements.binary_search_by_key(&row.start, |m| m.start).is_ok())
        })
    }

    fn only(self, wanted: impl Fn(&(String, Quantity, Labels), &Measurement, i64) -> bool) -> Vec<Series> {
        let series = self.0.into_iter().map(|(identity, rows)| {
            let rows = rows.into_iter().filter(|(row, writer)| wanted(&identity, row, *writer));
            let measurements = rows.map(|(row, _)| row).collect();
            let (kind, quantity, labels) = identity;
            Series { kind, quantity, labels, measurements }
        });
        series.filter(|series| !series.measurements.is_empty()).collect()
    }
}
