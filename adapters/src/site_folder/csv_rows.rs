//! `readings.csv` and `recharges.csv`, read row by row.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, Reader, ReaderBuilder};
use domain::event::{AccountId, Body, MeterId, ReadingRow, RechargeKind, RechargeReceived};
use domain::quantity::{Instant, Money};

use super::error::{FolderError, did_you_mean};
use super::row::parse_decimal;
use super::tables::{Entry, Ids};

/// A CSV file with the places of its columns.
struct Sheet {
    file: &'static str,
    reader: Reader<std::fs::File>,
    columns: Vec<Option<usize>>,
    names: &'static [&'static str],
    width: usize,
    record: ByteRecord,
}

impl Sheet {
    fn open(
        folder: &Path,
        file: &'static str,
        names: &'static [&'static str],
        needed: usize,
    ) -> Result<Self, FolderError> {
        let error = |line, field: Option<&str>, problem: String, mend: String| FolderError {
            file,
            line,
            field: field.map(str::to_owned),
            problem,
            mend,
        };
        let opened = std::fs::File::open(folder.join(file))
            .map_err(|why| error(None, None, why.to_string(), "put the file into the site's folder".to_owned()))?;
        let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(opened);
        let header = reader
            .byte_headers()
            .cloned()
            .map_err(|why| error(Some(1), None, why.to_string(), "correct the header".to_owned()))?;
        let all = names.join(",");
        if !header.iter().any(|cell| names.iter().any(|name| name.as_bytes() == cell)) {
            let mend = format!("begin the file with a header of {all}");
            return Err(error(Some(1), None, "header is missing".to_owned(), mend));
        }
        let mut columns = vec![None; names.len()];
        for (place, cell) in header.iter().enumerate() {
            let cell = String::from_utf8_lossy(cell);
            let Some(slot) = names.iter().zip(&mut columns).find(|(name, _)| **name == cell).map(|(_, slot)| slot)
            else {
                return Err(error(
                    Some(1),
                    Some(&cell),
                    "unknown column".to_owned(),
                    did_you_mean(&cell, names.iter().copied()),
                ));
            };
            if slot.replace(place).is_some() {
                return Err(error(Some(1), Some(&cell), "column is there twice".to_owned(), "take one out".to_owned()));
            }
        }
        for (name, slot) in names.iter().zip(&columns).take(needed) {
            if slot.is_none() {
                return Err(error(
                    Some(1),
                    Some(name),
                    "column is missing".to_owned(),
                    format!("begin the file with a header of {all}"),
                ));
            }
        }
        Ok(Self { file, reader, columns, names, width: header.len(), record: ByteRecord::new() })
    }

    fn line(&self) -> usize {
        self.record.position().and_then(|position| usize::try_from(position.line()).ok()).unwrap_or(1)
    }

    fn error(&self, field: Option<&str>, problem: impl Into<String>, mend: impl Into<String>) -> FolderError {
        let field = field.map(str::to_owned);
        FolderError { file: self.file, line: Some(self.line()), field, problem: problem.into(), mend: mend.into() }
    }

    fn next(&mut self) -> Result<bool, FolderError> {
        let more = self.reader.read_byte_record(&mut self.record);
        let more = more.map_err(|why| self.error(None, why.to_string(), "make the file readable"))?;
        if more && self.record.len() != self.width {
            let problem = format!("row has {} columns, the header {}", self.record.len(), self.width);
            return Err(self.error(None, problem, "complete the row or take it out"));
        }
        Ok(more)
    }

    /// A cell by its column's number in `names`; empty where absent.
    fn cell(&self, column: usize) -> &[u8] {
        self.columns.get(column).copied().flatten().and_then(|place| self.record.get(place)).unwrap_or_default()
    }

    fn name(&self, column: usize) -> Option<&'static str> {
        self.names.get(column).copied()
    }

    fn text(&self, column: usize) -> Result<&str, FolderError> {
        std::str::from_utf8(self.cell(column))
            .map_err(|_| self.error(self.name(column), "is not UTF-8", "save the file as UTF-8"))
    }

    fn instant_opt(&self, column: usize) -> Result<Option<Instant>, FolderError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        Instant::parse(text).map(Some).map_err(|why| {
            self.error(self.name(column), why.to_string(), "write an instant such as 2026-03-01T00:00:00Z")
        })
    }

    fn instant(&self, column: usize) -> Result<Instant, FolderError> {
        self.instant_opt(column)?
            .ok_or_else(|| self.error(self.name(column), "empty", "write an instant such as 2026-03-01T00:00:00Z"))
    }
}

/// The rows of `readings.csv` with the instants at which they were received, in file order.
pub(super) fn readings(folder: &Path, ids: &Ids) -> Result<Vec<(Instant, ReadingRow)>, FolderError> {
    const NAMES: &[&str] = &["time", "meter", "kwh", "received", "serial", "device_time"];
    let mut sheet = Sheet::open(folder, "readings.csv", NAMES, 3)?;
    let mut meters: HashMap<Vec<u8>, MeterId> = HashMap::new();
    let mut serials: HashMap<Vec<u8>, Arc<str>> = HashMap::new();
    for id in &ids.meters {
        if let Some(meter) = MeterId::try_new(id) {
            meters.insert(id.as_bytes().to_vec(), meter);
        }
    }
    let mut rows = Vec::new();
    while sheet.next()? {
        let time = sheet.instant(0)?;
        let Some(meter) = meters.get(sheet.cell(1)).cloned() else {
            let text = String::from_utf8_lossy(sheet.cell(1)).into_owned();
            let mend = did_you_mean(&text, ids.meters.iter().map(String::as_str));
            return Err(sheet.error(Some("meter"), format!("no [[meter]] has the id '{text}'"), mend));
        };
        let received = sheet.instant_opt(3)?.unwrap_or(time);
        let serial = match sheet.text(4)? {
            "" => None,
            text => match serials.get(text.as_bytes()) {
                Some(serial) => Some(Arc::clone(serial)),
                None => Some(Arc::clone(serials.entry(text.as_bytes().to_vec()).or_insert_with(|| text.into()))),
            },
        };
        let place = u32::try_from(sheet.line()).map_err(|_| sheet.error(None, "too many lines", "split the file"))?;
        let device_time = sheet.instant_opt(5)?;
        rows.push((received, ReadingRow { meter, time, kwh: sheet.text(2)?.into(), serial, device_time, place }));
    }
    Ok(rows)
}

/// The rows of `recharges.csv`, in file order.
pub(super) fn recharges(folder: &Path, ids: &Ids, decimals: u8) -> Result<Vec<Entry>, FolderError> {
    const NAMES: &[&str] = &["time", "account", "amount", "reference", "kind"];
    let mut sheet = Sheet::open(folder, "recharges.csv", NAMES, 4)?;
    let mut entries = Vec::new();
    while sheet.next()? {
        let time = sheet.instant(0)?;
        let account = sheet.text(1)?;
        let Some(account) = AccountId::try_new(account).filter(|_| ids.accounts.contains(account)) else {
            let mend = did_you_mean(account, ids.accounts.iter().map(String::as_str));
            return Err(sheet.error(Some("account"), format!("no [[account]] has the id '{account}'"), mend));
        };
        let amount = parse_decimal(sheet.text(2)?, decimals.into())
            .map_err(|(problem, mend)| sheet.error(Some("amount"), problem, mend))?;
        let minor = Money::from_major(amount, decimals).map(Money::get).filter(|minor| *minor > 0);
        let amount_minor = minor.ok_or_else(|| {
            sheet.error(
                Some("amount"),
                "is not positive, or too large",
                "write a positive amount; the kind says which way",
            )
        })?;
        let (word, kind) = match sheet.text(4)? {
            "" | "recharge" => ("recharge", RechargeKind::Recharge),
            "refund" => ("refund", RechargeKind::Refund),
            "reversal" => ("reversal", RechargeKind::Reversal),
            other => {
                return Err(sheet.error(
                    Some("kind"),
                    format!("'{other}' is not a choice"),
                    "write one of recharge, refund, reversal",
                ));
            }
        };
        let reference = sheet.text(3)?.to_owned();
        if reference.is_empty() {
            return Err(sheet.error(Some("reference"), "empty", "write a reference that is used once"));
        }
        let key = format!("{word}/{reference}");
        let body = Body::RechargeReceived(RechargeReceived { account, amount_minor, kind, reference });
        let (received, line) = (Some(time), sheet.line());
        entries.push(Entry { received, time: Some(time), table: "recharge", key, actor: None, body, line });
    }
    Ok(entries)
}
