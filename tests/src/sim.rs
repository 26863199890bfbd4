//! The simulator of meters and gateways, `tests/sim/meter_sim.py`, ended with the test.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A simulator at work. Its time moves only by [`step`](Self::step).
pub struct Sim {
    child: Child,
    admin: String,
    /// What it said first: the gateways and their addresses.
    pub ready: Value,
    _folder: tempfile::TempDir,
}

/// The folder of the simulators.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sim")
}

impl Sim {
    /// A simulator of this plan; `profiles`, `admin` and `speed` are filled in.
    pub fn start(mut plan: Value) -> Self {
        let own = tempfile::tempdir().expect("a folder");
        let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/src/meter_bus/profiles");
        plan["profiles"] = json!(profiles);
        plan["admin"] = json!("127.0.0.1:0");
        if plan.get("speed").is_none() {
            plan["speed"] = json!(0);
        }
        let path = own.path().join("plan.json");
        std::fs::write(&path, plan.to_string()).expect("writes");
        let mut child = Command::new("python3")
            .arg(folder().join("meter_sim.py"))
            .arg("--plan")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python 3.11 or newer");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("says that it is ready");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        let admin = ready["admin"].as_str().expect("an address").to_owned();
        Self { child, admin, ready, _folder: own }
    }

    /// One gateway with `meters` KPM33B of 750 W, units from 1; its name is `g`.
    pub fn plan(framing: &str, meters: usize) -> Value {
        json!({"seed": 7, "start": "2026-01-12T00:00:00", "gateway": [{"name": "g", "framing": framing, "meter": [{
            "unit": 1, "count": meters, "profile": "kpm33b", "serial": "33B12259{n:05}", "import_kwh": "100",
            "load": {"kind": "constant", "watts": 750}}]}]})
    }

    /// The address of a gateway.
    pub fn gateway(&self, name: &str) -> String {
        self.ready["gateways"][name]["address"].as_str().expect("an address").to_owned()
    }

    /// Asks its HTTP endpoint.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut socket = TcpStream::connect(&self.admin).expect("connects");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        write!(socket, "{method} {path} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("asks");
        socket.shutdown(std::net::Shutdown::Write).expect("ends the question");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(" 200 "), "{method} {path}: {answer}");
        serde_json::from_str(body).expect("JSON")
    }

    /// Asks without a body.
    pub fn get(&self, path: &str) -> Value {
        self.ask("GET", path, &Value::Null)
    }

    /// Injects a fault.
    pub fn fault(&self, fault: Value) {
        self.ask("POST", "/faults", &fault);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.ask("DELETE", "/faults", &Value::Null);
    }

    /// Lets so many seconds pass; the time after, seconds since 1970.
    pub fn step(&self, seconds: u32) -> i64 {
        let clock = self.ask("POST", "/clock", &json!({"step_s": seconds}));
        clock["virtual_ms"].as_i64().expect("a number").div_euclid(1000)
    }

    /// Its time, seconds since 1970.
    pub fn now(&self) -> i64 {
        self.get("/clock")["virtual_ms"].as_i64().expect("a number").div_euclid(1000)
    }

    /// A meter's true state.
    pub fn truth(&self, gateway: &str, unit: u8) -> Value {
        self.get(&format!("/truth/{gateway}/{unit}"))
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.child.kill().expect("kills");
        self.child.wait().expect("ends");
    }
}
