//! The formats, behind one interface.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use super::{
    parquet,
    row::{COLUMNS, Cell, Kind, Row},
};
use crate::export::Target;

/// What the rows are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet, compressed with Snappy.
    Parquet,
    /// A JSON object a line.
    Jsonl,
    /// Comma-separated values as RFC 4180 has them, in UTF-8, with a line of names.
    Csv,
}

/// Takes rows, keeps at most a bounded number of them.
pub trait Sink: Send {
    /// Takes the next rows.
    fn write(&mut self, rows: Vec<Row>) -> io::Result<()>;

    /// Writes what is left, and gives back the target, to be committed.
    fn finish(self: Box<Self>) -> io::Result<Target>;
}

impl Format {
    /// A sink that writes this format. What `about` says goes with the file where the format has a place for it.
    pub fn sink(self, target: Target, about: &[(&str, String)]) -> io::Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Parquet => Box::new(parquet::Parquet::new(target, about)?),
            Self::Jsonl => Box::new(Jsonl { target, line: String::new() }),
            Self::Csv => Box::new(Csv::new(target)?),
        })
    }
}

struct Jsonl {
    target: Target,
    line: String,
}

impl Sink for Jsonl {
    fn write(&mut self, rows: Vec<Row>) -> io::Result<()> {
        for row in rows {
            self.line.clear();
            for (at, (column, cell)) in COLUMNS.iter().zip(&row).enumerate() {
                let before = if at == 0 { '{' } else { ',' };
                let _ = write!(self.line, "{before}\"{}\":", column.name); // a String takes everything
                let _ = match cell {
                    Cell::Nothing => write!(self.line, "null"),
                    Cell::Integer(number) => write!(self.line, "{number}"),
                    Cell::Boolean(of) => write!(self.line, "{of}"),
                    // It is JSON already.
                    Cell::Text(text) if column.kind == Kind::Json => write!(self.line, "{text}"),
                    // No text outside the event has a character that JSON would escape.
                    Cell::Text(text) => write!(self.line, "\"{text}\""),
                };
            }
            self.line.push_str("}\n");
            self.target.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Target> {
        Ok(self.target)
    }
}

struct Csv(csv::Writer<Target>);

impl Csv {
    fn new(target: Target) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(target);
        writer.write_record(COLUMNS.iter().map(|column| column.name))?;
        Ok(Self(writer))
    }
}

impl Sink for Csv {
    fn write(&mut self, rows: Vec<Row>) -> io::Result<()> {
        for row in rows {
            for cell in row {
                match cell {
                    Cell::Nothing => self.0.write_field("")?,
                    Cell::Integer(number) => self.0.write_field(number.to_string())?,
                    Cell::Boolean(of) => self.0.write_field(if of { "true" } else { "false" })?,
                    Cell::Text(text) => self.0.write_field(text)?,
                }
            }
            self.0.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<Target> {
        self.0.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;
    use socai_domain::ledger::Opened;

    use super::*;
    use crate::export::events::row::{row, tests::opened};

    /// An opened, an erased and a sealed record in a format.
    fn written(format: Format) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rows");
        let (placed, opened) = opened();
        let bodies = [Some(opened), Some(Opened::Erased), None];
        let mut sink = format.sink(Target::file(&path, false, &[]).unwrap(), &[]).unwrap();
        sink.write(bodies.into_iter().map(|body| row(&placed, body)).collect()).unwrap();
        sink.finish().unwrap().commit().unwrap();
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_line_of_json_holds_every_column_and_the_event_as_an_object() {
        let lines: Vec<Value> =
            written(Format::Jsonl).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        for line in &lines {
            assert_eq!(line.as_object().unwrap().len(), COLUMNS.len());
        }
        assert_eq!(lines[0]["event"]["series"], "Văn, \"bản\"");
        assert_eq!((&lines[0]["sequence"], &lines[0]["revision"]), (&5.into(), &0.into()));
        assert_eq!((&lines[1]["erased"], &lines[1]["event"]), (&true.into(), &Value::Null));
        assert_eq!((&lines[2]["erased"], &lines[2]["event"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn commas_and_quotes_survive_csv() {
        let text = written(Format::Csv);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names: Vec<_> = reader.headers().unwrap().iter().map(ToOwned::to_owned).collect();
        assert_eq!(names, COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let event: Value = serde_json::from_str(rows[0].iter().next_back().unwrap()).unwrap();
        assert_eq!(event["series"], "Văn, \"bản\"");
        let erased = names.iter().position(|name| name == "erased").unwrap();
        assert_eq!([&rows[0][erased], &rows[1][erased], &rows[2][erased]], ["false", "true", ""]);
    }
}
