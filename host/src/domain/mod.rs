//! The words and rules of the field: units, months, series, jobs, tasks. Pure: no I/O, no clock, and no
//! knowledge of sqlx, wasmtime or HTTP.

mod failure;
mod month;
mod plan;
mod reconcile;
mod retry;
mod series;
mod status;
mod unit;
mod validate;

pub use failure::{Failure, FailureCase};
pub use month::{Month, MonthError, Window};
pub use plan::{PlanUnit, PlannedTask, Skip, plan};
pub use reconcile::{Changes, reconcile};
pub use retry::{Next, RetryPolicy, Setback};
pub use series::{Labels, Measurement, Quantity, Series};
pub use status::{JobStatus, Priority, TaskCounts, TaskOutcome, TaskStatus, UnknownWord, job_status};
pub use unit::Unit;
pub use validate::{PLAUSIBLE_OVER_CAPACITY, Rejection, RejectionReason, Validated, validate};
