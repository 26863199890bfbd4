//! The files of an import. Each is written beside its place and renamed into
//! it when all of them are whole: nobody ever sees half a file.

use super::{Accepted, ImportError, Refused, burst::instant_after};
use crate::draft::draft_in;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// A whole file that waits for its name.
pub(super) struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    pub(super) fn readings(path: &Path, rows: &[Accepted], zone: Tz) -> Result<Self, ImportError> {
        let head = ["time", "meter", "kwh", "received", "serial", "device_time"];
        let records = rows.iter().map(|row| {
            let time = rfc3339(row.time);
            let device_time = rfc3339(instant_after(zone, row.clock, None));
            [time.clone(), row.meter.clone(), row.kwh.clone(), time, row.serial.clone(), device_time]
        });
        Self::table(path, head, records)
    }

    pub(super) fn refused(path: &Path, rows: &[Refused], zone: Tz) -> Result<Self, ImportError> {
        let head = ["line", "meter", "time", "reason", "field", "kwh", "device_time"];
        let records = rows.iter().map(|row| {
            [
                row.line.to_string(),
                row.serial.clone().unwrap_or_default(),
                row.time.map(rfc3339).unwrap_or_default(),
                row.reason.word().to_owned(),
                row.field.unwrap_or_default().to_owned(),
                row.kwh.clone().unwrap_or_default(),
                row.clock.map(|clock| rfc3339(instant_after(zone, clock, None))).unwrap_or_default(),
            ]
        });
        Self::table(path, head, records)
    }

    /// Gives the file its name, in place of an older one.
    pub(super) fn publish(self) -> Result<(), ImportError> {
        let path = self.path;
        self.file.persist(&path).map(drop).map_err(|error| ImportError::Unwritable { path, source: error.error })
    }

    fn table<const N: usize>(
        path: &Path,
        head: [&str; N],
        records: impl Iterator<Item = [String; N]>,
    ) -> Result<Self, ImportError> {
        let fill = || -> io::Result<NamedTempFile> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut table = csv::Writer::from_writer(draft_in(folder)?);
            table.write_record(head)?;
            for record in records {
                table.write_record(&record)?;
            }
            let mut file = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
            file.flush()?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = fill().map_err(|source| ImportError::Unwritable { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned() })
    }
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
