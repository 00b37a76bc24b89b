//! Parquet by column chunks: rows gather until a row group is full.

use std::{io::Write, sync::Arc};

use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};

use super::Sink;
use crate::store::ExportRow;

/// Rows of a row group: some megabytes, so that readers can skip and memory stays small.
const GROUP: usize = 1 << 17;

const SCHEMA: &str = "
    message measurements {
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
    }";

/// How many of the columns are text.
const TEXTS: usize = 7;

pub(super) struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    texts: [Vec<ByteArray>; TEXTS],
    starts: Vec<i64>,
    seconds: Vec<i32>,
    values: Vec<f64>,
    /// The texts of the series at hand: rows of one series come together and share them.
    series: Option<(i64, [ByteArray; TEXTS])>,
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W) -> anyhow::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
        Ok(Self {
            writer,
            texts: Default::default(),
            starts: Vec::new(),
            seconds: Vec::new(),
            values: Vec::new(),
            series: None,
        })
    }

    fn texts_of(&mut self, row: &ExportRow) -> anyhow::Result<[ByteArray; TEXTS]> {
        let series = &row.series;
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
        if self.starts.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for texts in &mut self.texts {
            write_column::<ByteArrayType, W>(&mut group, texts)?;
        }
        write_column::<Int64Type, W>(&mut group, &mut self.starts)?;
        write_column::<Int32Type, W>(&mut group, &mut self.seconds)?;
        write_column::<DoubleType, W>(&mut group, &mut self.values)?;
        group.close()?;
        Ok(())
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
    values: &mut Vec<T::T>,
) -> anyhow::Result<()> {
    let Some(mut column) = group.next_column()? else {
        anyhow::bail!("the Parquet schema has fewer columns than are written");
    };
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()?;
    values.clear();
    Ok(())
}

impl<W: Write + Send> Sink for Parquet<W> {
    fn row(&mut self, row: &ExportRow) -> anyhow::Result<()> {
        let texts = self.texts_of(row)?;
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text);
        }
        self.starts.push(row.start.saturating_mul(1000));
        // A length over 68 years does not fit the column, and no month has one.
        self.seconds.push(i32::try_from(row.seconds).unwrap_or(i32::MAX));
        self.values.push(row.value);
        if self.starts.len() >= GROUP { self.write_group() } else { Ok(()) }
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
    use crate::{domain::Quantity, store::ExportSeries};

    #[test]
    fn what_is_written_is_read_back_over_several_row_groups() {
        let series = |id, kind: &str| {
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
        };
        let (out, consumed) = (series(1, "generation"), series(2, "consumption"));
        let mut file = Vec::new();
        let mut sink = Box::new(Parquet::new(&mut file).unwrap());
        let rows = GROUP as i64 + 3;
        for i in 0..rows {
            let series = Arc::clone(if i < 5 { &out } else { &consumed });
            sink.row(&ExportRow { series, start: i * 3600, seconds: 3600, value: i as f64 / 2.0 }).unwrap();
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
            read += 1;
        }
        assert_eq!(read, rows);
    }
}
