//! The `tallywatt` command.
fn main() {}
