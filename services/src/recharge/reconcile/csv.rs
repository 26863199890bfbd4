//! A statement as CSV, with a mapping from its header.

use domain::quantity::Date;

use super::statement::{Entry, Statement, StatementError, amount};

/// What a column may be.
const FIELDS: [&str; 5] = ["date", "amount", "reference", "bank", "text"];

/// Where each field is; `date` and `amount` must be somewhere.
struct Columns([Option<usize>; 5]);

fn columns(file: &str, header: &csv::StringRecord, map: &str) -> Result<Columns, StatementError> {
    let wrong = |field: &str, problem: String| StatementError {
        file: file.to_owned(),
        line: 1,
        field: field.to_owned(),
        problem,
        mend: "map the header with --columns date=…,amount=…,reference=…,bank=…,text=…".to_owned(),
    };
    let mut names = FIELDS.map(str::to_owned);
    for pair in map.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (field, name) = pair.split_once('=').ok_or_else(|| wrong(pair, "is no field=column".to_owned()))?;
        let place = FIELDS.iter().position(|known| *known == field.trim());
        let slot = place.and_then(|place| names.get_mut(place));
        let slot = slot.ok_or_else(|| wrong(field, format!("is none of {}", FIELDS.join(", "))))?;
        name.trim().clone_into(slot);
    }
    let find = |name: &String| header.iter().position(|column| column.trim() == name);
    let found = Columns(names.each_ref().map(find));
    let mapped = |field: &str| map.split(',').any(|pair| pair.split('=').next().is_some_and(|one| one.trim() == field));
    for ((field, name), place) in FIELDS.iter().zip(&names).zip(found.0) {
        if place.is_none() && (matches!(*field, "date" | "amount") || mapped(field)) {
            return Err(wrong(field, format!("is in no column '{name}'")));
        }
    }
    Ok(found)
}

/// Reads the rows.
pub(super) fn read(file: &str, text: &str, map: &str, decimals: u8) -> Result<Statement, StatementError> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).trim(csv::Trim::All).from_reader(text.as_bytes());
    let broken = |error: &csv::Error| StatementError {
        file: file.to_owned(),
        line: error.position().and_then(|at| usize::try_from(at.line()).ok()).unwrap_or(1),
        field: "the row".to_owned(),
        problem: format!("cannot be read: {error}"),
        mend: "mend the row; commas in a text need quotes".to_owned(),
    };
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let Columns([date, sum, reference, bank, words]) = columns(file, &header, map)?;
    let mut entries = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let line = record.position().and_then(|at| usize::try_from(at.line()).ok()).unwrap_or(1);
        let cell = |place: Option<usize>| place.and_then(|place| record.get(place)).unwrap_or_default().to_owned();
        let wrong = |field: &str, text: String, mend: &str| StatementError {
            file: file.to_owned(),
            line,
            field: field.to_owned(),
            problem: format!("is '{text}'"),
            mend: mend.to_owned(),
        };
        let date = Date::parse(&cell(date)).ok_or_else(|| wrong("date", cell(date), "write it as 2026-03-05"))?;
        let amount = amount(&cell(sum), decimals)
            .ok_or_else(|| wrong("amount", cell(sum), "write it as -12.50, with the currency's decimals at most"))?;
        let (id, text) = (cell(bank), cell(words));
        let references = Some(cell(reference)).filter(|one| !one.is_empty()).into_iter().collect();
        let banks_own = !id.is_empty();
        entries.push(Entry { line, date, amount, id, banks_own, references, text, reversal: false });
    }
    let mut statement = Statement { id: file.to_owned(), opening: None, closing: None, entries };
    statement.name_rows();
    Ok(statement)
}
