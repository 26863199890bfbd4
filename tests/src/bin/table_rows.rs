//! Writes so many rows of a table to nowhere, and says the most memory that the process had, in kB.

use std::io::{self, Write};

use domain::quantity::Instant;
use serde_json::json;
use services::export::{Cell, Column, Kind, Parquet, Sheet, Xlsx};

struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let rows: i64 = arguments[2].parse()?;
    let mut sheet: Box<dyn Sheet> =
        if arguments[1] == "xlsx" { Box::new(Xlsx::new()) } else { Box::new(Parquet::new()) };
    let columns = [
        Column::of("event", Kind::Whole),
        Column::of("id", Kind::Text),
        Column::of("account", Kind::Text),
        Column::of("time_utc", Kind::Utc),
        Column::of("time_local", Kind::Wall),
        Column::maybe("price", Kind::Wide(12)),
        Column::of("balance_change", Kind::Decimal(2)),
    ];
    let mut to = Counted(0);
    sheet.begin(&mut to, &columns, &json!({"rows": rows}))?;
    for row in 0..rows {
        let at = 1_780_000_000 + row;
        let price = if row % 3 == 0 { Cell::None } else { Cell::Decimal(i128::from(row) * 1_000_000_007) };
        let cells = vec![
            Cell::Whole(row),
            Cell::Text(format!("{:032x}", row.wrapping_mul(0x5851_f42d_4c95_7f2d))),
            Cell::Text(format!("A-{}", row % 1000)),
            Cell::Utc(Instant::new(at)),
            Cell::Wall(at + 3600),
            price,
            Cell::Decimal((-row).into()),
        ];
        sheet.row(&mut to, cells)?;
    }
    sheet.end(&mut to)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    println!("{} {}", most.trim().trim_end_matches(" kB"), to.0);
    Ok(())
}
