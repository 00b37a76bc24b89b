//! Many rows in one statement: rows of values for SQLite, arrays for Postgres.

use sqlx::{Arguments, AssertSqlSafe, postgres::PgArguments, sqlite::SqliteArguments, types::Json};

use super::{
    Instant,
    connection::{Connection, Raw},
    instant::Seconds,
    sql::{Record, storable, storable_json},
};

/// The most rows of one statement in SQLite, whose statements differ by the number of rows.
const SQLITE_ROWS: usize = 512;

/// The most rows of one statement in Postgres: a bound on the memory of one message.
const POSTGRES_ROWS: usize = 20_000;

/// One column of the rows.
#[derive(Clone, Debug)]
pub(super) enum Column {
    Int(Vec<Option<i64>>),
    Real(Vec<f64>),
    Bool(Vec<bool>),
    Text(Vec<Option<String>>),
    Instant(Vec<Option<Instant>>),
    Seconds(Vec<Seconds>),
    Json(Vec<Document>),
}

/// An object to keep.
#[derive(Clone, Debug)]
pub(super) struct Document(pub(super) serde_json::Value);

macro_rules! of_column {
    ($column:expr, $values:ident => $result:expr) => {
        match $column {
            Column::Int($values) => $result,
            Column::Real($values) => $result,
            Column::Bool($values) => $result,
            Column::Text($values) => $result,
            Column::Instant($values) => $result,
            Column::Seconds($values) => $result,
            Column::Json($values) => $result,
        }
    };
}

macro_rules! columns {
    ($($item:ty => $variant:ident,)+) => {$(
        impl FromIterator<$item> for Column {
            fn from_iter<I: IntoIterator<Item = $item>>(items: I) -> Self {
                Self::$variant(items.into_iter().collect())
            }
        }
    )+};
}

columns! {
    Option<i64> => Int,
    f64 => Real,
    bool => Bool,
    Option<String> => Text,
    Option<Instant> => Instant,
    Seconds => Seconds,
    Document => Json,
}

impl FromIterator<i64> for Column {
    fn from_iter<I: IntoIterator<Item = i64>>(items: I) -> Self {
        Self::Int(items.into_iter().map(Some).collect())
    }
}

impl Column {
    fn len(&self) -> usize {
        of_column!(self, values => values.len())
    }

    /// The array type in Postgres.
    const fn array(&self) -> &'static str {
        match self {
            Self::Int(_) => "bigint[]",
            Self::Real(_) => "float8[]",
            Self::Bool(_) => "boolean[]",
            Self::Text(_) => "text[]",
            Self::Instant(_) | Self::Seconds(_) => "timestamptz[]",
            Self::Json(_) => "jsonb[]",
        }
    }
}

/// A statement over many rows. `{rows}` in its text stands for them: after `INSERT INTO t (…)`, or within `IN (…)`.
/// Columns are bound in order; no other values are.
#[derive(Debug)]
#[must_use = "a statement does nothing until it is run"]
pub(super) struct Bulk {
    text: &'static str,
    columns: Vec<Column>,
}

/// A statement over many rows.
pub(super) const fn bulk(text: &'static str) -> Bulk {
    Bulk { text, columns: Vec::new() }
}

macro_rules! sqlite {
    ($bulk:expr, $from:expr, $count:expr) => {{
        let mut arguments = SqliteArguments::default();
        for row in $from..$from + $count {
            for column in &$bulk.columns {
                match column {
                    Column::Int(values) => arguments.add(values[row]),
                    Column::Real(values) => arguments.add(values[row]),
                    Column::Bool(values) => arguments.add(values[row]),
                    Column::Text(values) => arguments.add(values[row].clone()),
                    Column::Instant(values) => arguments.add(values[row]),
                    Column::Seconds(values) => arguments.add(values[row]),
                    Column::Json(values) => arguments.add(Json(&values[row].0)),
                }
                .map_err(sqlx::Error::Encode)?;
            }
        }
        // Anonymous placeholders, since SQLite looks named ones up one by one.
        let row = format!("({})", vec!["?"; $bulk.columns.len()].join(", "));
        let rows = format!("VALUES {}", vec![row.as_str(); $count].join(", "));
        ($bulk.text.replace("{rows}", &rows), arguments)
    }};
}

macro_rules! postgres {
    ($bulk:expr, $from:expr, $count:expr) => {{
        let mut arguments = PgArguments::default();
        for column in &$bulk.columns {
            match column {
                Column::Text(values) => arguments.add(
                    values[$from..$from + $count]
                        .iter()
                        .map(|text| text.clone().map(storable))
                        .collect::<Vec<_>>(),
                ),
                Column::Int(values) => arguments.add(&values[$from..$from + $count]),
                Column::Real(values) => arguments.add(&values[$from..$from + $count]),
                Column::Bool(values) => arguments.add(&values[$from..$from + $count]),
                Column::Instant(values) => arguments.add(&values[$from..$from + $count]),
                Column::Seconds(values) => arguments.add(&values[$from..$from + $count]),
                Column::Json(values) => arguments.add(
                    values[$from..$from + $count]
                        .iter()
                        .map(|Document(value)| Json(storable_json(value.clone())))
                        .collect::<Vec<_>>(),
                ),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        let arrays: Vec<_> = $bulk
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| format!("${}::{}", at + 1, column.array()))
            .collect();
        let rows = format!("SELECT * FROM UNNEST({})", arrays.join(", "));
        ($bulk.text.replace("{rows}", &rows), arguments)
    }};
}

impl Bulk {
    /// The next column.
    pub(super) fn column<T>(mut self, values: impl IntoIterator<Item = T>) -> Self
    where
        Column: FromIterator<T>,
    {
        self.columns.push(values.into_iter().collect());
        self
    }

    /// How many rows there are: the shortest column says.
    fn rows(&self) -> usize {
        self.columns.iter().map(Column::len).min().unwrap_or(0)
    }

    /// Runs it, in as many statements as the database wants; gives how many rows they changed. No rows, no statement.
    pub(super) async fn execute(self, conn: &mut Connection) -> sqlx::Result<u64> {
        let mut changed = 0;
        match conn.raw() {
            Raw::Sqlite(conn) => {
                for (from, count) in powers_of_two(self.rows()) {
                    let (text, arguments) = sqlite!(self, from, count);
                    changed += sqlx::query_with(AssertSqlSafe(text), arguments)
                        .execute(&mut *conn)
                        .await?
                        .rows_affected();
                }
            }
            Raw::Postgres(conn) => {
                for (from, count) in pieces(self.rows()) {
                    let (text, arguments) = postgres!(self, from, count);
                    changed += sqlx::query_with(AssertSqlSafe(text), arguments)
                        .execute(&mut *conn)
                        .await?
                        .rows_affected();
                }
            }
        }
        Ok(changed)
    }

    /// Runs it and gives the rows that it returns, in no order.
    pub(super) async fn all<T: Record>(self, conn: &mut Connection) -> sqlx::Result<Vec<T>> {
        let mut found = Vec::new();
        match conn.raw() {
            Raw::Sqlite(conn) => {
                for (from, count) in powers_of_two(self.rows()) {
                    let (text, arguments) = sqlite!(self, from, count);
                    let query = sqlx::query_as_with::<_, T, _>(AssertSqlSafe(text), arguments);
                    found.extend(query.fetch_all(&mut *conn).await?);
                }
            }
            Raw::Postgres(conn) => {
                for (from, count) in pieces(self.rows()) {
                    let (text, arguments) = postgres!(self, from, count);
                    let query = sqlx::query_as_with::<_, T, _>(AssertSqlSafe(text), arguments);
                    found.extend(query.fetch_all(&mut *conn).await?);
                }
            }
        }
        Ok(found)
    }
}

/// Cuts rows into powers of two from [`SQLITE_ROWS`] down, as (first, count): few statements, and so few different
/// ones that all of them stay prepared.
fn powers_of_two(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let count = 1 << (rows - from).min(SQLITE_ROWS).checked_ilog2()?;
        from += count;
        Some((from - count, count))
    })
}

fn pieces(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(POSTGRES_ROWS).map(move |from| (from, (rows - from).min(POSTGRES_ROWS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_cover_all_rows_in_order() {
        for rows in [0usize, 1, 2, 3, 511, 512, 513, 744, 2976, 20_000, 44_640] {
            let cut: Vec<_> = powers_of_two(rows).collect();
            assert!(cut.iter().all(|(_, count)| count.is_power_of_two() && *count <= SQLITE_ROWS));
            for cut in [cut, pieces(rows).collect()] {
                let covered: Vec<_> = cut.iter().flat_map(|(from, count)| *from..from + count).collect();
                assert_eq!(covered, (0..rows).collect::<Vec<_>>());
            }
        }
    }
}
