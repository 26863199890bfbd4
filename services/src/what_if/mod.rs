//! `tallywatt what-if`: a month as other tariffs or rules would have made it,
//! beside what was billed. Nothing is appended.

mod report;

use std::path::{Path, PathBuf};

use adapters::site_folder::{Change, FolderError, read_change};
use clap::Args as ClapArgs;
use domain::billing::Site;
use domain::event::{Body, SiteId};
use domain::quantity::{Instant, Month};

use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::history;
use crate::replay::failed;
pub(crate) use report::Report;

/// The tables that a tariff file may have.
pub(crate) const TARIFF_TABLES: &[&str] = &["tariff", "assign"];
/// The tables that a rule file may have.
pub(crate) const RULE_TABLES: &[&str] = &["rule", "pool_points"];

/// Show what a tariff or rule would have made of a month, beside what was billed.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt what-if target/hand-area --month 2026-02 --rule new-rule.toml
  tallywatt what-if target/hand-tou --month 2026-03 --tariff new-tariff.toml --json

The file has tables as in site.toml: [[tariff]] and [[assign]], or [[rule]] and [[pool_points]].
One in force later than the month is taken as in force from the month's first day.
Exit code 1: something does not add up.")]
pub struct Args {
    /// The output folder of a run, with its log.db.
    dir: PathBuf,
    /// The month, with a settled day.
    #[arg(long, value_name = "YYYY-MM")]
    month: String,
    #[command(flatten)]
    file: ChangeFile,
    /// Another log: a file, or nats://HOST:PORT/STREAM.
    #[arg(long, value_name = "LOG")]
    log: Option<String>,
    /// The site, where the log has several.
    #[arg(long, value_name = "SITE", value_parser = history::site_id)]
    site: Option<SiteId>,
    /// Write the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The file with the tariff or the rule.
#[derive(Debug, ClapArgs)]
#[group(required = true, multiple = false)]
pub(crate) struct ChangeFile {
    /// A file with [[tariff]], and [[assign]] where points or pools get it.
    #[arg(long, value_name = "FILE")]
    tariff: Option<PathBuf>,
    /// A file with [[rule]] tables, and `[[pool_points]]` where the points of a pool change.
    #[arg(long, value_name = "FILE")]
    rule: Option<PathBuf>,
}

impl ChangeFile {
    /// The file, and the tables that it may have.
    fn tables(&self) -> Option<(&Path, &'static [&'static str])> {
        let tariff = self.tariff.as_deref().map(|path| (path, TARIFF_TABLES));
        tariff.or_else(|| self.rule.as_deref().map(|path| (path, RULE_TABLES)))
    }

    /// Its facts, judged beside those of the log.
    pub(crate) fn read<'b>(
        &self,
        known: impl Iterator<Item = (Instant, &'b Body)>,
        by: &str,
        reason: &str,
        received: Instant,
    ) -> Result<Vec<adapters::site_folder::Fact>, Failure> {
        let (path, tables) = self.tables().ok_or_else(|| bad("no file is named", "give --tariff or --rule"))?;
        let text = std::fs::read_to_string(path)
            .map_err(|error| bad(format!("{}: {error}", path.display()), "name a file of TOML tables"))?;
        let change = Change { by, reason, received, tables };
        read_change(&text, &change, known).map_err(|error| of_file(&path.display().to_string(), &error))
    }
}

/// A fault of tables that came from a file, or by another name.
pub(crate) fn of_file(name: &str, error: &FolderError) -> Failure {
    bad(error.to_string().replacen("site.toml", name, 1), &error.mend)
}

/// The facts as if they had been in force on the month's first day, and which were moved.
pub(crate) fn hypothetical(facts: &[Body], month: Month) -> (Vec<Body>, bool) {
    let first = month.first();
    let mut moved = false;
    let mut bodies = facts.to_vec();
    for body in &mut bodies {
        let from = match body {
            Body::TariffPublished(data) => &mut data.from,
            Body::TariffAssigned(data) => &mut data.from,
            Body::RulePublished(data) => &mut data.from,
            Body::PoolPointsChanged(data) => &mut data.from,
            _ => continue,
        };
        if *from > first {
            *from = first;
            moved = true;
        }
    }
    (bodies, moved)
}

/// The report of a month with these facts.
pub(crate) fn report(site: &Site, facts: &[Body], month: Month) -> Result<Report, Failure> {
    let (bodies, moved) = hypothetical(facts, month);
    let found = site
        .what_if(&bodies, month)
        .map_err(|error| bad(error, "mend the file as the message says"))?
        .ok_or_else(|| bad(format!("no day of {month} is settled"), "name a month that is settled"))?;
    Ok(Report::new(site, month, &bodies, &found, moved))
}

/// A month from the command line.
pub(crate) fn month_of(text: &str) -> Result<Month, Failure> {
    Month::parse(text).ok_or_else(|| bad(format!("'{text}' is no month"), "write it as 2026-03"))
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let month = month_of(&args.month)?;
    let entries = history::read_site(&args.dir, args.log.as_deref(), args.site.as_ref()).map_err(failed)?;
    let (site, _) = history::replay(&entries, None).map_err(failed)?;
    let at = entries.last().map_or(Instant::default(), |entry| entry.event.received);
    let known = entries.iter().map(|entry| (entry.event.received, &entry.event.body));
    let facts = args.file.read(known, "what-if", "what-if", at)?;
    let bodies: Vec<Body> = facts.into_iter().map(|fact| fact.body).collect();
    let report = report(&site, &bodies, month)?;
    if args.json {
        console.line(report.document().to_string());
    } else {
        report.write(console);
    }
    Ok(if report.balances() { Exit::Done } else { Exit::Differences })
}
