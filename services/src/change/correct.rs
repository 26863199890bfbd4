//! `tallywatt correct`: a fact is said anew, a reading withdrawn or released,
//! an amount posted by hand. The next settlement posts the difference.

use std::fmt::Write as _;
use std::path::PathBuf;

use adapters::site_folder::{CORRECTABLE, Change};
use clap::Args as ClapArgs;
use domain::event::ChangeKind;

use super::{Book, Plan, Rehearsal, Target, carry_out, said};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::what_if::of_file;

/// Correct tariffs, rules, leases and other tables, readings and balances, with author and reason.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  tallywatt correct target/hand-late --file lease.toml --by j.moore --reason 'moved in a week earlier'
  tallywatt correct target/hand-late --withdraw M-2@2026-02-04T00:00:00Z --by j.moore --reason 'a spike' --yes
  tallywatt correct target/hand-late --release M-2@2026-02-04T00:00:00Z --by j.moore --reason 'it was right' --yes
  tallywatt correct target/hand-late --post A-1=-1.50 --reference P-7 --by j.moore --reason goodwill --yes

The file has tables as in site.toml, without received, by and reason. One with the key of an
earlier one takes its place: a back-dated price is the same version with the new price. An
issued bill never changes: what differs is itemised on the next one. Without --yes nothing is written.")]
pub struct Args {
    #[command(flatten)]
    target: Target,
    /// A file of tables: [[lease]], [[tariff]], [[rule]], [[assign]], [[area]], [[meter]] and so on.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Leave an accepted reading out.
    #[arg(long, value_name = "METER@INSTANT")]
    withdraw: Vec<String>,
    /// Let a quarantined or withdrawn reading in.
    #[arg(long, value_name = "METER@INSTANT")]
    release: Vec<String>,
    /// Post an amount with sign to an account, with --reference.
    #[arg(long, value_name = "ACCOUNT=AMOUNT", requires = "reference")]
    post: Option<String>,
    /// The posting's reference: once, for ever.
    #[arg(long, value_name = "TEXT", requires = "post")]
    reference: Option<String>,
    /// Who corrects it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// A text in TOML's quotes: JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The tables of the flags.
fn tables(args: &Args) -> Result<String, Failure> {
    let mut text = String::new();
    let mut add = |table: &str, fields: &[(&str, String)]| {
        let fields = fields.iter().fold(String::new(), |all, (key, value)| format!("{all}{key} = {value}\n"));
        write!(text, "[[{table}]]\n{fields}").map_err(|error| bad(error, "write less"))
    };
    for (table, readings) in [("withdraw", &args.withdraw), ("release", &args.release)] {
        for reading in readings {
            let (meter, time) = reading
                .rsplit_once('@')
                .ok_or_else(|| bad(format!("'{reading}' names no reading"), "write it as M-2@2026-02-04T00:00:00Z"))?;
            add(table, &[("meter", quoted(meter)), ("time", time.to_owned())])?;
        }
    }
    if let (Some(post), Some(reference)) = (&args.post, &args.reference) {
        let (account, amount) =
            post.rsplit_once('=').ok_or_else(|| bad(format!("'{post}' is no posting"), "write it as A-1=-1.50"))?;
        add("posting", &[("account", quoted(account)), ("amount", quoted(amount)), ("reference", quoted(reference))])?;
    }
    Ok(text)
}

/// The plan of tables as in site.toml, each text with the name that its faults are told by.
pub fn plan(book: &Rehearsal, texts: &[(String, String)], author: String, reason: String) -> Result<Plan, Failure> {
    let change = Change { by: &author, reason: &reason, received: book.at(), tables: CORRECTABLE };
    let mut found = Vec::new();
    for (name, text) in texts {
        found.extend(book.read(text, &change).map_err(|error| of_file(name, &error))?);
    }
    let facts = found.into_iter().map(|fact| (fact.time, fact.body)).collect();
    Ok(Plan { kind: ChangeKind::Correct, author, reason, reverses: None, approved: None, facts })
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let (author, reason) = (said("--by", &args.by)?, said("--reason", &args.reason)?);
    let flags = tables(&args)?;
    if flags.is_empty() && args.file.is_none() {
        return Err(bad("nothing is corrected", "give --file, --withdraw, --release or --post"));
    }
    let mut book = Book::open(&args.target)?;
    let mut texts = Vec::new();
    if let Some(path) = &args.file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| bad(format!("{}: {error}", path.display()), "name a file of TOML tables"))?;
        texts.push((path.display().to_string(), text));
    }
    if !flags.is_empty() {
        texts.push(("the command line".to_owned(), flags));
    }
    let plan = plan(&book.rehearsal, &texts, author, reason)?;
    carry_out(&mut book, &plan, &args.target, None, console)
}
