//! A value of a document, with its place.

use std::ops::RangeInclusive;

use toml::{Spanned, de::DeValue};

use super::{Bounded, FromText, Section, document::Notes};
use crate::config::problem::Position;

/// A value and the key it has. Each reader notes a problem and gives nothing if the value is of another kind.
pub(crate) struct Item<'d> {
    notes: &'d Notes<'d>,
    value: &'d Spanned<DeValue<'d>>,
    path: String,
}

impl<'d> Item<'d> {
    pub(super) fn new(notes: &'d Notes<'d>, value: &'d Spanned<DeValue<'d>>, path: String) -> Self {
        Self { notes, value, path }
    }

    /// A value written as text.
    pub(crate) fn text<T: FromText>(&self) -> Option<T> {
        let Some(text) = self.value.get_ref().as_str() else { return self.wrong_kind(T::EXPECTED) };
        match T::from_text(text) {
            Ok(value) => Some(value),
            Err(wrong) => self.problem(format!("{wrong}; expected {}", T::EXPECTED)),
        }
    }

    /// A duration or size between two bounds.
    pub(crate) fn bounded<T: Bounded>(&self, range: RangeInclusive<T>) -> Option<T> {
        let value: T = self.text()?;
        if range.contains(&value) {
            return Some(value);
        }
        let wrong = if value < *range.start() { "too small" } else { "too large" };
        let (least, most) = (range.start().show(), range.end().show());
        self.problem(format!("{} is {wrong}; expected {least} to {most}", value.show()))
    }

    /// A whole number between two bounds.
    pub(crate) fn count(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(number) = self.value.get_ref().as_integer() else { return self.wrong_kind(&expected) };
        let value = u32::from_str_radix(number.as_str(), number.radix()).ok();
        match value.filter(|value| range.contains(value)) {
            Some(value) => Some(value),
            None => self.problem(format!("{number} is out of range; expected {expected}")),
        }
    }

    /// A number, whole or not; TOML's `inf` and `nan` pass.
    pub(crate) fn number(&self, expected: &str) -> Option<f64> {
        let value = match self.value.get_ref() {
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok().map(|value| value as f64)
            }
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        value.or_else(|| self.wrong_kind(expected))
    }

    /// A boolean.
    pub(crate) fn flag(&self) -> Option<bool> {
        self.value.get_ref().as_bool().or_else(|| self.wrong_kind("true or false"))
    }

    /// A string, number or boolean as its text.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(value) => Some(value.to_string()),
                Err(_) => self.problem(format!("{number} is too large; write it as a string")),
            },
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(value) => Some(value.to_string()),
            _ => self.wrong_kind("a string, a number or a boolean"),
        }
    }

    /// The items of an array; none if it is no array.
    pub(crate) fn list(&self, expected: &str) -> Vec<Self> {
        let Some(items) = self.value.get_ref().as_array() else {
            self.wrong_kind::<()>(expected);
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(index, value)| Self::new(self.notes, value, format!("{}[{index}]", self.path)))
            .collect()
    }

    /// A table.
    pub(crate) fn section(&self, expected: &str) -> Option<Section<'d>> {
        let Some(table) = self.value.get_ref().as_table() else { return self.wrong_kind(expected) };
        Some(Section::new(self.notes, Some(table), Some(self.value.span()), self.path.clone()))
    }

    /// Whether it is a string.
    pub(crate) fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    /// Whether it is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Whether it is an array.
    pub(crate) fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// Where it stands.
    pub(crate) fn position(&self) -> Position {
        self.notes.position(self.value.span().start)
    }

    /// Notes a problem with it; always gives nothing, for the reader to return.
    pub(crate) fn problem<T>(&self, message: String) -> Option<T> {
        self.notes.note(Some(self.value.span()), &self.path, message);
        None
    }

    fn wrong_kind<T>(&self, expected: &str) -> Option<T> {
        let kind = match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        self.problem(format!("is {kind}; expected {expected}"))
    }
}
