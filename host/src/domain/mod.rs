//! The words and rules of the field: units, months, series, jobs, tasks. Pure: no I/O, no clock, and no
//! knowledge of sqlx, wasmtime or HTTP.

mod access;
mod aggregate;
mod availability;
mod calendar;
mod cause_key;
mod circuit;
mod collect;
mod coverage;
mod delivery;
mod event;
mod failure;
mod finding;
mod local_time;
mod month;
mod notice;
mod plan;
mod range;
mod reconcile;
mod retention;
mod retry;
mod schedule;
mod series;
mod status;
mod unit;
mod validate;
mod words;

pub use access::{Role, TokenKind, TokenText};
pub use aggregate::{Bucket, Buckets, Measure, Resolution};
pub use availability::{AskedOutcome, Asking, Cause, Facts};
pub use calendar::Calendar;
pub use cause_key::cause_key;
pub use circuit::{Admission, Circuit, CircuitPolicy, Heard, HeardCase};
pub use collect::{about_now, ask_again, by_month};
pub use coverage::{Complete, EmptyConfirmation, Known, Reprocess, StoredSeries, covered, telling};
pub use delivery::next_delivery;
pub use event::{Audience, EventKind};
pub use failure::{Failure, FailureCase};
pub use finding::{CheckVerdict, Finding};
pub use month::{Month, MonthError, Window};
pub use notice::{JobNotice, Notice};
pub use plan::{Invalid, Order, Plan, PlanRequest, PlanUnit, PlannedTask, Refused, Verdict, plan, span};
pub use range::{Range, RangeError, Tile};
pub use reconcile::{Changes, reconcile};
pub use retention::Retention;
pub use retry::{Next, RetryPolicy, Setback, Tries};
pub use schedule::{
    Age, CollectSettings, Firing, IncrementalSettings, Overlap, ReviseSettings, ScheduleKind,
    ScheduleSettings, SettingsError, Subjects, Timetable, TimetableError, due, incremental, revise,
};
pub use series::{Labels, Measurement, Quantity, Series};
pub use status::{JobStatus, Priority, TaskCounts, TaskOutcome, TaskStatus, job_status};
pub use unit::{Unit, unfit_text};
pub use validate::{PLAUSIBLE_OVER_CAPACITY, Rejection, RejectionReason, Validated, validate};
pub use words::UnknownWord;
