//! Makes Rust of the `.proto` files, without protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message as _;

const FILES: [&str; 8] = [
    "tallywatt/v1/audit.proto",
    "tallywatt/v1/balance.proto",
    "tallywatt/v1/bills.proto",
    "tallywatt/v1/common.proto",
    "tallywatt/v1/consumption.proto",
    "tallywatt/v1/export.proto",
    "tallywatt/v1/ledger.proto",
    "tallywatt/v1/proof.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=tallywatt");
    let files = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("tallywatt.bin"), files.encode_to_vec())?;
    tonic_prost_build::configure()
        .type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")
        .message_attribute(".", "#[serde(default, deny_unknown_fields)]")
        .enum_attribute(".", "#[serde(rename_all = \"snake_case\")]")
        .compile_fds(files)?;
    Ok(())
}
