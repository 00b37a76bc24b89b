//! The domain's words as columns: text in the store, types everywhere else.

use sqlx::{Database, Decode, Type, error::BoxDynError};

use super::{events::EventKind, logs::LogLevel, sql::Value};
use crate::domain::{
    AskedOutcome, JobStatus, Month, Overlap, Priority, Quantity, Role, ScheduleKind, TaskOutcome, TaskStatus,
    TokenKind,
};

macro_rules! text_columns {
    ($($word:ty),+) => {$(
        impl<DB: Database> Type<DB> for $word
        where
            str: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as Type<DB>>::type_info()
            }

            fn compatible(ty: &DB::TypeInfo) -> bool {
                <str as Type<DB>>::compatible(ty)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $word
        where
            &'r str: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(<&str as Decode<DB>>::decode(value)?.parse()?)
            }
        }

        impl From<$word> for Value {
            fn from(word: $word) -> Self {
                Self::Text(Some(word.to_string()))
            }
        }

        impl From<Option<$word>> for Value {
            fn from(word: Option<$word>) -> Self {
                Self::Text(word.map(|word| word.to_string()))
            }
        }
    )+};
}

text_columns!(
    AskedOutcome,
    JobStatus,
    TaskStatus,
    TaskOutcome,
    Priority,
    Quantity,
    Month,
    Overlap,
    ScheduleKind,
    EventKind,
    LogLevel,
    Role,
    TokenKind
);
