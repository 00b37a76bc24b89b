//! The words and rules of the field: units, months, series, jobs, tasks. Pure: no I/O, no clock, and no
//! knowledge of sqlx, wasmtime or HTTP.

mod failure;
mod month;
mod series;
mod unit;

pub use failure::{Failure, FailureCase};
pub use month::{Month, MonthError, Window};
pub use series::{Labels, Measurement, Quantity, Series};
pub use unit::Unit;
