//! A table of `site.toml` with its place: every value is read through it, so
//! that every error names its line and key.

use std::collections::BTreeSet;
use std::ops::Range;

use domain::quantity::{Date, Energy, Instant, Money, to_units};
use rust_decimal::Decimal;
use toml_edit::{Item, TableLike, Value};

use super::error::{FolderError, did_you_mean};

pub(super) const FILE: &str = "site.toml";

/// The starts of a file's lines.
pub(super) struct Source(Vec<usize>);

impl Source {
    pub(super) fn new(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at.saturating_add(1))).collect())
    }

    pub(super) fn line(&self, span: Option<Range<usize>>) -> Option<usize> {
        span.map(|span| self.0.partition_point(|start| *start <= span.start))
    }
}

/// A table, its name and place.
pub(super) struct Row<'a> {
    table: &'a dyn TableLike,
    path: String,
    line: Option<usize>,
    source: &'a Source,
}

impl<'a> Row<'a> {
    /// The table, once all its keys are among `keys`.
    pub(super) fn try_new(
        table: &'a dyn TableLike,
        path: String,
        span: Option<Range<usize>>,
        source: &'a Source,
        keys: &[&str],
    ) -> Result<Self, FolderError> {
        let row = Self { table, path, line: source.line(span), source };
        for (key, _) in table.iter() {
            if !keys.contains(&key) {
                return Err(row.error(key, "unknown key", did_you_mean(key, keys.iter().copied())));
            }
        }
        Ok(row)
    }

    pub(super) fn line(&self) -> usize {
        self.line.unwrap_or(1)
    }

    fn field(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else if self.path.ends_with(']') {
            format!("{} {key}", self.path)
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub(super) fn error(&self, key: &str, problem: impl Into<String>, mend: impl Into<String>) -> FolderError {
        let span = self.table.get_key_value(key).and_then(|(key, item)| key.span().or_else(|| item.span()));
        FolderError {
            file: FILE,
            line: self.source.line(span).or(self.line),
            field: Some(self.field(key)),
            problem: problem.into(),
            mend: mend.into(),
        }
    }

    /// An error at a place further in: keys from here on, with the index where a key is a list.
    pub(super) fn error_at(
        &self,
        steps: &[(&'static str, Option<usize>)],
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> FolderError {
        let mut error = self.error("", problem, mend);
        let mut table = Some(self.table);
        let mut keys = Vec::new();
        for (key, index) in steps {
            keys.push(*key);
            let Some((name, item)) = table.and_then(|table| table.get_key_value(key)) else { break };
            let inner = index.and_then(|index| item.get(index));
            let span = inner.and_then(Item::span).or_else(|| name.span()).or_else(|| item.span());
            error.line = self.source.line(span).or(error.line);
            table = inner.unwrap_or(item).as_table_like();
        }
        error.field = Some(self.field(&keys.join(".")));
        error
    }

    /// true or false.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, FolderError> {
        self.get(key, "true or false without quotes", Item::as_bool)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Fails where the key is absent.
    pub(super) fn need<T>(&self, key: &str, value: Option<T>) -> Result<T, FolderError> {
        value.ok_or_else(|| self.error(key, "missing", format!("add {key} = …")))
    }

    fn wrong(&self, key: &str, item: &Item, wanted: &str) -> FolderError {
        self.error(key, format!("is a {}", item.type_name()), format!("write {wanted}"))
    }

    fn get<T>(
        &self,
        key: &str,
        wanted: &str,
        as_type: impl Fn(&'a Item) -> Option<T>,
    ) -> Result<Option<T>, FolderError> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        as_type(item).map(Some).ok_or_else(|| self.wrong(key, item, wanted))
    }

    pub(super) fn text_opt(&self, key: &str) -> Result<Option<&'a str>, FolderError> {
        self.get(key, "a text in quotes", Item::as_str)
    }

    pub(super) fn text(&self, key: &str) -> Result<&'a str, FolderError> {
        let text = self.need(key, self.text_opt(key)?)?;
        if text.trim().is_empty() {
            return Err(self.error(key, "empty", "write a text"));
        }
        Ok(text)
    }

    pub(super) fn id<T>(&self, key: &str, make: fn(&str) -> Option<T>) -> Result<T, FolderError> {
        let text = self.text(key)?;
        self.make_id(key, text, make)
    }

    fn make_id<T>(&self, key: &str, text: &str, make: fn(&str) -> Option<T>) -> Result<T, FolderError> {
        make(text).ok_or_else(|| {
            self.error(
                key,
                format!("'{text}' is no id"),
                "use 1 to 64 bytes without control characters, slashes and a leading dot",
            )
        })
    }

    /// An id that must be defined somewhere in the folder.
    pub(super) fn known<T>(
        &self,
        key: &str,
        ids: &BTreeSet<String>,
        make: fn(&str) -> Option<T>,
    ) -> Result<T, FolderError> {
        let text = self.text(key)?;
        self.known_text(key, text, ids, make)
    }

    pub(super) fn known_text<T>(
        &self,
        key: &str,
        text: &str,
        ids: &BTreeSet<String>,
        make: fn(&str) -> Option<T>,
    ) -> Result<T, FolderError> {
        if !ids.contains(text) {
            let mend = did_you_mean(text, ids.iter().map(String::as_str));
            return Err(self.error(key, format!("'{text}' is not defined"), mend));
        }
        self.make_id(key, text, make)
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, FolderError> {
        let Some(text) = self.text_opt(key)? else { return Ok(None) };
        self.choose(key, text, words).map(Some)
    }

    pub(super) fn choose<T: Copy>(&self, key: &str, text: &str, words: &[(&str, T)]) -> Result<T, FolderError> {
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(key, format!("'{text}' is not a choice"), format!("write one of {}", list.join(", ")))
        })
    }

    /// True or false; false where the key is absent.
    pub(super) fn truth(&self, key: &str) -> Result<bool, FolderError> {
        Ok(self.get(key, "true or false without quotes", Item::as_bool)?.unwrap_or(false))
    }

    pub(super) fn integer(&self, key: &str) -> Result<i64, FolderError> {
        let value = self.need(key, self.get(key, "a whole number without quotes", Item::as_integer)?)?;
        if value.unsigned_abs() >= 1 << 53 {
            return Err(self.error(key, format!("{value} is out of bounds"), "stay within ±(2^53 - 1)"));
        }
        Ok(value)
    }

    pub(super) fn instant_opt(&self, key: &str) -> Result<Option<Instant>, FolderError> {
        let wanted = "an instant without quotes, such as 2026-01-01T00:00:00Z";
        let Some(at) = self.get(key, wanted, Item::as_datetime)? else { return Ok(None) };
        Instant::parse(&at.to_string())
            .map(Some)
            .map_err(|why| self.error(key, why.to_string(), format!("write {wanted}")))
    }

    pub(super) fn instant(&self, key: &str) -> Result<Instant, FolderError> {
        self.need(key, self.instant_opt(key)?)
    }

    pub(super) fn date(&self, key: &str) -> Result<Date, FolderError> {
        let at = self.need(key, self.get(key, "a date without quotes, such as 2026-01-01", Item::as_datetime)?)?;
        self.make_date(key, &at.to_string())
    }

    fn make_date(&self, key: &str, text: &str) -> Result<Date, FolderError> {
        Date::parse(text).ok_or_else(|| {
            self.error(key, format!("'{text}' is no date"), "write a date without quotes, such as 2026-01-01")
        })
    }

    fn list<T>(
        &self,
        key: &str,
        wanted: &str,
        as_type: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, FolderError> {
        let Some(array) = self.get(key, &format!("a list of {wanted}"), Item::as_array)? else { return Ok(None) };
        let values: Option<Vec<T>> = array.iter().map(as_type).collect();
        values
            .map(Some)
            .ok_or_else(|| self.error(key, "an entry has the wrong type", format!("write a list of {wanted}")))
    }

    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, FolderError> {
        self.list(key, "texts in quotes", Value::as_str)
    }

    pub(super) fn dates(&self, key: &str) -> Result<Vec<Date>, FolderError> {
        let dates = self.list(key, "dates without quotes", Value::as_datetime)?.unwrap_or_default();
        dates.iter().map(|date| self.make_date(key, &date.to_string())).collect()
    }

    pub(super) fn months(&self, key: &str) -> Result<Option<Vec<u8>>, FolderError> {
        let Some(list) = self.list(key, "months from 1 to 12", Value::as_integer)? else { return Ok(None) };
        let months: Option<Vec<u8>> =
            list.iter().map(|m| u8::try_from(*m).ok().filter(|m| (1..=12).contains(m))).collect();
        months
            .filter(|m| !m.is_empty())
            .map(Some)
            .ok_or_else(|| self.error(key, "not months", "write a list of months from 1 to 12"))
    }

    /// The tables of a list, inline or `[[table.key]]`.
    pub(super) fn rows(&self, key: &str, keys: &[&str]) -> Result<Vec<Row<'a>>, FolderError> {
        let Some(item) = self.table.get(key) else { return Ok(Vec::new()) };
        let path = self.field(key);
        let wanted = "a list of { … }";
        let mut tables: Vec<(&'a dyn TableLike, Option<Range<usize>>)> = Vec::new();
        if let Some(list) = item.as_array_of_tables() {
            for table in list {
                tables.push((table, table.span()));
            }
        } else {
            for value in item.as_array().ok_or_else(|| self.wrong(key, item, wanted))? {
                let table = value
                    .as_inline_table()
                    .ok_or_else(|| self.error(key, "an entry has the wrong type", format!("write {wanted}")))?;
                tables.push((table, value.span()));
            }
        }
        tables.into_iter().map(|(table, span)| Row::try_new(table, path.clone(), span, self.source, keys)).collect()
    }

    /// A single inline or plain table.
    pub(super) fn table(&self, key: &str, keys: &[&str]) -> Result<Option<Row<'a>>, FolderError> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let table = item.as_table_like().ok_or_else(|| self.wrong(key, item, "a table { … }"))?;
        Row::try_new(table, self.field(key), item.span(), self.source, keys).map(Some)
    }

    /// The table as pairs of any keys and decimals.
    pub(super) fn pairs(&self, key: &str) -> Result<Vec<(&'a str, Decimal)>, FolderError> {
        let Some(item) = self.table.get(key) else { return Ok(Vec::new()) };
        let table = item.as_table_like().ok_or_else(|| self.wrong(key, item, "a table { \"unit\" = \"percent\" }"))?;
        let row = Row {
            table,
            path: self.field(key),
            line: self.source.line(item.span()).or(self.line),
            source: self.source,
        };
        table.iter().map(|(name, _)| Ok((name, row.need(name, row.price_opt(name)?)?))).collect()
    }

    fn decimal_opt(&self, key: &str, places: u32) -> Result<Option<Decimal>, FolderError> {
        let Some(text) = self.get(key, "a decimal in quotes, such as \"0.25\"", Item::as_str)? else { return Ok(None) };
        parse_decimal(text, places).map(Some).map_err(|(problem, mend)| self.error(key, problem, mend))
    }

    fn not_negative(&self, key: &str, value: Option<Decimal>) -> Result<Option<Decimal>, FolderError> {
        match value {
            Some(value) if value.is_sign_negative() && !value.is_zero() => {
                Err(self.error(key, "is negative", "write 0 or more"))
            }
            other => Ok(other),
        }
    }

    /// A price, percent, area or rate: not negative, up to 8 decimals.
    pub(super) fn price_opt(&self, key: &str) -> Result<Option<Decimal>, FolderError> {
        let value = self.signed_price_opt(key)?;
        self.not_negative(key, value)
    }

    pub(super) fn price(&self, key: &str) -> Result<Decimal, FolderError> {
        self.need(key, self.price_opt(key)?)
    }

    /// A price that may be negative.
    pub(super) fn signed_price_opt(&self, key: &str) -> Result<Option<Decimal>, FolderError> {
        let value = self.decimal_opt(key, 8)?;
        if value.is_some_and(|v| to_units(v).is_none()) {
            return Err(self.error(key, "is too large", "write a smaller number"));
        }
        Ok(value)
    }

    /// kWh or kW: not negative, up to 6 decimals.
    pub(super) fn energy_opt(&self, key: &str) -> Result<Option<Decimal>, FolderError> {
        let value = self.decimal_opt(key, 6)?;
        if value.is_some_and(|v| Energy::from_kwh(v).is_none()) {
            return Err(self.error(key, "is too large", "write a smaller number"));
        }
        self.not_negative(key, value)
    }

    /// kWh or kW that 0 is not enough for.
    pub(super) fn positive(&self, key: &str, value: Option<Decimal>) -> Result<Option<Decimal>, FolderError> {
        if value.is_some_and(|v| v.is_zero()) {
            return Err(self.error(key, "is 0", "write more than 0"));
        }
        Ok(value)
    }

    /// An amount in minor units.
    pub(super) fn money_opt(&self, key: &str, decimals: u8) -> Result<Option<i64>, FolderError> {
        let Some(value) = self.decimal_opt(key, decimals.into())? else { return Ok(None) };
        let money = Money::from_major(value, decimals)
            .ok_or_else(|| self.error(key, "is too large", "write a smaller amount"))?;
        Ok(Some(money.get()))
    }

    /// `HH:MM` as minutes.
    pub(super) fn minutes_opt(&self, key: &str) -> Result<Option<i64>, FolderError> {
        let Some(text) = self.text_opt(key)? else { return Ok(None) };
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten();
        let minutes = text.split_once(':').and_then(|(hours, minutes)| {
            let hours = digits(hours).filter(|hours| (0..=8784).contains(hours))?;
            let minutes = digits(minutes).filter(|m| minutes.len() == 2 && *m < 60)?;
            hours.checked_mul(60)?.checked_add(minutes)
        });
        minutes.map(Some).ok_or_else(|| {
            self.error(key, format!("'{text}' is not HH:MM"), "write hours and minutes, such as \"00:15\"")
        })
    }
}

/// A plain decimal with at most so many decimals, or the problem and mend.
pub(super) fn parse_decimal(text: &str, places: u32) -> Result<Decimal, (String, String)> {
    let (whole, fraction) =
        text.strip_prefix('-').unwrap_or(text).split_once('.').unwrap_or((text.strip_prefix('-').unwrap_or(text), "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let value = (digits(whole) && digits(fraction)).then(|| Decimal::from_str_exact(text).ok()).flatten();
    let Some(value) = value else {
        return Err((
            format!("'{text}' is no decimal"),
            "write digits with at most one point, such as \"0.25\"".to_owned(),
        ));
    };
    if value.normalize().scale() > places {
        return Err((format!("'{text}' has more than {places} decimals"), format!("round it to {places} decimals")));
    }
    Ok(value)
}
