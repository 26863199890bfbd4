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
    let plain = bytes.len() <= MAX_BYTES && bytes.starts_with(b"{") && Scan(&bytes).value(1).is_some();
    if !plain {
        decode(&bytes)?;
    }
    Ok(bytes)
}

/// A look over JSON as `serde_json` writes it, which has no spaces and one form
/// for each text: whether it is canonical, without building a value. `None`
/// where it is not, or that is not certain.
struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        let deeper = depth.saturating_add(1);
        match self.next().filter(|_| depth <= MAX_DEPTH)? {
            b'{' => {
                let mut before: &[u8] = &[];
                if self.0.first() == Some(&b'}') {
                    return self.next().map(drop);
                }
                loop {
                    let key = (self.next()? == b'"').then(|| self.text())??;
                    let fits = key.len() <= 64
                        && key.first().is_some_and(u8::is_ascii_lowercase)
                        && key.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
                    let goes_on = fits && before < key && self.next()? == b':';
                    before = key;
                    goes_on.then(|| self.value(deeper))??;
                    match self.next()? {
                        b',' => {}
                        b'}' => return Some(()),
                        _ => return None,
                    }
                }
            }
            b'[' if self.0.first() == Some(&b']') => self.next().map(drop),
            b'[' => loop {
                self.value(deeper)?;
                match self.next()? {
                    b',' => {}
                    b']' => return Some(()),
                    _ => return None,
                }
            },
            b'"' => self.text().map(drop),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'-' => self.digits(0),
            digit @ b'0'..=b'9' => self.digits(i64::from(digit & 0x0f)),
            _ => None,
        }
    }

    fn word(&mut self, rest: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(rest)?;
        Some(())
    }

    /// The rest of an integer's digits.
    fn digits(&mut self, first: i64) -> Option<()> {
        let mut number = first;
        while let Some(digit) = self.0.first().filter(|byte| byte.is_ascii_digit()) {
            number = number.checked_mul(10)?.checked_add(i64::from(digit & 0x0f))?;
            self.next()?;
        }
        let ends = matches!(self.0.first(), Some(b',' | b']' | b'}'));
        (ends && number <= MAX_INTEGER).then_some(())
    }

    /// A text up to its end.
    fn text(&mut self) -> Option<&'a [u8]> {
        let all = self.0;
        let mut length = 0usize;
        loop {
            let ahead = all.get(length..)?;
            let plain = ahead.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            length = length.saturating_add(plain);
            if all.get(length) == Some(&b'"') {
                self.0 = all.get(length.saturating_add(1)..)?;
                return all.get(..length);
            }
            length = length.saturating_add(2);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::{Scan, Value, decode, encode};
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            4 => (-20i64..20).prop_map(Value::from),
            2 => any::<i64>().prop_map(Value::from),
            1 => any::<u64>().prop_map(Value::from),
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            4 => "[a-z\"\\\\\n\u{1}é]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(18, 60, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z][a-z0-9_]{0,3}|[A-Z]|", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_the_scan_passes_is_canonical(value in any_value()) {
            let Ok(bytes) = serde_json::to_vec(&value) else { return Ok(()) };
            let passed = bytes.starts_with(b"{") && Scan(&bytes).value(1).is_some();
            prop_assert_eq!(passed, decode(&bytes).is_ok());
            prop_assert_eq!(encode(&value).is_ok(), decode(&bytes).is_ok());
        }
    }

    #[test]
    fn the_scan_sees_keys_out_of_order_and_twice() {
        for text in
            ["{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "{\"a\":1.5}", "{\"a\":9007199254740992}", "{\"a\":null}"]
        {
            assert_eq!(Scan(text.as_bytes()).value(1), None, "{text}");
        }
        assert_eq!(Scan(b"{\"a\":-1,\"b\":[true,\"x\"],\"c\":{}}").value(1), Some(()));
    }
}
