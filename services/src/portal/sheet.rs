//! A page of cards for those who run, audit or account for a site: facts, tables, lists and forms.

use askama::Template;

use super::act::Given;
use super::page::Frame;
use super::words::Language;
use crate::query::When;

/// What became of what a form asked for.
#[derive(Debug, Clone)]
pub(super) struct Said {
    /// Whether it was refused.
    pub refused: bool,
    /// In words.
    pub text: String,
    /// What the program itself says, in English, where it says more.
    pub detail: String,
    /// Whether the form's key is used up, so that the form needs another one.
    pub is_spent: bool,
}

impl Said {
    /// It was done.
    pub(super) fn done(text: String) -> Self {
        Self { refused: false, text, detail: String::new(), is_spent: false }
    }

    /// It was refused.
    pub(super) fn refused(text: String) -> Self {
        Self { refused: true, text, detail: String::new(), is_spent: false }
    }
}

/// A page.
#[derive(Template)]
#[template(path = "site/sheet.html")]
pub(super) struct Sheet {
    /// What is around it.
    pub frame: Frame,
    /// What it is for.
    pub lead: String,
    /// What became of a form.
    pub said: Option<Said>,
    /// Its cards.
    pub cards: Vec<Card>,
}

impl Sheet {
    /// What was written into a form that was refused stands in it again, under the same key: nothing is written
    /// twice, and nothing is done twice.
    pub(super) fn keeping(mut self, given: &Given) -> Self {
        let Some(said) = self.said.as_ref().filter(|said| said.refused) else { return self };
        let is_spent = said.is_spent;
        for card in &mut self.cards {
            let forms = card.forms.iter_mut().chain(card.items.iter_mut().flat_map(|item| &mut item.forms));
            forms.filter(|form| form.is_of(given)).for_each(|form| form.keep(given, is_spent));
        }
        self
    }

    /// Whether a form takes a file: the only thing here that needs script.
    fn has_file(&self) -> bool {
        let fields = self.cards.iter().flat_map(|card| &card.forms).flat_map(|form| &form.fields);
        fields.into_iter().any(|field| field.kind == Kind::File)
    }

    fn csrf(&self) -> &str {
        self.frame.who.as_ref().map_or("", |who| who.csrf.as_str())
    }
}

/// A card; what is empty is not shown.
#[derive(Debug, Clone, Default)]
pub(super) struct Card {
    /// Of the page.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// Beside the heading.
    pub side: String,
    /// Whether it takes half of the width.
    pub half: bool,
    /// Below the heading.
    pub lead: String,
    /// A figure.
    pub big: String,
    /// Something to be minded.
    pub note: Option<Said>,
    /// Names and values.
    pub facts: Vec<(String, String)>,
    /// A table.
    pub table: Option<Table>,
    /// Things with forms.
    pub items: Vec<Item>,
    /// Lines of text, each with its depth.
    pub lines: Vec<(usize, String)>,
    /// Said where there is nothing.
    pub none: String,
    /// Forms.
    pub forms: Vec<Form>,
    /// Where else to go: name, address.
    pub links: Vec<(String, String)>,
}

/// A table.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// What it shows, for who does not see it.
    pub name: String,
    /// Headings, and whether the column is of figures.
    pub heads: Vec<(String, bool)>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
    /// Sums.
    pub foot: Vec<String>,
}

impl Table {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "a template passes what it has by reference")]
    fn head(&self, column: &usize) -> &str {
        self.heads.get(*column).map_or("", |(name, _)| name)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "a template passes what it has by reference")]
    fn is_figure(&self, column: &usize) -> bool {
        self.heads.get(*column).is_some_and(|(_, figure)| *figure)
    }
}

/// A thing in a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    /// What.
    pub name: String,
    /// Where it is shown.
    pub href: String,
    /// The look of its state, and the state.
    pub state: (&'static str, String),
    /// What is to be said of it.
    pub lines: Vec<String>,
    /// What is said of it to who asks: behind which words, and what.
    pub more: (String, Vec<String>),
    /// What can be done about it.
    pub forms: Vec<Form>,
}

/// A form. One that writes carries a key, drawn when it is shown, so that sent twice it counts once.
#[derive(Debug, Clone, Default)]
pub(super) struct Form {
    /// Unique on the page.
    pub id: String,
    /// Where it is sent.
    pub action: String,
    /// Whether it writes.
    pub writes: bool,
    /// What the button says.
    pub button: String,
    /// Behind which words it is folded away; always open where there are none.
    pub folded: String,
    /// Whether it is unfolded at first.
    pub is_open: bool,
    /// Whether the button stands back.
    pub quiet: bool,
    /// Fields that are not shown.
    pub hidden: Vec<(&'static str, String)>,
    /// Fields.
    pub fields: Vec<Field>,
}

impl Form {
    /// Whether it is the form that was sent.
    fn is_of(&self, given: &Given) -> bool {
        let same = |(name, value): &(&'static str, String)| *name == "key" || given.text(name) == value.trim();
        self.writes && self.hidden.iter().all(same)
    }

    fn keep(&mut self, given: &Given, is_spent: bool) {
        self.is_open = true;
        for field in &mut self.fields {
            field.value = given.lines(field.name);
        }
        let key = self.hidden.iter_mut().find(|(name, _)| *name == "key").filter(|_| !is_spent);
        if let Some((_, key)) = key {
            given.text("key").clone_into(key);
        }
    }

    /// A card with this form alone.
    pub(super) fn card(self, id: &'static str, title: String, lead: String) -> Card {
        Card { id, title, lead, forms: vec![self], ..Card::default() }
    }
}

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A line.
    Text,
    /// A line that may be empty.
    Optional,
    /// An amount.
    Amount,
    /// A day.
    Date,
    /// A time of the day.
    Time,
    /// A month.
    Month,
    /// Many lines.
    Area,
    /// A file's text: pasted, or read from the file where there is script.
    File,
    /// One of some.
    Select,
}

/// A field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// As it is sent.
    pub name: &'static str,
    /// As it is called.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// What is in it.
    pub value: String,
    /// What can be chosen: value, words.
    pub options: Vec<(String, String)>,
}

impl Field {
    /// A field.
    pub(super) fn new(name: &'static str, label: String, kind: Kind, value: impl Into<String>) -> Self {
        Self { name, label, kind, value: value.into(), options: Vec::new() }
    }

    /// A choice.
    pub(super) fn select(name: &'static str, label: String, value: &str, options: Vec<(String, String)>) -> Self {
        Self { name, label, kind: Kind::Select, value: value.to_owned(), options }
    }
}

/// A head of words.
pub(super) fn head(language: Language, keys: &[(&str, bool)]) -> Vec<(String, bool)> {
    keys.iter().map(|(key, figure)| (language.say(key), *figure)).collect()
}

/// An instant to the second, as workings have it: `2026-04-08 14:03:27`; a full minute has no seconds.
pub(super) fn exact(when: &When) -> String {
    let text = when.local.get(..19).unwrap_or(&when.local).replace('T', " ");
    text.strip_suffix(":00").map(str::to_owned).unwrap_or(text)
}

/// An instant as it stands in tables: `2026-04-08 14:03` by the site's wall clock.
pub(super) fn stamp(when: &When) -> String {
    when.local.get(..16).unwrap_or(&when.local).replace('T', " ")
}
