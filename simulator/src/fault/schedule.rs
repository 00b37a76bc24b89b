//! Which faults befall a request.

use std::sync::{Mutex, PoisonError};

use super::{Api, Fault, FaultKind};

/// The faults in force, with a count of the requests that each has met.
#[derive(Debug, Default)]
pub(crate) struct Schedule(Mutex<Vec<Counted>>);

#[derive(Debug)]
struct Counted {
    fault: Fault,
    met: u64,
}

impl Schedule {
    /// Replaces all; counting begins anew.
    pub(crate) fn set(&self, faults: Vec<Fault>) {
        let counted = faults.into_iter().map(|fault| Counted { fault, met: 0 }).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counted;
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.iter().map(|counted| counted.fault.clone()).collect()
    }

    /// The kinds that befall this request, in their order; counts it.
    pub(crate) fn meet(&self, api: Api, path: &str, query: &str) -> Vec<FaultKind> {
        let whole = format!("{path}?{query}");
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter_mut()
            .filter(|counted| counted.fault.concerns(api, path, &whole))
            .filter_map(Counted::meet)
            .collect()
    }
}

impl Fault {
    fn concerns(&self, api: Api, path: &str, whole: &str) -> bool {
        self.api.is_none_or(|only| only == api)
            && self.path.as_ref().is_none_or(|part| path.contains(part))
            && self.matching.as_ref().is_none_or(|part| whole.contains(part))
    }
}

impl Counted {
    fn meet(&mut self) -> Option<FaultKind> {
        self.met += 1;
        let every = self.fault.every.unwrap_or(1).max(1);
        let strikes =
            self.met.is_multiple_of(every) && self.fault.times.is_none_or(|times| self.met / every <= times);
        strikes.then(|| self.fault.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(spec: &str) -> Vec<u64> {
        let schedule = Schedule::default();
        schedule.set(vec![spec.parse().unwrap()]);
        (1..=10).filter(|_| !schedule.meet(Api::Eia, "/v2/x", "a=b").is_empty()).collect()
    }

    #[test]
    fn times_and_every_limit_together() {
        assert_eq!(strikes("kind=zip,times=3"), [1, 2, 3]);
        assert_eq!(strikes("kind=zip,every=4"), [4, 8]);
        assert_eq!(strikes("kind=zip,every=3,times=2"), [3, 6]);
    }

    #[test]
    fn only_the_requests_meant_are_struck() {
        assert!(strikes("kind=zip,api=elexon").is_empty());
        assert!(strikes("kind=zip,path=/y").is_empty());
        assert_eq!(strikes("kind=zip,match=x?a=b,times=1"), [1]);
    }
}
