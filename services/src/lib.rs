//! The commands of the one binary, a module each.
pub mod bench;
pub mod cli;
pub mod collect;
pub mod console;
pub mod demo;
pub mod exit;
pub mod explain;
pub mod history;
pub mod import;
pub mod owner;
pub mod rate;
pub mod replay;
pub mod rules;
pub mod run;
pub mod table;
pub mod tariff;
pub mod what_if;
