//! Reading and writing the primitives of the layout.

use super::BatchError;

/// Writes primitives.
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            let [low, ..] = value.to_le_bytes();
            self.0.push(low | 0x80);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.0.push(low);
    }

    pub(super) fn length(&mut self, length: usize) {
        self.varint(u64::try_from(length).expect("lengths fit u64"));
    }

    pub(super) fn zigzag(&mut self, value: i64) {
        self.varint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.length(text.len());
        self.raw(text);
    }
}

/// Reads primitives, each in its one form.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, BatchError> {
        let (first, rest) = self.0.split_first().ok_or(BatchError::Length)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn raw(&mut self, length: usize) -> Result<&'a [u8], BatchError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(BatchError::Length)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BatchError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(BatchError::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn varint(&mut self) -> Result<u64, BatchError> {
        const LONG: BatchError = BatchError::NotCanonical("a varint that is too long");
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (shift == 63 && bits > 1) || (shift > 0 && byte == 0) {
                return Err(LONG);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(LONG)
    }

    pub(super) fn length(&mut self) -> Result<usize, BatchError> {
        usize::try_from(self.varint()?).ok().filter(|length| *length <= 65_535).ok_or(BatchError::Length)
    }

    pub(super) fn zigzag(&mut self) -> Result<i64, BatchError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg())
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], BatchError> {
        let length = self.length()?;
        self.raw(length)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, BatchError> {
        utf8(self.bytes()?)
    }
}

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, BatchError> {
    std::str::from_utf8(bytes).map_err(|_| BatchError::NotCanonical("a text that is not UTF-8"))
}
