//! Rows of text in columns: the first flush left, the others flush right.

use crate::console::Console;

/// Writes rows below a head, each column as wide as its widest cell.
pub fn write<const N: usize>(head: [&str; N], rows: &[[String; N]], console: &mut Console) {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(widths).enumerate().map(|(index, (cell, width))| {
            if index == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    console.line(line(head.to_vec()));
    for row in rows {
        console.line(line(row.iter().map(String::as_str).collect()));
    }
}
