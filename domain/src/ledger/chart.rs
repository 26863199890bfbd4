//! The chart of accounts of a site's books: where money, charges, taxes and
//! corrections stand, with a name and a code for each.

use std::fmt;

use crate::event::{AccountId, Component, PoolId};

/// An account of the books. Its `Display` is its name in a journal; ids in it are escaped so that two ids never make one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedgerAccount {
    /// Money that came in or went back, until the bank's statement is matched with it.
    Recharges,
    /// What the site owes an account: its balance. In debit it is a receivable.
    Prepaid(AccountId),
    /// A tax that was added to charges, by its name.
    Tax(String),
    /// Opening balances.
    Opening,
    /// Charges of a component.
    Charges(Component),
    /// Shares of a pool.
    Shared(PoolId),
    /// Manual postings.
    Corrections,
}

impl LedgerAccount {
    /// Its code in accounting programs that have codes; accounts of one kind share it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Recharges => "1090",
            Self::Tax(_) => "2200",
            Self::Prepaid(_) => "2400",
            Self::Opening => "3900",
            Self::Charges(Component::Energy) => "4010",
            Self::Charges(Component::Adder) => "4020",
            Self::Charges(Component::Demand) => "4030",
            Self::Charges(Component::Fixed) => "4040",
            Self::Charges(Component::Minimum) => "4050",
            Self::Charges(Component::Surcharge) => "4070",
            Self::Charges(Component::Rounding) => "4080",
            Self::Shared(_) => "4060",
            Self::Corrections => "5900",
        }
    }

    /// The name of all accounts of its kind.
    pub const fn control(&self) -> &'static str {
        match self {
            Self::Recharges => "Assets:Recharges",
            Self::Prepaid(_) => "Liabilities:Prepaid",
            Self::Tax(_) => "Liabilities:Tax",
            Self::Opening => "Equity:Opening",
            Self::Charges(Component::Energy) => "Income:Energy",
            Self::Charges(Component::Adder) => "Income:Adders",
            Self::Charges(Component::Demand) => "Income:Demand",
            Self::Charges(Component::Fixed) => "Income:Fixed",
            Self::Charges(Component::Minimum) => "Income:Minimum",
            Self::Charges(Component::Surcharge) => "Income:Surcharges",
            Self::Charges(Component::Rounding) => "Income:Rounding",
            Self::Shared(_) => "Income:Shared",
            Self::Corrections => "Expenses:Corrections",
        }
    }

    /// What stands there, in a sentence.
    pub const fn about(&self) -> &'static str {
        match self {
            Self::Recharges => "recharges less refunds and reversals, to be matched with the bank's statement",
            Self::Prepaid(_) => "what the site owes each account; in debit a receivable",
            Self::Tax(_) => "taxes that were added to charges",
            Self::Opening => "balances before the first day",
            Self::Charges(Component::Energy) => "energy lines",
            Self::Charges(Component::Adder) => "levies on each kWh",
            Self::Charges(Component::Demand) => "demand lines",
            Self::Charges(Component::Fixed) => "fixed lines",
            Self::Charges(Component::Minimum) => "minimum lines",
            Self::Charges(Component::Surcharge) => "surcharges",
            Self::Charges(Component::Rounding) => "rounding of sums by a tariff",
            Self::Shared(_) => "shares of pools",
            Self::Corrections => "manual postings to balances",
        }
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, of) = match self {
            Self::Prepaid(id) => ("", id.as_str()),
            Self::Shared(id) => ("Pool-", id.as_str()),
            Self::Tax(name) => ("", name.as_str()),
            Self::Recharges | Self::Opening | Self::Charges(_) | Self::Corrections => {
                return f.write_str(self.control());
            }
        };
        write!(f, "{}:{}", self.control(), component(kind, of))
    }
}

/// An id as a part of an account's name, by the strictest of its readers
/// (beancount: a capital or digit, then letters, digits and dashes). Any other
/// byte is `-xHH-`; so is a dash before an `x`, and a leading `X` stands for
/// nothing but an escape at the start.
fn component(kind: &str, id: &str) -> String {
    let mut name = kind.to_owned();
    let mut bytes = id.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'X' | b'a'..=b'z' => !name.is_empty(),
            b'A'..=b'Z' | b'0'..=b'9' => true,
            b'-' => !name.is_empty() && bytes.peek() != Some(&b'x'),
            _ => false,
        };
        if plain {
            name.push(char::from(byte));
        } else {
            let start = if name.is_empty() { "X" } else { "" };
            name.extend(format!("{start}-x{byte:02X}-").chars());
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::component;

    #[test]
    fn no_two_ids_make_one_name() {
        assert_eq!(component("", "A-101"), "A-101");
        assert_eq!(component("", "flat 1"), "X-x66-lat-x20-1");
        assert_eq!(component("Pool-", "lifts"), "Pool-lifts");
        let letters = ["", "X", "x", "-", " ", "a", "2", "0"];
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let pairs = letters.iter().flat_map(|a| letters.iter().map(move |b| format!("{a}{b}")));
        let pairs: Vec<String> = pairs.collect();
        for id in pairs.iter().flat_map(|a| pairs.iter().map(move |b| format!("{a}{b}"))) {
            let before = names.insert(component("", &id), id.clone());
            assert!(before.as_ref().is_none_or(|before| *before == id), "{before:?} and {id:?}");
        }
    }
}
