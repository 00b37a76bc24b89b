//! One statement text for two databases: values are bound by type, and the statement runs on whichever connection
//! it is given. Every type that is bound or read is checked by the compiler against both drivers.

use std::borrow::Cow;

use serde::Serialize;
use sqlx::{
    Arguments, AssertSqlSafe, FromRow,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
    types::Json,
};

use super::{
    Instant,
    connection::{Connection, Raw},
    instant::Seconds,
};

/// A row that both databases can give.
pub(super) trait Record:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Record for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A value to bind; `None` is a null of its type.
#[derive(Debug)]
pub(super) enum Value {
    Int(Option<i64>),
    Real(Option<f64>),
    Bool(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Instant(Option<Instant>),
    Seconds(Seconds),
    Json(serde_json::Result<serde_json::Value>),
}

macro_rules! values {
    ($($from:ty => $variant:ident($value:ident) $made:expr;)+) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($made)
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.and_then(|$value| $made))
            }
        }
    )+};
}

values! {
    i64 => Int(value) Some(value);
    u32 => Int(value) Some(value.into());
    u16 => Int(value) Some(value.into());
    f64 => Real(value) Some(value);
    bool => Bool(value) Some(value);
    String => Text(value) Some(value);
    &str => Text(value) Some(value.to_owned());
    &String => Text(value) Some(value.clone());
    &[u8] => Bytes(value) Some(value.to_vec());
    Instant => Instant(value) Some(value);
}

impl From<Seconds> for Value {
    fn from(value: Seconds) -> Self {
        Self::Seconds(value)
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

impl<T: Serialize> From<Json<T>> for Value {
    fn from(Json(value): Json<T>) -> Self {
        Self::Json(serde_json::to_value(value))
    }
}

/// A statement with its values, `$1` for the first.
#[derive(Debug)]
#[must_use = "a statement does nothing until it is run"]
pub(super) struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement. Whatever comes from outside the program is bound, never written into the text.
pub(super) fn query(text: impl Into<Cow<'static, str>>) -> Query {
    Query { text: text.into(), values: Vec::new() }
}

macro_rules! arguments {
    ($arguments:ty, $values:expr, $text:expr, $json:expr) => {{
        let mut arguments = <$arguments>::default();
        for value in $values {
            match value {
                Value::Int(value) => arguments.add(value),
                Value::Real(value) => arguments.add(value),
                Value::Bool(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value.map($text)),
                Value::Bytes(value) => arguments.add(value),
                Value::Instant(value) => arguments.add(value),
                Value::Seconds(value) => arguments.add(value),
                Value::Json(value) => match value {
                    Ok(value) => arguments.add(Json($json(value))),
                    Err(error) => Err(error.into()),
                },
            }
            .map_err(sqlx::Error::Encode)?;
        }
        arguments
    }};
}

macro_rules! run {
    ($query:expr, $conn:expr, $prepare:ident::<$row:ty>, $fetch:ident) => {{
        let Query { text, values } = $query;
        match $conn.raw() {
            Raw::Sqlite(conn) => {
                let arguments = arguments!(SqliteArguments, values, |text| text, |json| json);
                sqlx::$prepare::<_, $row, _>(AssertSqlSafe(text), arguments).$fetch(conn).await
            }
            Raw::Postgres(conn) => {
                let arguments = arguments!(PgArguments, values, storable, storable_json);
                sqlx::$prepare::<_, $row, _>(AssertSqlSafe(text), arguments).$fetch(conn).await
            }
        }
    }};
}

impl Query {
    /// Binds the next value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; gives how many rows it changed.
    pub(super) async fn execute(self, conn: &mut Connection) -> sqlx::Result<u64> {
        let Self { text, values } = self;
        Ok(match conn.raw() {
            Raw::Sqlite(conn) => {
                let arguments = arguments!(SqliteArguments, values, |text| text, |json| json);
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(conn).await?.rows_affected()
            }
            Raw::Postgres(conn) => {
                let arguments = arguments!(PgArguments, values, storable, storable_json);
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(conn).await?.rows_affected()
            }
        })
    }

    /// All rows.
    pub(super) async fn all<T: Record>(self, conn: &mut Connection) -> sqlx::Result<Vec<T>> {
        run!(self, conn, query_as_with::<T>, fetch_all)
    }

    /// The one row.
    pub(super) async fn one<T: Record>(self, conn: &mut Connection) -> sqlx::Result<T> {
        run!(self, conn, query_as_with::<T>, fetch_one)
    }

    /// The first row, if there is one.
    pub(super) async fn optional<T: Record>(self, conn: &mut Connection) -> sqlx::Result<Option<T>> {
        run!(self, conn, query_as_with::<T>, fetch_optional)
    }

    /// The first column of all rows.
    pub(super) async fn scalars<T>(self, conn: &mut Connection) -> sqlx::Result<Vec<T>>
    where
        (T,): Record,
    {
        Ok(self.all::<(T,)>(conn).await?.into_iter().map(|(value,)| value).collect())
    }

    /// The first column of the one row.
    pub(super) async fn scalar<T>(self, conn: &mut Connection) -> sqlx::Result<T>
    where
        (T,): Record,
    {
        Ok(self.one::<(T,)>(conn).await?.0)
    }

    /// The first column of the first row, if there is one.
    pub(super) async fn scalar_optional<T>(self, conn: &mut Connection) -> sqlx::Result<Option<T>>
    where
        (T,): Record,
    {
        Ok(self.optional::<(T,)>(conn).await?.map(|(value,)| value))
    }
}

/// Postgres holds no NUL in a text, and sources may say anything.
pub(super) fn storable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// The same for the texts in an object; its names are the program's own, or attributes that imports have checked.
pub(super) fn storable_json(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Json::String(text) => Json::String(storable(text)),
        Json::Array(items) => Json::Array(items.into_iter().map(storable_json).collect()),
        Json::Object(entries) => Json::Object(
            entries.into_iter().map(|(name, value)| (storable(name), storable_json(value))).collect(),
        ),
        other => other,
    }
}
