//! What the end of an attempt says of a source's upstream.

use crate::domain::{Failure, Setback};

/// What an attempt heard of the upstream. Texts are for people and hold no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// It works.
    Answer,
    /// It did not give what it should; that may pass.
    Failure(&'a str),
    /// It refused the credential.
    Refusal(&'a str),
    /// Nothing.
    Nothing,
}

/// [`Heard`] without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeardCase {
    /// [`Heard::Answer`].
    Answer,
    /// [`Heard::Failure`].
    Failure,
    /// [`Heard::Refusal`].
    Refusal,
    /// [`Heard::Nothing`].
    Nothing,
}

impl HeardCase {
    /// The same with its text.
    pub const fn saying(self, message: &str) -> Heard<'_> {
        match self {
            Self::Answer => Heard::Answer,
            Self::Failure => Heard::Failure(message),
            Self::Refusal => Heard::Refusal(message),
            Self::Nothing => Heard::Nothing,
        }
    }
}

impl<'a> Heard<'a> {
    /// Without its text.
    pub const fn case(self) -> HeardCase {
        match self {
            Self::Answer => HeardCase::Answer,
            Self::Failure(_) => HeardCase::Failure,
            Self::Refusal(_) => HeardCase::Refusal,
            Self::Nothing => HeardCase::Nothing,
        }
    }

    /// Of measurements. `asked` says whether any request reached the upstream: kept answers say nothing of it now.
    pub const fn of_records(asked: bool) -> Self {
        if asked { Self::Answer } else { Self::Nothing }
    }

    /// Of an attempt without measurements, `message` being its text.
    ///
    /// | setback | heard | since |
    /// |---|---|---|
    /// | `no-data` | answer, if asked | only an upstream that works says that it has nothing |
    /// | `not-yet-published`, `not-available`, `invalid-unit` | nothing | a source may say so without asking |
    /// | `rate-limited` | nothing | the allowance is what makes everybody wait then |
    /// | `unauthorized` | refusal | every other task would hear the same |
    /// | `unavailable` | failure | |
    /// | `malformed`, and every value rejected | failure | a maintenance page, or another format for all units |
    /// | crash: trap, or past a cap | failure | most often of what the upstream sent; passes with a unit that is well |
    /// | timeout | failure | an upstream that hangs |
    /// | host | nothing | our own store or archive broke |
    pub fn of_setback(setback: Setback<'_>, message: &'a str, asked: bool) -> Self {
        match setback {
            Setback::Failure(failure) => match failure {
                Failure::NoData(_) => Self::of_records(asked),
                Failure::NotYetPublished(_)
                | Failure::NotAvailable(_)
                | Failure::InvalidUnit(_)
                | Failure::RateLimited(_) => Self::Nothing,
                Failure::Unauthorized(_) => Self::Refusal(message),
                Failure::Unavailable(_) | Failure::Malformed(_) => Self::Failure(message),
            },
            Setback::Crash | Setback::Timeout => Self::Failure(message),
            Setback::Host => Self::Nothing,
        }
    }
}
