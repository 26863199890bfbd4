//! Parquet: row groups of bounded size, decimals as decimals, UTC and wall
//! clock apart, the control totals in the file's metadata. It holds one row group.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::data_type::{Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use super::table::{Cell, Column, Kind, Sheet};

/// Rows of a row group: what is held in memory, with the row group's pages.
const GROUP: usize = 16_384;

/// Values of a column that wait for their row group.
enum Held {
    Text(Vec<ByteArray>),
    Long(Vec<i64>),
    Day(Vec<i32>),
    Wide(Vec<FixedLenByteArray>),
    Flag(Vec<bool>),
}

impl Held {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Vec::new()),
            Kind::Whole | Kind::Decimal(_) | Kind::Utc | Kind::Wall => Self::Long(Vec::new()),
            Kind::Date => Self::Day(Vec::new()),
            Kind::Wide(_) => Self::Wide(Vec::new()),
            Kind::Flag => Self::Flag(Vec::new()),
        }
    }

    /// Takes a value; whether there was one.
    fn take(&mut self, cell: Cell) -> io::Result<bool> {
        match (self, cell) {
            (_, Cell::None) => return Ok(false),
            (Self::Text(held), Cell::Text(text)) => held.push(text.into_bytes().into()),
            (Self::Long(held), Cell::Whole(number)) => held.push(number),
            (Self::Long(held), Cell::Decimal(units)) => held.push(i64::try_from(units).map_err(io::Error::other)?),
            (Self::Long(held), Cell::Utc(at)) => held.push(millis(at.get())?),
            (Self::Long(held), Cell::Wall(at)) => held.push(millis(at)?),
            (Self::Day(held), Cell::Date(day)) => held.push(day.get()),
            (Self::Wide(held), Cell::Decimal(units)) => {
                held.push(FixedLenByteArray::from(units.to_be_bytes().to_vec()));
            }
            (Self::Flag(held), Cell::Flag(flag)) => held.push(flag),
            _ => return Err(io::Error::other("a cell is not of its column's kind")),
        }
        Ok(true)
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>, levels: Option<&[i16]>) -> Result<(), ParquetError> {
        match self {
            Self::Text(held) => column.typed::<ByteArrayType>().write_batch(held, levels, None)?,
            Self::Long(held) => column.typed::<Int64Type>().write_batch(held, levels, None)?,
            Self::Day(held) => column.typed::<Int32Type>().write_batch(held, levels, None)?,
            Self::Wide(held) => column.typed::<FixedLenByteArrayType>().write_batch(held, levels, None)?,
            Self::Flag(held) => column.typed::<BoolType>().write_batch(held, levels, None)?,
        };
        Ok(())
    }

    fn clear(&mut self) {
        match self {
            Self::Text(held) => held.clear(),
            Self::Long(held) => held.clear(),
            Self::Day(held) => held.clear(),
            Self::Wide(held) => held.clear(),
            Self::Flag(held) => held.clear(),
        }
    }
}

fn millis(seconds: i64) -> io::Result<i64> {
    seconds.checked_mul(1000).ok_or_else(|| io::Error::other("an instant is out of range"))
}

fn schema(columns: &[Column]) -> Result<String, std::fmt::Error> {
    let mut text = "message tallywatt {\n".to_owned();
    for Column { name, kind, required } in columns {
        let (is, what) = match kind {
            Kind::Text => ("BYTE_ARRAY", "(STRING)".to_owned()),
            Kind::Whole => ("INT64", String::new()),
            Kind::Decimal(places) => ("INT64", format!("(DECIMAL(18,{places}))")),
            Kind::Wide(places) => ("FIXED_LEN_BYTE_ARRAY(16)", format!("(DECIMAL(38,{places}))")),
            Kind::Date => ("INT32", "(DATE)".to_owned()),
            Kind::Utc => ("INT64", "(TIMESTAMP(MILLIS,true))".to_owned()),
            Kind::Wall => ("INT64", "(TIMESTAMP(MILLIS,false))".to_owned()),
            Kind::Flag => ("BOOLEAN", String::new()),
        };
        let repetition = if *required { "REQUIRED" } else { "OPTIONAL" };
        writeln!(text, "  {repetition} {is} {name} {what};")?;
    }
    text.push('}');
    Ok(text)
}

struct Open {
    file: SerializedFileWriter<Vec<u8>>,
    held: Vec<(Held, Option<Vec<i16>>)>,
    rows: usize,
}

impl Open {
    fn new(columns: &[Column], about: &Value) -> io::Result<Self> {
        let schema = schema(columns).map_err(io::Error::other)?;
        let schema = parse_message_type(&schema).map_err(io::Error::other)?;
        let mut facts = vec![KeyValue::new("tallywatt".to_owned(), about.to_string())];
        // What a reader looks for without reading JSON.
        for (key, path) in [
            ("tallywatt.site", "/site"),
            ("tallywatt.first_day", "/days/first"),
            ("tallywatt.last_day", "/days/last"),
            ("tallywatt.root", "/log/root"),
            ("tallywatt.first_event", "/log/first_event"),
            ("tallywatt.last_event", "/log/last_event"),
        ] {
            let value = about.pointer(path).map(|value| value.as_str().map_or(value.to_string(), str::to_owned));
            facts.extend(value.map(|value| KeyValue::new(key.to_owned(), value)));
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("tallywatt".to_owned())
            .set_max_row_group_row_count(Some(GROUP))
            .set_key_value_metadata(Some(facts))
            .build();
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties));
        let held = columns.iter().map(|column| (Held::of(column.kind), (!column.required).then(Vec::new))).collect();
        Ok(Self { file: file.map_err(io::Error::other)?, held, rows: 0 })
    }

    fn row(&mut self, cells: Vec<Cell>) -> io::Result<()> {
        if cells.len() != self.held.len() {
            return Err(io::Error::other("a row has not as many cells as there are columns"));
        }
        for ((held, levels), cell) in self.held.iter_mut().zip(cells) {
            let there = held.take(cell)?;
            match levels {
                Some(levels) => levels.push(i16::from(there)),
                None if there => {}
                None => return Err(io::Error::other("a row lacks what each row has")),
            }
        }
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for (held, levels) in &mut self.held {
            let column = group.next_column()?;
            let mut column = column.ok_or_else(|| ParquetError::General("fewer columns than the schema".to_owned()))?;
            held.write(&mut column, levels.as_deref())?;
            column.close()?;
            held.clear();
            if let Some(levels) = levels {
                levels.clear();
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Hands on what is ready.
    fn pass(&mut self, to: &mut dyn Write) -> io::Result<()> {
        self.file.flush()?;
        to.write_all(self.file.inner())?;
        // Offsets are counted apart: the writer does not look at what it has written.
        self.file.inner_mut().clear();
        Ok(())
    }
}

/// The format.
#[derive(Default)]
pub struct Parquet {
    open: Option<Open>,
}

impl Parquet {
    /// Without a row.
    pub fn new() -> Self {
        Self::default()
    }

    fn open(&mut self) -> io::Result<&mut Open> {
        self.open.as_mut().ok_or_else(|| io::Error::other("rows before the columns"))
    }
}

impl Sheet for Parquet {
    fn begin(&mut self, to: &mut dyn Write, columns: &[Column], about: &Value) -> io::Result<()> {
        let mut open = Open::new(columns, about)?;
        open.pass(to)?;
        self.open = Some(open);
        Ok(())
    }

    fn row(&mut self, to: &mut dyn Write, cells: Vec<Cell>) -> io::Result<()> {
        let open = self.open()?;
        open.row(cells)?;
        if open.rows >= GROUP {
            open.group().map_err(io::Error::other)?;
            open.pass(to)?;
        }
        Ok(())
    }

    fn end(&mut self, to: &mut dyn Write) -> io::Result<()> {
        let open = self.open()?;
        open.group().map_err(io::Error::other)?;
        open.file.finish().map_err(io::Error::other)?;
        open.pass(to)
    }
}
