//! Between the contract's generated types and the domain's.

use std::collections::BTreeMap;

use super::bindings::types as wit;
use crate::domain::{Failure, Measurement, Month, Quantity, Series, Unit, Window};

pub(super) fn unit(unit: &Unit) -> wit::Unit {
    wit::Unit {
        code: unit.code.clone(),
        name: unit.name.clone(),
        capacity_mw: unit.capacity_mw,
        attributes: unit.attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
    }
}

pub(super) fn known_unit(unit: wit::Unit) -> Unit {
    Unit {
        code: unit.code,
        name: unit.name,
        capacity_mw: unit.capacity_mw,
        attributes: unit.attributes.into_iter().collect(),
    }
}

pub(super) const fn month(month: Month, window: Window) -> wit::Month {
    wit::Month { year: month.year(), number: month.number(), start: window.start, end: window.end }
}

pub(super) fn series(series: wit::Series) -> Series {
    Series {
        kind: series.kind,
        quantity: match series.quantity {
            wit::Quantity::MeanPower => Quantity::MeanPower,
            wit::Quantity::SpotPower => Quantity::SpotPower,
            wit::Quantity::Energy => Quantity::Energy,
        },
        labels: series.labels.into_iter().collect::<BTreeMap<_, _>>(),
        measurements: series
            .measurements
            .into_iter()
            .map(|m| Measurement { start: m.start, seconds: m.seconds, value: m.value })
            .collect(),
    }
}

pub(super) fn failure(failure: wit::Failure) -> Failure {
    match failure {
        wit::Failure::NoData(text) => Failure::NoData(text),
        wit::Failure::NotYetPublished(text) => Failure::NotYetPublished(text),
        wit::Failure::NotAvailable(text) => Failure::NotAvailable(text),
        wit::Failure::InvalidUnit(text) => Failure::InvalidUnit(text),
        wit::Failure::Unauthorized(text) => Failure::Unauthorized(text),
        wit::Failure::RateLimited(seconds) => Failure::RateLimited(seconds),
        wit::Failure::Unavailable(text) => Failure::Unavailable(text),
        wit::Failure::Malformed(text) => Failure::Malformed(text),
    }
}
