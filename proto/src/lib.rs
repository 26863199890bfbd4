//! The interface for programs, made of the `.proto` files beside this folder:
//! messages, clients and servers. As JSON, a message has the same field names.
//!
//! `tallywatt/v1/common.proto` says how money, energy and time are written.

/// Version 1.
pub mod v1 {
    #![allow(clippy::all, clippy::pedantic, missing_docs, reason = "generated code")]
    tonic::include_proto!("tallywatt.v1");
}

/// The descriptions of all files, encoded: for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tallywatt.bin"));
