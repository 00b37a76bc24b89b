//! How instants are kept.

use std::{fmt, ops::Deref};

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Serialize, Serializer};
use sqlx::{
    Decode, Encode, Type,
    encode::IsNull,
    error::BoxDynError,
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
};

use super::dialect::Database;

/// An instant in the store: microseconds since 1970-01-01T00:00:00Z, so that it orders and indexes as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(DateTime<Utc>);

impl Instant {
    /// The instant as chrono has it.
    pub const fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// The instant of whole seconds since 1970, as windows and measurements have them.
    pub(super) fn from_seconds(seconds: i64) -> Self {
        Self(DateTime::from_timestamp(seconds, 0).unwrap_or(if seconds < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        }))
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

impl Type<Database> for Instant {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Database>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<Database>>::compatible(ty)
    }
}

impl Encode<'_, Database> for Instant {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Database>::encode(self.0.timestamp_micros(), buffer)
    }
}

impl<'r> Decode<'r, Database> for Instant {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<Database>>::decode(value)?;
        DateTime::from_timestamp_micros(micros)
            .map(Self)
            .ok_or_else(|| format!("{micros} µs is no instant").into())
    }
}
