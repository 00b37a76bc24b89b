//! Small conveniences on series.

use crate::{Measurement, Quantity, Series};

impl Series {
    /// A series of one kind without labels or values yet.
    pub fn new(kind: &str, quantity: Quantity) -> Self {
        Self { kind: kind.to_owned(), quantity, labels: Vec::new(), measurements: Vec::new() }
    }

    /// Adds a label that tells this series from its siblings.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a value over `[start, start + seconds)`.
    pub fn push(&mut self, start: i64, seconds: u32, value: f64) {
        self.measurements.push(Measurement { start, seconds, value });
    }
}
