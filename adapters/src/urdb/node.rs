//! A value of a JSON file with its place. Numbers stay text until they are
//! exact decimals: none passes through a float.

use std::collections::BTreeMap;

use domain::quantity::Exact;
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use super::error::UrdbError;

/// Prices and bounds have at most so many decimals, and are below `LARGEST`.
const PLACES: u32 = 20;
const LARGEST: i128 = 1_000_000_000_000_000;

/// A value and its place.
pub(super) struct Node<'a> {
    file: &'a str,
    raw: &'a str,
    path: String,
}

/// An object's values by name, without those that are null.
pub(super) struct Fields<'a> {
    node: Node<'a>,
    values: BTreeMap<String, &'a RawValue>,
}

impl<'a> Node<'a> {
    pub(super) fn of_file(file: &'a str) -> Result<Self, UrdbError> {
        let root = Self { file, raw: file, path: String::new() };
        match serde_json::from_str::<&RawValue>(file) {
            Ok(raw) => Ok(Self { raw: raw.get(), ..root }),
            Err(why) => {
                let problem = format!("is no JSON: {why}");
                Err(UrdbError { line: why.line().max(1), ..root.error(problem, "mend the file at the place named") })
            }
        }
    }

    fn line(&self) -> usize {
        let at = self.raw.as_ptr().addr().saturating_sub(self.file.as_ptr().addr());
        self.file.get(..at).unwrap_or_default().matches('\n').count().saturating_add(1)
    }

    pub(super) fn error(&self, problem: impl Into<String>, mend: impl Into<String>) -> UrdbError {
        UrdbError { line: self.line(), field: self.path.clone(), problem: problem.into(), mend: mend.into() }
    }

    fn parse<T: serde::Deserialize<'a>>(&self, wanted: &str) -> Result<T, UrdbError> {
        let shown: String = self.raw.chars().take(24).collect();
        serde_json::from_str(self.raw).map_err(|_| self.error(format!("is {shown}"), format!("write {wanted}")))
    }

    pub(super) fn object(self) -> Result<Fields<'a>, UrdbError> {
        let mut values: BTreeMap<String, &'a RawValue> = self.parse("an object { … }")?;
        values.retain(|_, value| value.get() != "null");
        Ok(Fields { node: self, values })
    }

    pub(super) fn array(&self, wanted: &str) -> Result<Vec<Node<'a>>, UrdbError> {
        let values: Vec<&'a RawValue> = self.parse(wanted)?;
        let child = |(index, value): (usize, &'a RawValue)| Node {
            file: self.file,
            raw: value.get(),
            path: format!("{}[{index}]", self.path),
        };
        Ok(values.into_iter().enumerate().map(child).collect())
    }

    /// An array of exactly so many values.
    pub(super) fn array_of(&self, length: usize, what: &str) -> Result<Vec<Node<'a>>, UrdbError> {
        let values = self.array("an array [ … ]")?;
        if values.len() != length {
            let problem = format!("has {} {what}", values.len());
            return Err(self.error(problem, format!("write {length} {what}")));
        }
        Ok(values)
    }

    pub(super) fn text(&self) -> Result<String, UrdbError> {
        self.parse("a text in quotes")
    }

    /// A 0-based period that is below `count`.
    pub(super) fn period(&self, count: usize, structure: &str) -> Result<usize, UrdbError> {
        let index: usize = self.parse("the number of a period, from 0")?;
        if index >= count {
            let problem = format!("period {index} is not in {structure}, which has {count}");
            return Err(self.error(problem, format!("name a period below {count}, or add its tiers")));
        }
        Ok(index)
    }

    /// A decimal as it is written.
    pub(super) fn number(&self) -> Result<Exact, UrdbError> {
        let is_number = self.raw.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let exponent = self.raw.contains(['e', 'E']);
        let parse = if exponent { Decimal::from_scientific } else { Decimal::from_str_exact };
        let value = is_number.then(|| parse(self.raw).ok()).flatten();
        let value = value.ok_or_else(|| {
            self.error(
                format!("{} is no exact decimal", self.raw),
                format!("write a number of at most {PLACES} decimals"),
            )
        })?;
        let exact = Exact::of_decimal(value);
        if value.normalize().scale() > PLACES || exact >= Exact::of(LARGEST) {
            let mend = format!("write a number below 10^15 with at most {PLACES} decimals");
            return Err(self.error(format!("{} is out of bounds", self.raw), mend));
        }
        Ok(exact)
    }

    pub(super) fn not_negative(&self) -> Result<Exact, UrdbError> {
        let value = self.number()?;
        if value < Exact::default() {
            return Err(self.error(format!("{} is negative", self.raw), "write 0 or more"));
        }
        Ok(value)
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Node<'a>> {
        let raw = self.values.get(name)?.get();
        let path = if self.node.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.node.path) };
        Some(Node { file: self.node.file, raw, path })
    }

    pub(super) fn error(&self, problem: impl Into<String>, mend: impl Into<String>) -> UrdbError {
        self.node.error(problem, mend)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, UrdbError> {
        self.get(name).map(|node| node.text()).transpose()
    }
}
