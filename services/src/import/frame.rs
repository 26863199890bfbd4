//! One line of the log: a topic, and a meter's registers as it sent them.

use chrono::NaiveDateTime;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The topic on which KPM33B meters publish their energies.
const TOPIC: &str = "MQTT_ENY_NOW";

/// The 15 registers, in the order in which a meter sends them. The first is
/// the total import.
const REGISTERS: [&str; 15] = [
    "zygsz", "fygsz", "zwgsz", "fwgsz", "zszsz", "zyjsz", "fyjsz", "zyfsz", "fyfsz", "zypsz", "fypsz", "zyvsz",
    "fyvsz", "zydvsz", "fydvsz",
];

/// The import registers of the five rates, which add up to the total.
const RATES: [&str; 5] = ["zyjsz", "zyfsz", "zypsz", "zyvsz", "zydvsz"];

/// A well-formed frame.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The meter's 13-character serial.
    pub(super) serial: String,
    /// The meter's own clock, local and without a zone.
    pub(super) clock: NaiveDateTime,
    /// `zygsz` exactly as sent, kWh.
    pub(super) import_text: String,
    /// All registers in Wh, kvarh or kVAh thousandths, in the order of [`REGISTERS`].
    pub(super) registers: [i64; 15],
    /// The sum of the rates' import, Wh.
    pub(super) rates_wh: i64,
}

/// What of a frame makes a reading.
#[derive(Debug, Clone)]
pub(crate) struct MqttFrame {
    /// The meter's serial.
    pub(crate) serial: String,
    /// The meter's own clock, local and without a zone.
    pub(crate) clock: NaiveDateTime,
    /// Total import as sent, kWh.
    pub(crate) kwh: String,
}

impl MqttFrame {
    /// Reads a line `<topic> <json>`; on an error the field at fault.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let frame = Frame::parse(line).map_err(|fault| fault.field)?;
        Ok(Self { serial: frame.serial, clock: frame.clock, kwh: frame.import_text })
    }
}

/// A line that is no frame: the field at fault, and what could be read.
#[derive(Debug, Clone)]
pub(super) struct Malformed {
    pub(super) field: &'static str,
    pub(super) serial: Option<String>,
}

impl Frame {
    /// Reads a line `<topic> <json>`. Numbers stay text until they are exact
    /// integers: a register never passes through a float.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let fault = |field, serial: Option<&str>| Malformed { field, serial: serial.map(str::to_owned) };
        let text = std::str::from_utf8(line).map_err(|_| fault("line", None))?.trim_end_matches('\r');
        let (topic, payload) = text.split_once(' ').ok_or_else(|| fault("line", None))?;
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload).map_err(|_| fault("json", None))?;
        let word = |name: &str| fields.get(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
        let serial = word("id").filter(|serial| !serial.is_empty()).ok_or_else(|| fault("id", None))?;
        let fault = |field| fault(field, Some(&serial));
        if topic != TOPIC {
            return Err(fault("topic"));
        }
        if word("isend").as_deref() != Some("1") {
            return Err(fault("isend"));
        }
        let clock = word("time").and_then(|time| parse_clock(&time)).ok_or_else(|| fault("time"))?;
        let mut registers = [0; 15];
        let mut rates_wh = 0_i64;
        for (slot, name) in registers.iter_mut().zip(REGISTERS) {
            *slot = fields.get(name).and_then(|raw| thousandths(raw.get())).ok_or_else(|| fault(name))?;
            if RATES.contains(&name) {
                rates_wh = rates_wh.checked_add(*slot).ok_or_else(|| fault(name))?;
            }
        }
        let import_text = fields.get("zygsz").map(|raw| raw.get().to_owned()).ok_or_else(|| fault("zygsz"))?;
        Ok(Self { serial, clock, import_text, registers, rates_wh })
    }

    /// The total import, Wh.
    pub(super) fn import_wh(&self) -> i64 {
        self.registers[0]
    }
}

/// `YYYYMMDDhhmmss`, and nothing else.
fn parse_clock(text: &str) -> Option<NaiveDateTime> {
    if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok()
}

/// A plain decimal with at most three decimals and at most 15 digits, times 1000.
fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || fraction.len() > 3 || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<3}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_is_exact_or_refused() {
        let cases = [("31.057", Some(31_057)), ("0.000", Some(0)), ("7", Some(7000)), ("0.1", Some(100))];
        for (text, expected) in cases {
            assert_eq!(thousandths(text), expected, "{text}");
        }
        for text in ["", ".5", "-1.000", "1e3", "0.0001", "\"1.000\"", "1234567890123.000"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_names_the_field_at_fault() {
        for (line, field) in [
            ("MQTT_ENY_NOW", "line"),
            ("MQTT_ENY_NOW {\"id\":", "json"),
            ("MQTT_ENY_NOW {\"time\":\"20260112170000\"}", "id"),
            ("OTHER {\"id\":\"33B\"}", "topic"),
            ("MQTT_ENY_NOW {\"id\":\"33B\",\"isend\":\"0\"}", "isend"),
            ("MQTT_ENY_NOW {\"id\":\"33B\",\"isend\":\"1\",\"time\":\"20261312170000\"}", "time"),
            ("MQTT_ENY_NOW {\"id\":\"33B\",\"isend\":\"1\",\"time\":\"20260112170000\"}", "zygsz"),
        ] {
            assert_eq!(Frame::parse(line.as_bytes()).map_err(|fault| fault.field).err(), Some(field), "{line}");
        }
    }
}
