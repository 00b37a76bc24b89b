//! The domain's words as columns: text in the store, types everywhere else.

use sqlx::{
    Decode, Encode, Type,
    encode::IsNull,
    error::BoxDynError,
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
};

use super::{dialect::Database, events::EventKind, logs::LogLevel};
use crate::domain::{JobStatus, Month, Priority, Quantity, TaskOutcome, TaskStatus};

macro_rules! text_columns {
    ($($word:ty),+) => {$(
        impl Type<Database> for $word {
            fn type_info() -> SqliteTypeInfo {
                <str as Type<Database>>::type_info()
            }

            fn compatible(ty: &SqliteTypeInfo) -> bool {
                <str as Type<Database>>::compatible(ty)
            }
        }

        impl Encode<'_, Database> for $word {
            fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
                Encode::<Database>::encode(self.to_string(), buffer)
            }
        }

        impl<'r> Decode<'r, Database> for $word {
            fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(<&str as Decode<Database>>::decode(value)?.parse()?)
            }
        }
    )+};
}

text_columns!(JobStatus, TaskStatus, TaskOutcome, Priority, Quantity, Month, EventKind, LogLevel);
