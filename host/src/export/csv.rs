//! CSV: one line a value.

use std::io::Write;

use super::{Columns, Line, Sink, instant};

pub(super) struct Csv<W: Write> {
    writer: csv::Writer<W>,
    columns: Columns,
}

const NAMES: [&str; 11] = [
    "windfarm",
    "source",
    "unit_code",
    "unit_name",
    "kind",
    "quantity",
    "labels",
    "start",
    "seconds",
    "value",
    "unit",
];

impl<W: Write> Csv<W> {
    pub(super) fn new(out: W, columns: Columns) -> anyhow::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        NAMES.iter().try_for_each(|name| writer.write_field(name))?;
        for (wanted, names) in [
            (columns.coverage, &["coverage"][..]),
            (columns.attempt, &["attempt_id"]),
            (columns.history, &["replaced_at", "replaced_by"]),
            // Last, so that what came before it stays where it was.
            (true, &["series_id"]),
        ] {
            names.iter().filter(|_| wanted).try_for_each(|name| writer.write_field(name))?;
        }
        writer.write_record(None::<&[u8]>)?;
        Ok(Self { writer, columns })
    }
}

impl<W: Write + Send> Sink for Csv<W> {
    fn line(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        let series = line.series;
        let fields = [
            &series.windfarm,
            &series.source,
            &series.unit_code,
            &series.unit_name,
            &series.kind,
            series.quantity.as_str(),
            &serde_json::to_string(&series.labels)?,
            &instant(line.start),
            &line.seconds().to_string(),
            &line.value.to_string(),
            line.measure.unit(),
        ];
        fields.iter().try_for_each(|field| self.writer.write_field(field))?;
        if self.columns.coverage {
            self.writer.write_field(line.coverage.to_string())?;
        }
        if self.columns.attempt {
            self.writer.write_field(line.attempt_id.map(|id| id.to_string()).unwrap_or_default())?;
        }
        if self.columns.history {
            let at = line
                .replaced
                .map(|replaced| replaced.at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            self.writer.write_field(at.unwrap_or_default())?;
            let by = line.replaced.map(|replaced| replaced.by.to_string());
            self.writer.write_field(by.unwrap_or_default())?;
        }
        self.writer.write_field(series.id.to_string())?;
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        Ok(self.writer.flush()?)
    }
}
