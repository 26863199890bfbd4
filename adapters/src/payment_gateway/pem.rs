//! RSA public keys in PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of the first block of a label.
pub(super) fn block(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let compact: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

/// The `RSAPublicKey` (RFC 8017, A.1.1) of a PEM with `PUBLIC KEY` or `RSA PUBLIC KEY`.
pub(super) fn rsa_public_key(text: &str) -> Option<Vec<u8>> {
    if let Some(key) = block(text, "RSA PUBLIC KEY") {
        return Some(key);
    }
    // SubjectPublicKeyInfo ::= SEQUENCE { algorithm SEQUENCE, subjectPublicKey BIT STRING } (RFC 5280, 4.1).
    let spki = block(text, "PUBLIC KEY")?;
    let (inner, _) = element(&spki, 0x30)?;
    let (_, rest) = element(inner, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    bits.strip_prefix(&[0]).map(<[u8]>::to_vec)
}

/// The content of a DER element of a tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    let (length, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
    let length = length.iter().try_fold(0usize, |all, byte| all.checked_mul(256)?.checked_add(usize::from(*byte)))?;
    rest.split_at_checked(length)
}
