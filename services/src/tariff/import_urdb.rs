//! `tallywatt tariff import-urdb`: a record of the Utility Rate Database as a
//! `[[tariff]]` table, with a list of what it could not carry over.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use adapters::{site_folder::tariff_toml, urdb};
use domain::event::TariffId;
use domain::quantity::Date;
use domain::tariff::ImportAs;
use serde_json::json;

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::rate::{bad, read_text};

const EXAMPLES: &str = "Examples:
  tallywatt tariff import-urdb tests/tariff-cases/004/tariff.urdb.json
  tallywatt tariff import-urdb tariff.urdb.json --id office --from 2026-01-01 --interval-minutes 15 --out tariff.toml

Without --out the table is printed and no file is written. What a native tariff cannot say stands above
the table as comments, and is listed; the bills of the two differ there and nowhere else.

Exit codes: 0 done, 2 bad input (nothing written), 3 disk failure.";

/// The command line of `tallywatt tariff import-urdb`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The record, as JSON.
    #[arg(value_name = "FILE")]
    record: PathBuf,
    /// The tariff's id; by default the record's label.
    #[arg(long)]
    id: Option<String>,
    /// The local date from which it is in force.
    #[arg(long, default_value = "1970-01-01", value_name = "DATE")]
    from: String,
    /// The interval of its demand charges: 15, 30 or 60.
    #[arg(long, default_value_t = 15, value_name = "MINUTES")]
    interval_minutes: u8,
    /// The file to write, in place of an older one.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// List what was not carried over as JSON; needs --out.
    #[arg(long, requires = "out")]
    json: bool,
}

fn wrong(option: &str, mend: &str) -> Failure {
    Failure { exit: Exit::BadInput, error: format!("{option} is wrong").into(), mend: mend.to_owned() }
}

/// Runs the command. On an error no file was written.
pub(super) fn run(args: &Args, console: &mut Console) -> Result<Exit, Failure> {
    let record = urdb::read(&read_text(&args.record)?).map_err(|error| {
        let mend = error.mend.clone();
        bad(&args.record, &error, &mend)
    })?;
    let id = args.id.as_deref().unwrap_or(if record.label.is_empty() { "urdb" } else { &record.label });
    let id = TariffId::try_new(id)
        .ok_or_else(|| wrong("--id", "use 1 to 64 bytes without control characters, slashes and a leading dot"))?;
    let from = Date::parse(&args.from).ok_or_else(|| wrong("--from", "write a date such as 2026-01-01"))?;
    if ![15, 30, 60].contains(&args.interval_minutes) {
        return Err(wrong("--interval-minutes", "write 15, 30 or 60"));
    }
    let import = ImportAs { id, from, interval_minutes: args.interval_minutes };
    let imported = record.to_native(import).map_err(|error| bad(&args.record, &error, "write a smaller number"))?;
    let name: String = record.name.chars().filter(|c| !c.is_control()).collect();
    let title = if name.is_empty() { "A tariff of the Utility Rate Database" } else { &name };
    let notes = imported.not_carried.iter().map(|line| format!("# not carried over: {line}\n"));
    let head: String = std::iter::once(format!("# {title}\n")).chain(notes).collect();
    let text = head + &tariff_toml(&imported.tariff);
    match &args.out {
        None => console.line(text.trim_end()),
        Some(path) => {
            write(path, &text)?;
            if args.json {
                console.line(json!({"not_carried_over": imported.not_carried}).to_string());
            } else {
                console.line(format!("wrote {}", path.display()));
                for line in &imported.not_carried {
                    console.line(format!("not carried over: {line}"));
                }
            }
        }
    }
    Ok(Exit::Done)
}

/// Writes beside the place and renames into it: nobody sees half a file.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(|error| Failure {
        exit: Exit::Storage,
        error: format!("{}: {error}", path.display()).into(),
        mend: "make room, or name a folder that exists and that you may write to".to_owned(),
    })
}
