//! The conditions of a list's filter. Only those that there are are in the statement, so that each finds its index.

use super::sql::{self, Query, Value};

/// Conditions that all have to hold, with their values.
#[derive(Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// The place of a value in the statement.
    pub(super) fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// A condition on a value, whose place `{}` stands for.
    pub(super) fn add(&mut self, text: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.texts.push(text.replace("{}", &place));
    }

    /// A condition on a value, if there is one.
    pub(super) fn maybe(&mut self, text: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(text, value);
        }
    }

    /// A condition that a column is one of several values; none at all if there are none.
    pub(super) fn any_of<V: Into<Value>>(&mut self, column: &str, values: impl IntoIterator<Item = V>) {
        let places: Vec<_> = values.into_iter().map(|value| self.place(value)).collect();
        if !places.is_empty() {
            self.texts.push(format!("{column} IN ({})", places.join(", ")));
        }
    }

    /// A condition that a column's text holds a part, in upper or lower case.
    pub(super) fn contains(&mut self, column: &str, part: Option<&str>) {
        if let Some(part) = part {
            let literal = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let text = format!("LOWER({column}) LIKE LOWER({{}}) ESCAPE '\\'");
            self.add(&text, format!("%{literal}%"));
        }
    }

    /// The statement from its beginning and its end, which is told the next free place.
    pub(super) fn query(self, begin: &str, end: impl FnOnce(usize) -> String) -> Query {
        let Self { texts, values } = self;
        let end = end(values.len() + 1);
        let filter = if texts.is_empty() { String::new() } else { format!("WHERE {}", texts.join(" AND ")) };
        values.into_iter().fold(sql::query(format!("{begin} {filter} {end}")), Query::bind)
    }
}
