//! Reads a profile's file and holds it to the schema.

use std::fmt;

use domain::event::EventId;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::Block;
use super::order::{Relay, Span, Writable, Writes};
use super::profile::{Port, Profile, Quantity, Register, Scale, Type};

/// The longest read that the protocol knows.
const LONGEST_READ: u16 = 125;
/// Registers in the log have at most so many decimals (BILLING §3).
const MOST_DECIMALS: u8 = 6;

/// What is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The table and key.
    pub key: String,
    /// What is wrong, and what is wanted.
    pub problem: String,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}: {}", self.key, self.problem)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u8,
    id: String,
    vendor: String,
    model: String,
    #[serde(rename = "description")]
    _description: String,
    phases: u8,
    #[serde(rename = "verified")]
    _verified: String,
    #[serde(rename = "sources")]
    _sources: Vec<String>,
    #[serde(default, rename = "notes")]
    _notes: Vec<String>,
    serial: FilePort,
    limits: FileLimits,
    energy: Option<FileEnergy>,
    relay: Option<FileRelay>,
    #[serde(default)]
    forbidden: Vec<FileForbidden>,
    register: Vec<FileRegister>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePort {
    baud: u32,
    parity: char,
    data_bits: u8,
    stop_bits: u8,
    #[serde(rename = "default_unit")]
    _default_unit: u8,
    #[serde(rename = "unit_min")]
    _unit_min: Option<u8>,
    #[serde(rename = "unit_max")]
    _unit_max: Option<u8>,
    #[serde(default, rename = "baud_rates")]
    _baud_rates: Vec<u32>,
    #[serde(rename = "source")]
    _source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLimits {
    max_registers: u16,
    function_codes: Vec<u8>,
    #[serde(rename = "source")]
    _source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEnergy {
    resolution_kwh: String,
    #[serde(rename = "tou_tolerance_kwh")]
    _tou_tolerance_kwh: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum RelayKind {
    Coil,
    Register,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRelay {
    kind: RelayKind,
    address: u16,
    read_fc: u8,
    write_fc: u8,
    on: u16,
    off: u16,
    #[serde(rename = "on_means")]
    _on_means: String,
    remote_mode: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForbidden {
    address: u16,
    words: u16,
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRegister {
    quantity: Quantity,
    phase: Option<String>,
    tariff: Option<u8>,
    fc: u8,
    address: u16,
    words: u16,
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default)]
    word_order: WordOrder,
    scale: String,
    #[serde(rename = "unit")]
    _unit: String,
    #[serde(default)]
    access: Access,
    write_fc: Option<u8>,
    invalid: Option<String>,
    length: Option<usize>,
    #[serde(rename = "label")]
    _label: Option<String>,
}

#[derive(Deserialize, Default, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum WordOrder {
    #[default]
    Big,
    Little,
}

#[derive(Deserialize, Default, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Access {
    #[default]
    R,
    Rw,
    W,
}

/// A key at fault, and why.
type Fault = (String, String);

fn fault<T>(key: impl Into<String>, problem: impl Into<String>) -> Result<T, Fault> {
    Err((key.into(), problem.into()))
}

/// Reads a profile; `file` is its name, with `.toml`.
pub(super) fn read(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let raw: File = toml_edit::de::from_str(text).map_err(|error| {
        let start = error.span().map(|span| span.start);
        let line = start.map(|at| text.bytes().take(at).filter(|byte| *byte == b'\n').count());
        let key = line.and_then(|line| text.lines().nth(line)).and_then(|line| line.split('=').next());
        ProfileError {
            file: file.to_owned(),
            line: line.map(|line| line.saturating_add(1)),
            key: key.map_or("the file", str::trim).to_owned(),
            problem: error.message().to_owned(),
        }
    })?;
    check(file, text, raw).map_err(|(key, problem)| ProfileError { file: file.to_owned(), line: None, key, problem })
}

fn check(file: &str, text: &str, raw: File) -> Result<Profile, Fault> {
    if raw.schema != 1 {
        return fault("schema", "only schema 1 is known to this version of tallywatt");
    }
    if file.strip_suffix(".toml") != Some(raw.id.as_str()) {
        return fault("id", format!("`{}` is not the file's name without .toml", raw.id));
    }
    if !matches!(raw.phases, 1 | 3) {
        return fault("phases", "1 or 3");
    }
    let port = port(&raw.serial)?;
    if !(1..=LONGEST_READ).contains(&raw.limits.max_registers) {
        return fault("limits.max_registers", "1 to 125");
    }
    let resolution = raw.energy.map(|energy| scale("energy.resolution_kwh", &energy.resolution_kwh)).transpose()?;
    let mut registers = Vec::with_capacity(raw.register.len());
    let mut writable = Vec::new();
    for (number, register) in raw.register.iter().enumerate() {
        let name = format!("register {} at 0x{:04X}", number.saturating_add(1), register.address);
        let checked = self::register(&name, register, &raw.limits)?;
        writable.extend(writable_of(&name, register, &checked)?);
        registers.push(checked);
    }
    let forbidden: Vec<Span> =
        raw.forbidden.iter().map(|span| Span { address: span.address, words: span.words.max(1) }).collect();
    let writes = writes(raw.relay.as_ref(), &writable, forbidden, &raw.limits)?;
    let profile = Profile {
        version: EventId::derive(&[b"meter profile", text.as_bytes()]).to_string(),
        name: format!("{} {}", raw.vendor, raw.model),
        id: raw.id,
        phases: raw.phases,
        port,
        max_registers: raw.limits.max_registers,
        resolution,
        registers,
        writes,
    };
    match profile.energy() {
        None => fault("register", "one must be import_kwh (or total_kwh) without phase and tariff"),
        Some(energy) if energy.scale.decimals > MOST_DECIMALS => fault("scale", "energy has at most 6 decimals of kWh"),
        Some(_) => Ok(profile),
    }
}

fn port(raw: &FilePort) -> Result<Port, Fault> {
    if !matches!(raw.parity, 'N' | 'E' | 'O') {
        return fault("serial.parity", "N, E or O");
    }
    if !matches!(raw.data_bits, 7 | 8) || !matches!(raw.stop_bits, 1 | 2) {
        return fault("serial", "data_bits are 7 or 8, stop_bits 1 or 2");
    }
    if raw.baud == 0 {
        return fault("serial.baud", "more than 0");
    }
    Ok(Port { baud: raw.baud, parity: raw.parity, data_bits: raw.data_bits, stop_bits: raw.stop_bits })
}

/// A decimal text greater than 0.
fn scale(key: &str, text: &str) -> Result<Scale, Fault> {
    let number = Decimal::from_str_exact(text).ok().map(|number| number.normalize());
    let parts = number.and_then(|number| {
        let mantissa = i64::try_from(number.mantissa()).ok().filter(|m| (1..=1_000_000_000).contains(m))?;
        let decimals = u8::try_from(number.scale()).ok().filter(|d| *d <= 9)?;
        Some(Scale { mantissa, decimals })
    });
    match parts {
        Some(scale) => Ok(scale),
        None => fault(key, format!("`{text}` is no decimal above 0 with at most 9 decimals, such as \"0.01\"")),
    }
}

fn register(name: &str, raw: &FileRegister, limits: &FileLimits) -> Result<Register, Fault> {
    let key = |key: &str| format!("{name}: {key}");
    if !matches!(raw.fc, 3 | 4) || !limits.function_codes.contains(&raw.fc) {
        return fault(key("fc"), "3 or 4, and one of limits.function_codes");
    }
    match raw.kind.words() {
        Some(words) if words != raw.words => {
            return fault(key("words"), format!("{words} with this type, not {}", raw.words));
        }
        _ if raw.words == 0 || raw.words > limits.max_registers => {
            return fault(key("words"), "1 to limits.max_registers");
        }
        _ if raw.address.checked_add(raw.words.saturating_sub(1)).is_none() => {
            return fault(key("address"), "the last word is above 0xFFFF");
        }
        _ => {}
    }
    if raw.phase.as_deref().is_some_and(|phase| !["a", "b", "c", "ab", "bc", "ca"].contains(&phase)) {
        return fault(key("phase"), "a, b, c, ab, bc or ca");
    }
    if raw.tariff == Some(0) {
        return fault(key("tariff"), "rates count from 1");
    }
    let text_fits = raw.length.is_none_or(|length| raw.kind == Type::Ascii && length <= usize::from(raw.words) * 2);
    if !text_fits {
        return fault(key("length"), "only of ascii, at most two characters a word");
    }
    let invalid = match raw.invalid.as_deref() {
        None => None,
        Some(text) => match text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            Some(value) => Some(value),
            None => return fault(key("invalid"), "hexadecimal, such as \"0xFFFF\""),
        },
    };
    Ok(Register {
        quantity: raw.quantity,
        phase: raw.phase.clone(),
        tariff: raw.tariff,
        fc: raw.fc,
        address: raw.address,
        words: raw.words,
        kind: raw.kind,
        little: raw.word_order == WordOrder::Little,
        scale: scale(&key("scale"), &raw.scale)?,
        invalid,
        length: raw.length,
    })
}

fn writable_of(name: &str, raw: &FileRegister, register: &Register) -> Result<Option<(Quantity, Writable)>, Fault> {
    if raw.access == Access::R {
        return Ok(None);
    }
    if !matches!(raw.write_fc, Some(6 | 16)) || (raw.write_fc == Some(6) && raw.words != 1) {
        return fault(format!("{name}: write_fc"), "6 (one word) or 16 where access is rw or w");
    }
    Ok(Writable::of(register, raw.write_fc).map(|writable| (register.quantity, writable)))
}

fn writes(
    relay: Option<&FileRelay>,
    writable: &[(Quantity, Writable)],
    forbidden: Vec<Span>,
    limits: &FileLimits,
) -> Result<Writes, Fault> {
    let find = |quantity| writable.iter().find(|(of, _)| *of == quantity).map(|(_, writable)| *writable);
    let mut writes = Writes { clock: find(Quantity::Clock), forbidden, ..Writes::default() };
    if let Some(raw) = relay {
        let fits = match raw.kind {
            RelayKind::Coil => {
                matches!((raw.on, raw.off), (0xFF00, 0) | (0, 0xFF00)) && raw.read_fc == 1 && raw.write_fc == 5
            }
            RelayKind::Register => matches!(raw.read_fc, 3 | 4) && matches!(raw.write_fc, 6 | 16) && raw.on != raw.off,
        };
        let answered = [raw.read_fc, raw.write_fc].iter().all(|fc| limits.function_codes.contains(fc));
        if !fits || !answered {
            return fault(
                "relay",
                "a coil has read_fc 1, write_fc 5, on and off 0xFF00 and 0; a register read_fc 3 or 4, \
                 write_fc 6 or 16, and two values; the codes are among limits.function_codes",
            );
        }
        let read = Block { fc: raw.read_fc, address: raw.address, count: 1 };
        writes.relay = Some(Relay { function: raw.write_fc, read, on: raw.on, off: raw.off });
        writes.remote_mode = match (raw.remote_mode, find(Quantity::RelayMode)) {
            (Some(value), Some(at)) => Some((at, value)),
            (Some(_), None) => return fault("relay.remote_mode", "needs a relay_mode register (u16) that is rw"),
            (None, _) => None,
        };
    }
    let touched = writes.every().any(|write| writes.forbidden.iter().any(|span| write.touches(*span)));
    if touched {
        return fault("relay", "this profile forbids a register that its own relay or clock would write");
    }
    Ok(writes)
}
