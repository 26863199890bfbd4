//! Restricted JCS (RFC 8785): the only bytes an event may have (AUDIT.md,
//! "Events as bytes"). Bytes are accepted only if decoding and encoding them
//! again gives the same bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Integers lie within ±(2^53 − 1).
pub const MAX_INTEGER: i64 = (1 << 53) - 1;
/// An event has at most so many bytes.
pub(crate) const MAX_BYTES: usize = 65_535;
const MAX_DEPTH: usize = 16;

/// Why bytes or a value are not canonical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// More than 65,535 bytes.
    #[error("{0} bytes are more than the 65,535 of an event")]
    TooLong(usize),
    /// The top level is not an object.
    #[error("the top level is not an object")]
    NotAnObject,
    /// Nested deeper than 16.
    #[error("nested deeper than 16")]
    TooDeep,
    /// A key that is not `[a-z][a-z0-9_]{0,63}`.
    #[error("key {0:?} is not of the form [a-z][a-z0-9_]{{0,63}}")]
    Key(String),
    /// A null.
    #[error("null has no place in an event")]
    Null,
    /// A number that is no integer within ±(2^53 − 1).
    #[error("number {0} is no integer within 2^53 - 1")]
    Number(String),
    /// Not JSON, or not the shape of its type.
    #[error("not the JSON of its type: {0}")]
    Json(String),
    /// JSON, but not in its one canonical form.
    #[error("not in canonical form: encoding it again gives other bytes")]
    NotCanonical,
}

fn check(value: &Value, depth: usize) -> Result<(), CanonicalError> {
    if depth > MAX_DEPTH {
        return Err(CanonicalError::TooDeep);
    }
    let deeper = depth.saturating_add(1);
    match value {
        Value::Null => Err(CanonicalError::Null),
        Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => match number.as_i64() {
            Some(n) if (-MAX_INTEGER..=MAX_INTEGER).contains(&n) => Ok(()),
            _ => Err(CanonicalError::Number(number.to_string())),
        },
        Value::Array(items) => items.iter().try_for_each(|item| check(item, deeper)),
        Value::Object(members) => members.iter().try_for_each(|(key, item)| {
            let mut bytes = key.bytes();
            let fits = key.len() <= 64
                && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
                && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if fits { check(item, deeper) } else { Err(CanonicalError::Key(key.clone())) }
        }),
    }
}

/// The canonical bytes of a value. Structs declare their fields in sorted order; this checks that they did.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let bytes = serde_json::to_vec(value).map_err(|e| CanonicalError::Json(e.to_string()))?;
    decode(&bytes)?;
    Ok(bytes)
}

/// The value of canonical bytes; anything but the one canonical form is refused.
pub fn decode(bytes: &[u8]) -> Result<Value, CanonicalError> {
    if bytes.len() > MAX_BYTES {
        return Err(CanonicalError::TooLong(bytes.len()));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|e| CanonicalError::Json(e.to_string()))?;
    if !value.is_object() {
        return Err(CanonicalError::NotAnObject);
    }
    check(&value, 1)?;
    // `serde_json::Map` is a sorted map, so this is the sorted, compact form.
    let again = serde_json::to_vec(&value).map_err(|e| CanonicalError::Json(e.to_string()))?;
    if again == bytes { Ok(value) } else { Err(CanonicalError::NotCanonical) }
}

/// A payload from its canonical value.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, CanonicalError> {
    serde_json::from_value(value).map_err(|e| CanonicalError::Json(e.to_string()))
}
