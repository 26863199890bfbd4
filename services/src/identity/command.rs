//! `tallywatt user`: users, their grants, passwords, links and tokens.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use adapters::clock::{Clock as _, SystemClock};
use clap::{Args as ClapArgs, Subcommand};
use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use serde_json::json;
use toml_edit::DocumentMut;

use super::secret::Secret;
use super::{Grant, Identity, IdentityError, NewToken, Role, User};
use crate::console::Console;
use crate::exit::{Exit, Failure, bad};
use crate::nats_api::permissions;
use crate::table;

/// `tallywatt user`
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  tallywatt user add m.roe --role manager --site tower --data data
  tallywatt user password m.roe --draw --data data
  tallywatt user link m.roe --hours 24 --data data
  tallywatt user nats t.doe --out users/t.doe.conf --data data
  tallywatt user token m.roe --name nightly --role auditor --days 90 --data data

Secrets are shown once and kept as hashes. A change works at once in a service that runs.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// The service's file: its `data` folder holds the users
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "data")]
    config: Option<PathBuf>,
    /// The service's data folder
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the result as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a user, without a password yet
    Add {
        /// Lower case, for ever: events say it
        name: String,
        /// tenant, manager, auditor, finance or operator
        #[arg(long)]
        role: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the users, or with a name one's tokens
    List {
        /// Whose tokens
        name: Option<String>,
    },
    /// Grant a site, or to a tenant an account of it
    Grant {
        /// To whom
        name: String,
        #[command(flatten)]
        place: Place,
        /// Let a user in again who was shut out
        #[arg(long, conflicts_with_all = ["site", "account"])]
        all: bool,
    },
    /// Take back a grant or a token, or shut a user out
    Revoke {
        /// From whom
        name: String,
        #[command(flatten)]
        place: Place,
        /// This token
        #[arg(long, value_name = "TOKEN", conflicts_with_all = ["site", "all"])]
        token: Option<String>,
        /// Everything: no session, link or token works any more
        #[arg(long, conflicts_with = "site")]
        all: bool,
    },
    /// Set a password: the first line of standard input, or one that is drawn
    Password {
        /// Whose
        name: String,
        /// Draw one, and print it once
        #[arg(long)]
        draw: bool,
    },
    /// Make a link's secret that signs in once
    Link {
        /// Whom
        name: String,
        /// How long it works
        #[arg(long, default_value_t = 24)]
        hours: i64,
    },
    /// End all sessions of a user
    SignOut {
        /// Whose
        name: String,
    },
    /// Let a name sign in at once that is locked out after failures
    Unlock {
        /// Whose
        name: String,
    },
    /// Let a user into a NATS server: writes what its configuration includes, with a password that is drawn
    #[command(after_help = "In the server's configuration, once for each user:
  authorization { users = [ { include \"users/t.doe.conf\" } ] }
and after a change `nats-server --signal reload`. The file has what the user's role and grants give now, and
the password's hash: write it anew when they change, and delete it to shut the user out.")]
    Nats {
        /// Whom
        name: String,
        /// The file to include; it takes the place of an earlier one
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make a token for a program
    Token {
        /// In whose name
        user: String,
        /// What the token is called
        #[arg(long = "name")]
        token: String,
        /// A narrower role than the user's
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        place: Place,
        /// It only reads
        #[arg(long)]
        read_only: bool,
        /// How long it works
        #[arg(long, default_value_t = 90)]
        days: i64,
    },
}

/// Where a grant or token reaches.
#[derive(Debug, ClapArgs)]
struct Place {
    /// The site
    #[arg(long)]
    site: Option<String>,
    /// One account of it
    #[arg(long, requires = "site")]
    account: Option<String>,
}

impl Place {
    fn grant(&self) -> Result<Option<Grant>, Failure> {
        let wrong = || bad("no id of a site or account", "an id has 1 to 64 bytes and no slash");
        let Some(site) = &self.site else { return Ok(None) };
        let site = SiteId::try_new(site).ok_or_else(wrong)?;
        let account = self.account.as_ref().map(|text| AccountId::try_new(text).ok_or_else(wrong)).transpose()?;
        Ok(Some(Grant { site, account }))
    }

    fn needed(&self) -> Result<Grant, Failure> {
        self.grant()?.ok_or_else(|| bad("what is meant is not said", "add --site, and for a tenant --account"))
    }
}

/// Where a service keeps its users.
pub(crate) const FILE: &str = "identity.db";

/// Who is noted as having done it.
const BY: &str = "command line";

fn failure(error: IdentityError) -> Failure {
    let (exit, mend) = match &error {
        IdentityError::File(_) | IdentityError::Open(_) | IdentityError::Damaged(_) | IdentityError::NoRandomness => {
            (Exit::Storage, "see that the data folder is there and yours, and that the disk has room")
        }
        IdentityError::NotOurs => (Exit::BadInput, "name the data folder of a service of this version"),
        _ => (Exit::BadInput, "mend what the message says; `tallywatt user list` shows the users"),
    };
    Failure::new(exit, error, mend)
}

/// The data folder: given, or that of the service's file.
fn folder(args: &Args) -> Result<PathBuf, Failure> {
    let mend = "name the service's data folder with --data, or its file with --config";
    match (&args.data, &args.config) {
        (Some(data), _) => Ok(data.clone()),
        (None, None) => Err(bad("where the users are is not said", mend)),
        (None, Some(config)) => {
            let text = std::fs::read_to_string(config).map_err(|error| bad(error, mend))?;
            let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| bad(error, mend))?;
            let data = document.get("serve").and_then(|table| table.get("data")).and_then(|item| item.as_str());
            let data = data.ok_or_else(|| bad("the file says no `data` folder in [serve]", mend))?;
            Ok(config.parent().map_or_else(|| PathBuf::from(data), |parent| parent.join(data)))
        }
    }
}

fn role_of(text: &str) -> Result<Role, Failure> {
    Role::parse(text)
        .ok_or_else(|| bad(format!("{text} is no role"), "say tenant, manager, auditor, finance or operator"))
}

/// What a bcrypt hash costs: the password is drawn, and a server checks it at each connection.
const BCRYPT_COST: u32 = 10;

/// Writes a user's file for a NATS server; the password, which is kept nowhere.
fn nats(user: &User, out: &Path) -> Result<Secret, Failure> {
    if user.disabled || (user.grants.is_empty() && user.role != Role::Operator) {
        let text = format!("{} may see nothing: shut out, or without a grant", user.name);
        return Err(bad(text, "grant a site, or an account of it, with `tallywatt user grant`"));
    }
    let password = Secret::password().map_err(failure)?;
    let hash = bcrypt::hash_with_result(password.expose(), BCRYPT_COST).map_err(|error| bad(error, "try again"))?;
    let entry = permissions::entry(user, &hash.format_for_version(bcrypt::Version::TwoA));
    let (partial, stored) = (out.with_extension("partial"), |error: std::io::Error| {
        Failure::new(Exit::Storage, error, "name a file in a folder that can be written")
    });
    std::fs::write(&partial, entry).and_then(|()| std::fs::rename(&partial, out)).map_err(stored)?;
    Ok(password)
}

/// Runs the command.
pub fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let folder = folder(&args)?;
    std::fs::create_dir_all(&folder).map_err(|error| failure(IdentityError::Open(error)))?;
    let identity = Identity::open(&folder.join(FILE), SystemClock).map_err(failure)?;
    let json = args.json;
    match args.command {
        Command::Add { name, role, place } => {
            let grants: Vec<Grant> = place.grant()?.into_iter().collect();
            let user = identity.user_add(&name, role_of(&role)?, &grants, BY).map_err(failure)?;
            say(console, json, "user", &user.name);
        }
        Command::List { name: None } => list(&identity.users().map_err(failure)?, json, console),
        Command::List { name: Some(name) } => tokens(&identity, &name, json, console)?,
        Command::Grant { name, all: true, .. } => identity.disable(&name, false, BY).map_err(failure)?,
        Command::Grant { name, place, all: false } => {
            identity.grant(&name, &place.needed()?, BY).map_err(failure)?;
        }
        Command::Revoke { name, all: true, .. } => identity.disable(&name, true, BY).map_err(failure)?,
        Command::Revoke { name, token: Some(token), .. } => {
            identity.token_revoke(&name, &token, BY).map_err(failure)?;
        }
        Command::Revoke { name, place, .. } => identity.revoke(&name, &place.needed()?, BY).map_err(failure)?,
        Command::Password { name, draw: true } => {
            let password = identity.password_draw(&name, BY).map_err(failure)?;
            say(console, json, "password", password.expose());
        }
        Command::Password { name, draw: false } => {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(|error| bad(error, "write it to standard input"))?;
            identity.password_set(&name, line.trim_end_matches(['\r', '\n']), BY).map_err(failure)?;
        }
        Command::Link { name, hours } => {
            let link = identity.link_create(&name, hours.saturating_mul(3_600), BY).map_err(failure)?;
            say(console, json, "link", link.expose());
        }
        Command::SignOut { name } => identity.sign_out_all(&name, BY).map_err(failure)?,
        Command::Unlock { name } => identity.unlock(&name, BY).map_err(failure)?,
        Command::Nats { name, out } => {
            let user = identity.user(&name).map_err(failure)?;
            let password = nats(&user, &out)?;
            say(console, json, "password", password.expose());
        }
        Command::Token { user, token, role, place, read_only, days } => {
            let role = role.as_deref().map(role_of).transpose()?;
            let role = role.map_or_else(|| identity.user(&user).map(|user| user.role), Ok).map_err(failure)?;
            let seconds = days.saturating_mul(86_400).clamp(0, identity.limits().token.saturating_add(1));
            let expires = Instant::new(SystemClock.now().get().saturating_add(seconds));
            let new = NewToken { name: token, role, within: place.grant()?, read_only, expires };
            let secret = identity.token_create(&user, &new, BY).map_err(failure)?;
            say(console, json, "token", secret.expose());
        }
    }
    Ok(Exit::Done)
}

fn say(console: &mut Console, json: bool, key: &str, value: &str) {
    console.line(if json { json!({ key: value }).to_string() } else { value.to_owned() });
}

fn place_text(grant: &Grant) -> String {
    grant.account.as_ref().map_or_else(|| grant.site.to_string(), |account| format!("{}/{account}", grant.site))
}

fn list(users: &[User], json: bool, console: &mut Console) {
    let places = |user: &User| user.grants.iter().map(place_text).collect::<Vec<_>>();
    if json {
        let row = |user: &User| {
            json!({ "name": user.name, "role": user.role.as_str(), "grants": places(user),
                "has_password": user.has_password, "disabled": user.disabled, "created": user.created })
        };
        console.line(json!(users.iter().map(row).collect::<Vec<_>>()).to_string());
        return;
    }
    let row = |user: &User| {
        let state = if user.disabled {
            "shut out"
        } else if user.has_password {
            "password"
        } else {
            "links only"
        };
        [user.name.clone(), user.role.to_string(), state.to_owned(), places(user).join(" ")]
    };
    table::write(["user", "role", "signs in", "grants"], &users.iter().map(row).collect::<Vec<_>>(), console);
}

fn tokens(identity: &Identity, name: &str, json: bool, console: &mut Console) -> Result<(), Failure> {
    let tokens = identity.tokens(name).map_err(failure)?;
    if json {
        let rows: Vec<_> = tokens
            .iter()
            .map(|token| {
                json!({ "name": token.made.name, "role": token.made.role.as_str(),
                    "within": token.made.within.as_ref().map(place_text), "read_only": token.made.read_only,
                    "expires": token.made.expires, "revoked": token.revoked, "used": token.used })
            })
            .collect();
        console.line(json!(rows).to_string());
        return Ok(());
    }
    let at = |at: Option<Instant>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let rows: Vec<[String; 6]> = tokens
        .iter()
        .map(|token| {
            let within = token.made.within.as_ref().map_or_else(|| "all of the user's".to_owned(), place_text);
            let role = format!("{}{}", token.made.role, if token.made.read_only { ", reads" } else { "" });
            let name = token.made.name.clone();
            [name, role, within, token.made.expires.to_string(), at(token.revoked), at(token.used)]
        })
        .collect();
    table::write(["token", "role", "within", "expires", "revoked", "used"], &rows, console);
    Ok(())
}
