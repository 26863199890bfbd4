//! A service of a test's own, with users and tokens.

use std::path::{Path, PathBuf};

use adapters::clock::{Clock as _, GivenClock, SharedClock, SystemClock};
use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use services::identity::{Grant, NewToken, Role};
use services::serve::{Config, ServeError, Server};
use tempfile::TempDir;

use crate::site;

/// The site of `site::head`.
pub const SITE: &str = "pains";

/// A service with two flats, A-1 and A-2.
pub struct Served {
    server: Option<Server>,
    folder: TempDir,
    more: String,
    /// The clock of the service: it stands still.
    pub clock: GivenClock,
}

impl Served {
    /// Starts one; `more` stands in `[serve]`.
    pub fn start(more: &str, at: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_site(&folder.path().join("site"), "");
        Self::start_in(folder, more, at)
    }

    /// Starts one whose changes need two persons.
    pub fn start_with_approvals(more: &str, at: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_site(&folder.path().join("site"), "approvals = 2\n");
        Self::start_in(folder, more, at)
    }

    /// Starts one on the text of a site.
    pub fn start_on(toml: &str, at: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("site")).expect("a folder");
        std::fs::write(folder.path().join("site/site.toml"), toml).expect("a file");
        Self::start_in(folder, "", at)
    }

    fn start_in(folder: TempDir, more: &str, at: &str) -> Self {
        let clock = GivenClock::new(Instant::parse(at).expect("an instant"));
        let mut served = Self { server: None, folder, more: more.to_owned(), clock };
        served.open();
        served
    }

    fn open(&mut self) {
        self.try_open().expect("it starts");
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.server.take();
    }

    /// Starts it anew on what is there.
    pub fn try_open(&mut self) -> Result<(), ServeError> {
        let more = &self.more;
        let text = format!(
            "[serve]\ndata = \"data\"\nhttp = \"127.0.0.1:0\"\n{more}\n[[site]]\nfolder = \"site\"\npatience_s = 0\n"
        );
        let config = Config::parse(&self.folder.path().join("tallywatt.toml"), &text).expect("the file is right");
        self.server = Some(Server::start(&config, SharedClock::new(self.clock.clone()))?);
        Ok(())
    }

    /// Ends it and starts it anew on the same log.
    pub fn again(&mut self) {
        self.stop();
        self.open();
    }

    /// The service.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    /// Where gRPC is.
    pub fn grpc(&self) -> String {
        format!("http://{}", self.server().grpc.as_ref().expect("gRPC is served").address)
    }

    /// What the service keeps of the site.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data").join(SITE)
    }

    /// What comes in waits here.
    pub fn spool(&self) -> PathBuf {
        self.data().join("intake.db")
    }

    /// The certificate that the service made for itself, PEM.
    pub fn certificate(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("data/tls/cert.pem")).expect("a certificate")
    }

    /// Makes a user, and a token of its; grants are the whole site, or for a tenant an account.
    pub fn token(&self, name: &str, role: Role, account: &str) -> String {
        let identity = &self.server().app.identity;
        let site = SiteId::try_new(SITE).expect("an id");
        let account = (role == Role::Tenant).then(|| AccountId::try_new(account).expect("an id"));
        let grants = if role == Role::Operator { Vec::new() } else { vec![Grant { site, account }] };
        identity.user_add(name, role, &grants, "test").expect("a new user");
        let expires = SystemClock.now().plus(3_600);
        let new = NewToken { name: "test".to_owned(), role, within: None, read_only: false, expires };
        identity.token_create(name, &new, "test").expect("a token").expose().to_owned()
    }
}

fn write_site(folder: &Path, of_site: &str) {
    let installed = "2026-03-01T00:00:00Z";
    let flats = [site::flat(1, installed, "t"), site::flat(2, installed, "t")].concat();
    std::fs::create_dir(folder).expect("a folder");
    let head = site::head("UTC", "EUR").replacen("max_gap", &format!("{of_site}max_gap"), 1);
    std::fs::write(folder.join("site.toml"), [head, site::one_price("t", "0.30"), flats].concat()).expect("a file");
}
