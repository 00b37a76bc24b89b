//! Parquet by column chunks: rows gather until a row group is full.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::{Columns, Line, Sink};
use crate::domain::Measure;

/// Rows of a row group: some megabytes, so that readers can skip and memory stays small.
const GROUP: usize = 1 << 17;

/// The columns of every file.
const SCHEMA: &str = "
        required binary windfarm (utf8);
        required binary source (utf8);
        required binary unit_code (utf8);
        required binary unit_name (utf8);
        required binary kind (utf8);
        required binary quantity (utf8);
        required binary labels (utf8);
        required int64 start (timestamp(millis, true));
        required int32 seconds;
        required double value;
        required binary unit (utf8);";

const COVERAGE: &str = "required double coverage;";
const ATTEMPT: &str = "optional int64 attempt_id;";
/// Last, so that what came before it stays where it was.
const SERIES: &str = "required int64 series_id;";
const HISTORY: &str = "optional int64 replaced_at (timestamp(micros, true)); optional int64 replaced_by;";

/// How many of the columns are text of the series.
const TEXTS: usize = 7;

pub(super) struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Columns,
    rows: Rows,
    /// The texts of the series at hand: rows of one series come together and share them.
    series: Option<(i64, [ByteArray; TEXTS])>,
    units: [ByteArray; 2],
}

/// The rows of a group, column by column. Of an optional column only the values that there are, and for each row
/// whether there is one (1) or not (0).
#[derive(Default)]
struct Rows {
    texts: [Vec<ByteArray>; TEXTS],
    starts: Vec<i64>,
    seconds: Vec<i32>,
    values: Vec<f64>,
    units: Vec<ByteArray>,
    coverages: Vec<f64>,
    attempts: (Vec<i64>, Vec<i16>),
    replaced_at: (Vec<i64>, Vec<i16>),
    replaced_by: (Vec<i64>, Vec<i16>),
    series: Vec<i64>,
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W, columns: Columns) -> anyhow::Result<Self> {
        let more = [(columns.coverage, COVERAGE), (columns.attempt, ATTEMPT), (columns.history, HISTORY)];
        let more: Vec<_> = more.into_iter().filter(|(wanted, _)| *wanted).map(|(_, column)| column).collect();
        let schema = format!("message measurements {{ {SCHEMA} {} {SERIES} }}", more.join(" "));
        let schema = Arc::new(parse_message_type(&schema)?);
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
        let units = [Measure::Mw, Measure::Mwh].map(|measure| ByteArray::from(measure.unit()));
        Ok(Self { writer, columns, rows: Rows::default(), series: None, units })
    }

    fn texts_of(&mut self, line: &Line<'_>) -> anyhow::Result<[ByteArray; TEXTS]> {
        let series = line.series;
        if let Some((id, texts)) = &self.series
            && *id == series.id
        {
            return Ok(texts.clone());
        }
        let labels = serde_json::to_string(&series.labels)?;
        let texts = [
            series.windfarm.as_str(),
            &series.source,
            &series.unit_code,
            &series.unit_name,
            &series.kind,
            series.quantity.as_str(),
            &labels,
        ]
        .map(ByteArray::from);
        self.series = Some((series.id, texts.clone()));
        Ok(texts)
    }

    fn write_group(&mut self) -> anyhow::Result<()> {
        let Self { writer, columns, rows, .. } = self;
        if rows.starts.is_empty() {
            return Ok(());
        }
        let mut group = writer.next_row_group()?;
        for texts in &mut rows.texts {
            write_column::<ByteArrayType, W>(&mut group, texts, None)?;
        }
        write_column::<Int64Type, W>(&mut group, &mut rows.starts, None)?;
        write_column::<Int32Type, W>(&mut group, &mut rows.seconds, None)?;
        write_column::<DoubleType, W>(&mut group, &mut rows.values, None)?;
        write_column::<ByteArrayType, W>(&mut group, &mut rows.units, None)?;
        if columns.coverage {
            write_column::<DoubleType, W>(&mut group, &mut rows.coverages, None)?;
        }
        let optional = [
            (columns.attempt, &mut rows.attempts),
            (columns.history, &mut rows.replaced_at),
            (columns.history, &mut rows.replaced_by),
        ];
        for (_, (values, there)) in optional.into_iter().filter(|(wanted, _)| *wanted) {
            write_column::<Int64Type, W>(&mut group, values, Some(there))?;
        }
        write_column::<Int64Type, W>(&mut group, &mut rows.series, None)?;
        group.close()?;
        Ok(())
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
    values: &mut Vec<T::T>,
    there: Option<&mut Vec<i16>>,
) -> anyhow::Result<()> {
    let Some(mut column) = group.next_column()? else {
        anyhow::bail!("the Parquet schema has fewer columns than are written");
    };
    column.typed::<T>().write_batch(values, there.as_deref().map(Vec::as_slice), None)?;
    column.close()?;
    values.clear();
    if let Some(there) = there {
        there.clear();
    }
    Ok(())
}

/// Adds a value that there is, or is not.
fn push((values, there): &mut (Vec<i64>, Vec<i16>), value: Option<i64>) {
    there.push(value.is_some().into());
    values.extend(value);
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn line(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        let texts = self.texts_of(line)?;
        let rows = &mut self.rows;
        for (column, text) in rows.texts.iter_mut().zip(texts) {
            column.push(text);
        }
        rows.starts.push(line.start.saturating_mul(1000));
        // A length over 68 years does not fit the column, and no month has one.
        rows.seconds.push(i32::try_from(line.seconds()).unwrap_or(i32::MAX));
        rows.values.push(line.value);
        rows.units.push(self.units[usize::from(line.measure == Measure::Mwh)].clone());
        if self.columns.coverage {
            rows.coverages.push(line.coverage);
        }
        if self.columns.attempt {
            push(&mut rows.attempts, line.attempt_id);
        }
        if self.columns.history {
            push(&mut rows.replaced_at, line.replaced.map(|replaced| replaced.at.timestamp_micros()));
            push(&mut rows.replaced_by, line.replaced.map(|replaced| replaced.by));
        }
        rows.series.push(line.series.id);
        if rows.starts.len() >= GROUP { self.write_group() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<()> {
        self.write_group()?;
        self.writer.close()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };

    use super::*;
    use crate::{
        domain::Quantity,
        store::{ExportRow, ExportSeries, Instant, Replaced},
    };

    fn series(id: i64, kind: &str) -> Arc<ExportSeries> {
        Arc::new(ExportSeries {
            id,
            windfarm: "Anholt".into(),
            unit_id: 1,
            unit_code: "45W000000000046I".into(),
            unit_name: "Anholt".into(),
            source: "entsoe".into(),
            kind: kind.into(),
            quantity: Quantity::MeanPower,
            labels: [("production-type".to_owned(), "wind-offshore".to_owned())].into(),
        })
    }

    #[test]
    fn what_is_written_is_read_back_over_several_row_groups() {
        let (out, consumed) = (series(1, "generation"), series(2, "consumption"));
        let mut file = Vec::new();
        let mut sink = Box::new(Parquet::new(&mut file, Columns::default()).unwrap());
        let rows = GROUP as i64 + 3;
        for i in 0..rows {
            let series = Arc::clone(if i < 5 { &out } else { &consumed });
            let value = i as f64 / 2.0;
            let row =
                ExportRow { series, start: i * 3600, seconds: 3600, value, attempt_id: 1, replaced: None };
            sink.line(&Line::of(&row)).unwrap();
        }
        sink.finish().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        let mut read = 0;
        for (i, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let row = row.unwrap();
            let kind = if i < 5 { "generation" } else { "consumption" };
            assert_eq!(row.get_string(4).unwrap(), kind);
            assert_eq!(row.get_string(6).unwrap(), r#"{"production-type":"wind-offshore"}"#);
            assert_eq!(row.get_timestamp_millis(7).unwrap(), i as i64 * 3_600_000);
            assert_eq!(row.get_double(9).unwrap(), i as f64 / 2.0);
            assert_eq!(row.get_long(11).unwrap(), if i < 5 { 1 } else { 2 });
            read += 1;
        }
        assert_eq!(read, rows);
    }
    #[test]
    fn further_columns_hold_what_there_is() {
        let replaced = Replaced { at: Instant::from_seconds(77), by: -3 };
        let mut file = Vec::new();
        let columns = Columns { attempt: true, coverage: true, history: true };
        let mut sink = Box::new(Parquet::new(&mut file, columns).unwrap());
        for replaced in [None, Some(replaced), None] {
            let series = series(1, "generation");
            let row = ExportRow { series, start: 0, seconds: 3600, value: 2.0, attempt_id: 9, replaced };
            sink.line(&Line { coverage: 0.5, ..Line::measured(&row, Measure::Mwh) }).unwrap();
        }
        sink.finish().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        for (n, row) in rows.iter().enumerate() {
            assert_eq!((row.get_string(10).unwrap().as_str(), row.get_double(11).unwrap()), ("MWh", 0.5));
            assert_eq!(row.get_long(12).unwrap(), 9);
            assert_eq!(row.get_timestamp_micros(13).ok(), (n == 1).then_some(77_000_000));
            assert_eq!(row.get_long(14).ok(), (n == 1).then_some(-3));
            assert_eq!(row.get_long(15).unwrap(), 1, "the series comes last");
        }
    }
}
