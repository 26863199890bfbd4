//! One service with three sites in three zones and currencies, and users of every role at one of them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use adapters::clock::{Clock as _, GivenClock, SharedClock, SystemClock};
use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use services::identity::{Grant, NewToken, Role};
use services::serve::{Config, Server};
use tempfile::TempDir;

use crate::{run, site};

/// The sites: id, zone, currency.
pub const SITES: [(&str, &str, &str); 3] =
    [("berlin", "Europe/Berlin", "EUR"), ("tokyo", "Asia/Tokyo", "JPY"), ("kuwait", "Asia/Kuwait", "KWD")];
/// When it is.
pub const NOW: &str = "2026-04-10T09:00:00Z";
const FROM: &str = "2026-03-01T00:00:00Z";

/// The service.
pub struct Instance {
    /// It runs until this is dropped.
    pub server: Server,
    /// The clock of the sites.
    pub clock: GivenClock,
    _folder: TempDir,
}

/// An id of a site's own: no other site's text has it.
pub fn id(site: &str, plain: &str) -> String {
    format!("{site}-{plain}")
}

/// Two flats with two periods and tiers, and a common point in a pool.
fn toml(name: &str, zone: &str, currency: &str) -> String {
    let price = |text: &str| if currency == "JPY" { format!("{text}0") } else { text.to_owned() };
    let tariff = format!(
        "default_period = \"day\"\ntier_basis = \"period\"\nschedule = [ {{ period = \"night\", from = \"22:00\", to = \"06:00\" }} ]\n\
         energy = [ {{ period = \"day\", tiers = [ {{ up_to_kwh = \"100\", price = \"{}\" }}, {{ price = \"{}\" }} ] }}, \
         {{ period = \"night\", tiers = [ {{ price = \"{}\" }} ] }} ]",
        price("3"),
        price("4"),
        price("2")
    );
    let head = site::head(zone, currency).replace("\"pains\"", &format!("\"{name}\"")).replace("Pains", name);
    let common = "[[point]]\nid = \"P-9\"\nkind = \"common\"\n[[meter]]\nid = \"M-9\"\npoint = \"P-9\"\n\
         installed = 2026-03-01T00:00:00Z\nstart_kwh = \"0\"\n[[pool]]\nid = \"L-1\"\nname = \"Lifts\"\npoints = [\"P-9\"]\n\
         [[rule]]\npool = \"L-1\"\nversion = 1\nfrom = 2026-01-01\nunits = [\"U-1\", \"U-2\"]\nvacant = \"landlord\"\n\
         parts = [ { percent = \"100\", basis = \"equal\", zero = \"equal\" } ]\n\
         [[assign]]\npool = \"L-1\"\ntariff = \"t\"\nfrom = 2026-01-01\n";
    let text =
        [head, site::tariff("t", &tariff), site::flat(1, FROM, "t"), site::flat(2, FROM, "t"), common.to_owned()];
    let mut text = text.concat();
    for kind in ["A-", "U-", "P-", "M-", "L-"] {
        text = text.replace(&format!("\"{kind}"), &format!("\"{name}-{kind}"));
    }
    text
}

fn write_site(folder: &Path, name: &str, zone: &str, currency: &str) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("site.toml"), toml(name, zone, currency)).expect("a file");
    let mut readings = "time,meter,kwh\n".to_owned();
    let from = Instant::parse(FROM).expect("an instant");
    for hour in 0..970i64 {
        for (meter, watts) in [("M-1", 700), ("M-2", 300), ("M-9", 100)] {
            let wh = hour * watts;
            let kwh = format!("{}.{:03}", wh.div_euclid(1000), wh.rem_euclid(1000));
            writeln!(readings, "{},{name}-{meter},{kwh}", from.plus(hour * 3600)).expect("text grows");
        }
    }
    fs::write(folder.join("readings.csv"), readings).expect("a file");
    let recharges = format!(
        "time,account,amount,reference\n2026-03-01T08:00:00Z,{name}-A-1,5000,{name}-R-1\n\
         2026-03-02T08:00:00Z,{name}-A-2,4000,{name}-R-2\n"
    );
    fs::write(folder.join("recharges.csv"), recharges).expect("a file");
}

impl Instance {
    /// Starts it, with a month and some days behind it.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same; `more` stands in `[serve]`.
    pub fn start_with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut text = format!("[serve]\ndata = \"data\"\nhttp = \"127.0.0.1:0\"\n{more}\n");
        for (name, zone, currency) in SITES {
            let at = folder.path().join(name);
            write_site(&at, name, zone, currency);
            let out = folder.path().join(format!("{name}-out"));
            run::run(&at, NOW, &out, &[]).expect("the site runs");
            writeln!(text, "[[site]]\nfolder = \"{name}\"\nlog = \"{}\"", out.join("log.db").display())
                .expect("text grows");
        }
        let config = Config::parse(&folder.path().join("tallywatt.toml"), &text).expect("the file is right");
        let clock = GivenClock::new(Instant::parse(NOW).expect("an instant"));
        let server = Server::start(&config, SharedClock::new(clock.clone())).expect("it starts");
        Self { server, clock, _folder: folder }
    }

    /// A token of a new user with a role at a site; a tenant has the account `A-1`.
    pub fn token(&self, role: Role, site: &str, read_only: bool) -> String {
        let identity = &self.server.app.identity;
        let user = format!("{role}-{site}-{read_only}");
        let account = (role == Role::Tenant).then(|| AccountId::try_new(&id(site, "A-1"))).flatten();
        let grant = Grant { site: SiteId::try_new(site).expect("an id"), account };
        let grants = if role == Role::Operator { vec![] } else { vec![grant] };
        identity.user_add(&user, role, &grants, "test").expect("a user");
        let expires = SystemClock.now().plus(3600);
        let token = NewToken { name: "t".to_owned(), role, within: None, read_only, expires };
        identity.token_create(&user, &token, "test").expect("a token").expose().to_owned()
    }
}
