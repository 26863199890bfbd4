//! Names of subjects.
//!
//! - `tw.api.v1.SITE.account.ACCOUNT.SERVICE.METHOD` and `tw.api.v1.SITE.SERVICE.METHOD`: requests.
//! - `tw.events.SITE.account.ACCOUNT.TYPE` and `tw.events.SITE.TYPE`: events; a type has dots of its own.

use domain::event::{AccountId, SiteId};

/// Where requests go.
pub(super) const API: &str = "tw.api.v1";
/// Where events go.
pub(super) const EVENTS: &str = "tw.events";

/// An id as a token: what a token may not have is `%` and two hexadecimal digits.
pub(super) fn token(id: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let write = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    id.bytes().map(write).collect()
}

/// The id of a token.
fn id_of(token: &str) -> Option<String> {
    let mut parts = token.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// What a request's subject says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) site: SiteId,
    /// None for a site as a whole.
    pub(super) account: Option<AccountId>,
    /// As in `balance.get`.
    pub(super) method: String,
}

/// Reads a request's subject.
pub(super) fn parse(subject: &str) -> Option<Asked> {
    let rest = subject.strip_prefix(API)?.strip_prefix('.')?;
    let tokens: Vec<&str> = rest.split('.').collect();
    let (site, account, service, method) = match tokens.as_slice() {
        [site, "account", account, service, method] => (site, Some(account), service, method),
        [site, service, method] => (site, None, service, method),
        _ => return None,
    };
    let account = match account {
        Some(account) => Some(AccountId::try_new(&id_of(account)?)?),
        None => None,
    };
    Some(Asked { site: SiteId::try_new(&id_of(site)?)?, account, method: format!("{service}.{method}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_site_and_account() {
        let asked = parse("tw.api.v1.north%20park.account.A%2e1.balance.get").expect("a request");
        assert_eq!((asked.site.as_str(), asked.method.as_str()), ("north park", "balance.get"));
        assert_eq!(asked.account.expect("an account").as_str(), "A.1");
        assert_eq!((token("north park"), token("A.1*>")), ("north%20park".to_owned(), "A%2e1%2a%3e".to_owned()));
        assert!(parse("tw.api.v1.x.audit.root").expect("a request").account.is_none());
        for wrong in ["tw.api.v1.x", "tw.api.v2.x.audit.root", "tw.api.v1.x.account.y.get", "tw.api.v1.%zz.a.b"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
