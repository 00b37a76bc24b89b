//! A table of a document, read key by key.

use std::{
    cell::RefCell,
    ops::{Range, RangeInclusive},
};

use toml::de::{DeTable, DeValue};

use super::{Bounded, FromText, Item, did_you_mean, document::Notes};
use crate::config::problem::Position;

/// A table. Every key that is asked for becomes a known one; [`Section::finish`] reports the others.
pub(crate) struct Section<'d> {
    notes: &'d Notes<'d>,
    /// Nothing where the file has no such table: then every key is absent.
    table: Option<&'d DeTable<'d>>,
    at: Option<Range<usize>>,
    path: String,
    known: RefCell<Vec<&'static str>>,
}

impl<'d> Section<'d> {
    pub(super) fn root(notes: &'d Notes<'d>, table: &'d DeTable<'d>) -> Self {
        Self::new(notes, Some(table), None, String::new())
    }

    pub(super) fn new(
        notes: &'d Notes<'d>,
        table: Option<&'d DeTable<'d>>,
        at: Option<Range<usize>>,
        path: String,
    ) -> Self {
        Self { notes, table, at, path, known: RefCell::default() }
    }

    /// The value of a key, if it is there.
    pub(crate) fn item(&self, key: &'static str) -> Option<Item<'d>> {
        self.known.borrow_mut().push(key);
        let value = self.table?.get(key)?;
        Some(Item::new(self.notes, value, self.path_of(key)))
    }

    /// The value of a key; its absence is a problem.
    pub(crate) fn required(&self, key: &'static str, expected: &str) -> Option<Item<'d>> {
        let item = self.item(key);
        if item.is_none() {
            let message = format!("is missing; expected {expected}");
            self.notes.note_missing(self.at.clone(), &self.path_of(key), message);
        }
        item
    }

    /// A value written as text; nothing if it is absent or wrong.
    pub(crate) fn text<T: FromText>(&self, key: &'static str) -> Option<T> {
        self.item(key)?.text()
    }

    /// A duration or size between two bounds; the default if it is absent.
    pub(crate) fn bounded<T: Bounded>(&self, key: &'static str, default: T, range: RangeInclusive<T>) -> T {
        self.item(key).and_then(|item| item.bounded(range)).unwrap_or(default)
    }

    /// A whole number between two bounds; the default if it is absent.
    pub(crate) fn count(&self, key: &'static str, default: u32, range: RangeInclusive<u32>) -> u32 {
        self.item(key).and_then(|item| item.count(range)).unwrap_or(default)
    }

    /// A whole number between two bounds, if it is there.
    pub(crate) fn optional_count(&self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        self.item(key).and_then(|item| item.count(range))
    }

    /// A boolean; the default if it is absent.
    pub(crate) fn flag(&self, key: &'static str, default: bool) -> bool {
        self.item(key).and_then(|item| item.flag()).unwrap_or(default)
    }

    /// A table inside; an empty one if it is absent or no table.
    pub(crate) fn section(&self, key: &'static str) -> Self {
        let inside = self.item(key).and_then(|item| item.section("a table"));
        inside.unwrap_or_else(|| Self::new(self.notes, None, self.at.clone(), self.path_of(key)))
    }

    /// The tables of an array of tables, `[[key]]`.
    pub(crate) fn sections(&self, key: &'static str) -> Vec<Self> {
        let expected = format!("an array of tables, each begun by [[{}]]", self.path_of(key));
        let Some(item) = self.item(key) else { return Vec::new() };
        item.list(&expected).iter().filter_map(|item| item.section(&expected)).collect()
    }

    /// All entries, whatever their keys; then no key is unknown.
    pub(crate) fn entries(&self) -> Vec<(String, Item<'d>)> {
        let entries = self.table.into_iter().flatten();
        entries
            .map(|(key, value)| {
                let key = key.get_ref().to_string();
                let path = self.path_of(&key);
                (key, Item::new(self.notes, value, path))
            })
            .collect()
    }

    /// Notes a problem of the table as a whole, or of what two of its keys say together.
    pub(crate) fn problem(&self, key: &str, message: String) {
        let value = self.table.and_then(|table| table.get(key));
        let at = value.map(|value| value.span()).or_else(|| self.at.clone());
        self.notes.note(at, &self.path_of(key), message);
    }

    /// Where the table begins.
    pub(crate) fn position(&self) -> Option<Position> {
        self.at.clone().map(|range| self.notes.position(range.start))
    }

    /// `source[0]`; empty for the document.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Notes every key that nobody asked for. Call it when all keys were asked for.
    pub(crate) fn finish(self) {
        let mut known = self.known.borrow().clone();
        known.sort_unstable();
        for (key, value) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let suggestion = match did_you_mean(name, known.iter().copied()) {
                near if near.is_empty() => format!("; expected one of {}", known.join(", ")),
                near => near,
            };
            let kind = if is_table(value.get_ref()) { "table" } else { "key" };
            self.notes.note(Some(key.span()), &self.path_of(name), format!("unknown {kind}{suggestion}"));
        }
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.as_str(), key) {
            ("", key) => key.to_owned(),
            (path, "") => path.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }
}

fn is_table(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    }
}
