//! Parquet: columns, in row groups of bounded size, so that memory does not grow with the ledger.

use std::{io, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::types::{Type, TypePtr},
};

use super::{
    format::Sink,
    row::{COLUMNS, Cell, Column, Kind, Row},
};
use crate::export::Target;

/// A row group has at most this many rows,
pub(super) const GROUP_ROWS: usize = 1 << 16;
/// and is closed by the row that brings its texts to this many bytes.
pub(super) const GROUP_BYTES: usize = 32 << 20;

/// Writes row groups.
pub(super) struct Parquet {
    writer: SerializedFileWriter<Target>,
    group: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// The values of a column in the present row group, without those that are nothing.
#[derive(Default)]
struct Values {
    /// 1 for each value, 0 where there is nothing.
    levels: Vec<i16>,
    integers: Vec<i64>,
    booleans: Vec<bool>,
    texts: Vec<ByteArray>,
}

fn other(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        error => io::Error::other(error),
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let field = |column: &Column| {
        let (physical, logical) = match column.kind {
            Kind::Integer => (Physical::INT64, None),
            Kind::Boolean => (Physical::BOOLEAN, None),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        };
        let repetition = if column.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let field = Type::primitive_type_builder(column.name, physical);
        field.with_repetition(repetition).with_logical_type(logical).build().map(Arc::new)
    };
    let fields = COLUMNS.iter().map(field).collect::<Result<_, _>>()?;
    Type::group_type_builder("event").with_fields(fields).build().map(Arc::new)
}

impl Parquet {
    pub(super) fn new(target: Target, about: &[(&str, String)]) -> io::Result<Self> {
        let about = about.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("socai {}", env!("CARGO_PKG_VERSION")))
            .set_key_value_metadata(Some(about.collect()))
            .set_max_row_group_row_count(None)
            // By row group only: what is kept of each page would be kept until the file ends.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .build();
        let writer = schema().and_then(|schema| SerializedFileWriter::new(target, schema, Arc::new(properties)));
        let group = COLUMNS.iter().map(|_| Values::default()).collect();
        Ok(Self { writer: writer.map_err(other)?, group, rows: 0, bytes: 0 })
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (column, values) in COLUMNS.iter().zip(&mut self.group) {
            let missing = || ParquetError::General(format!("the schema has no column {}", column.name));
            values.write(column, group.next_column()?.ok_or_else(missing)?)?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl Values {
    /// Takes a cell; says how many bytes of text.
    fn push(&mut self, cell: Cell) -> usize {
        self.levels.push(i16::from(cell != Cell::Nothing));
        match cell {
            Cell::Nothing => {}
            Cell::Integer(number) => self.integers.push(number),
            Cell::Boolean(of) => self.booleans.push(of),
            Cell::Text(text) => {
                let len = text.len();
                self.texts.push(text.into_bytes().into());
                return len;
            }
        }
        0
    }

    fn write(&mut self, column: &Column, mut to: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = column.nullable.then_some(&self.levels[..]);
        match column.kind {
            Kind::Integer => to.typed::<Int64Type>().write_batch(&self.integers, levels, None)?,
            Kind::Boolean => to.typed::<BoolType>().write_batch(&self.booleans, levels, None)?,
            Kind::Text | Kind::Json => to.typed::<ByteArrayType>().write_batch(&self.texts, levels, None)?,
        };
        self.levels.clear();
        self.integers.clear();
        self.booleans.clear();
        self.texts.clear();
        to.close()
    }
}

impl Sink for Parquet {
    fn write(&mut self, rows: Vec<Row>) -> io::Result<()> {
        for row in rows {
            for (values, cell) in self.group.iter_mut().zip(row) {
                self.bytes += values.push(cell);
            }
            self.rows += 1;
            if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
                self.flush().map_err(other)?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Target> {
        self.flush().and_then(|()| self.writer.into_inner()).map_err(other)
    }
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::{
            metadata::RowGroupMetaData,
            reader::{FileReader as _, SerializedFileReader},
        },
        record::Field,
    };
    use socai_domain::ledger::Opened;

    use super::*;
    use crate::export::events::row::{row, tests::opened};

    fn read(rows: impl IntoIterator<Item = Row>) -> SerializedFileReader<std::fs::File> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows.parquet");
        let about = [("socai.ledger", "7".to_owned())];
        let mut sink = Box::new(Parquet::new(Target::file(&path, false, &[]).unwrap(), &about).unwrap());
        for row in rows {
            sink.write(vec![row]).unwrap();
        }
        sink.finish().unwrap().commit().unwrap();
        SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let (placed, opened) = opened();
        let bodies = [Some(opened), Some(Opened::Erased), None];
        let written: Vec<Row> = bodies.into_iter().map(|body| row(&placed, body)).collect();
        let file = read(written.clone());
        let found: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(found.len(), 3);
        for (found, written) in found.iter().zip(&written) {
            let found = found.get_column_iter();
            for ((name, found), cell) in found.zip(written) {
                let same = match (found, cell) {
                    (Field::Null, Cell::Nothing) => true,
                    (Field::Long(found), Cell::Integer(cell)) => found == cell,
                    (Field::Str(found), Cell::Text(cell)) => found == cell,
                    (Field::Bool(found), Cell::Boolean(cell)) => found == cell,
                    _ => false,
                };
                assert!(same, "{name}: {found:?} {cell:?}");
            }
        }
        let about = file.metadata().file_metadata().key_value_metadata().unwrap();
        assert!(about.contains(&KeyValue::new("socai.ledger".to_owned(), "7".to_owned())));
    }

    #[test]
    fn no_row_group_is_larger_than_what_memory_is_meant_to_hold() {
        let (placed, opened) = opened();
        let one = row(&placed, Some(opened));
        let file = read(std::iter::repeat_n(one.clone(), GROUP_ROWS + 5));
        let rows: Vec<_> = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(rows, [i64::try_from(GROUP_ROWS).unwrap(), 5]);
        // Long texts close a group, too.
        let mut long = one;
        *long.last_mut().unwrap() = Cell::Text(format!("{{\"a\":\"{}\"}}", "x".repeat(GROUP_BYTES / 4)));
        let file = read(std::iter::repeat_n(long, 6));
        let rows: Vec<_> = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(rows, [4, 2]);
    }

    #[test]
    fn no_rows_are_a_table_of_no_rows() {
        let file = read([]);
        assert_eq!(file.metadata().num_row_groups(), 0);
        let names: Vec<_> =
            file.metadata().file_metadata().schema().get_fields().iter().map(|of| of.name().to_owned()).collect();
        assert_eq!(names, COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>());
    }
}
