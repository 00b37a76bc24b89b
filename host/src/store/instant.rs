//! How instants are kept: as instants in Postgres, as numbers in SQLite, so that they order and index.

use std::{fmt, ops::Deref, time::Duration};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type, encode::IsNull, error::BoxDynError};

/// An instant in the store, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(DateTime<Utc>);

impl Instant {
    /// The instant as chrono has it.
    pub const fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// The instant so much later; the same where that is beyond what chrono knows.
    pub fn after(self, wait: Duration) -> Self {
        TimeDelta::from_std(wait)
            .ok()
            .and_then(|wait| self.0.checked_add_signed(wait))
            .unwrap_or(self.0)
            .into()
    }

    /// The instant of whole seconds since 1970, as windows have them.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(at(seconds))
    }
}

impl From<DateTime<Utc>> for Instant {
    /// Cuts off what is finer than a microsecond.
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.trunc_subsecs(6))
    }
}

impl Deref for Instant {
    type Target = DateTime<Utc>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The start of a measurement: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seconds(pub(super) i64);

/// The instant of whole seconds; beyond what chrono knows, the first or last that it does.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(if seconds < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// A column that is an instant in Postgres and a number in SQLite.
macro_rules! instant_column {
    ($name:ty, $this:ident => $number:expr, $instant:expr, $from_number:expr, $from_instant:expr) => {
        impl Type<Sqlite> for $name {
            fn type_info() -> <Sqlite as sqlx::Database>::TypeInfo {
                <i64 as Type<Sqlite>>::type_info()
            }

            fn compatible(ty: &<Sqlite as sqlx::Database>::TypeInfo) -> bool {
                <i64 as Type<Sqlite>>::compatible(ty)
            }
        }

        impl Encode<'_, Sqlite> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <Sqlite as sqlx::Database>::ArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                let $this = self;
                Encode::<Sqlite>::encode($number, buffer)
            }
        }

        impl<'r> Decode<'r, Sqlite> for $name {
            fn decode(value: <Sqlite as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                $from_number(<i64 as Decode<Sqlite>>::decode(value)?)
            }
        }

        impl Type<Postgres> for $name {
            fn type_info() -> <Postgres as sqlx::Database>::TypeInfo {
                <DateTime<Utc> as Type<Postgres>>::type_info()
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <DateTime<Utc> as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }

        impl Encode<'_, Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <Postgres as sqlx::Database>::ArgumentBuffer,
            ) -> Result<IsNull, BoxDynError> {
                let $this = self;
                Encode::<Postgres>::encode($instant, buffer)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: <Postgres as sqlx::Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok($from_instant(<DateTime<Utc> as Decode<Postgres>>::decode(value)?))
            }
        }
    };
}

instant_column!(
    Instant,
    this => this.0.timestamp_micros(),
    this.0,
    |micros: i64| DateTime::from_timestamp_micros(micros)
        .map(Self)
        .ok_or_else(|| format!("{micros} µs is no instant").into()),
    Self
);

instant_column!(
    Seconds,
    this => this.0,
    at(this.0),
    |seconds: i64| Ok(Self(seconds)),
    |at: DateTime<Utc>| Self(at.timestamp())
);

impl utoipa::PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant, RFC 3339 in UTC."))
            .examples([serde_json::json!("2024-01-31T23:00:00Z")])
            .into()
    }
}

impl utoipa::ToSchema for Instant {}
