//! Which faults befall a request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Api, Fault, FaultKind};

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct Schedule(Mutex<InForce>);

#[derive(Debug, Default)]
struct InForce {
    faults: Vec<Counted>,
    /// Goes with the faults, so that whoever met them learns that they are replaced.
    until_replaced: watch::Sender<()>,
}

/// A fault, with a count of the requests that it has met.
#[derive(Debug)]
struct Counted {
    fault: Fault,
    met: u64,
}

/// What befalls a request.
#[derive(Debug)]
pub(crate) struct Met {
    /// In the order of the faults.
    pub(crate) kinds: Vec<FaultKind>,
    until_replaced: watch::Receiver<()>,
}

impl Schedule {
    /// Replaces all; counting begins anew.
    pub(crate) fn set(&self, faults: Vec<Fault>) {
        let faults = faults.into_iter().map(|fault| Counted { fault, met: 0 }).collect();
        *self.in_force() = InForce { faults, ..InForce::default() };
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.in_force().faults.iter().map(|counted| counted.fault.clone()).collect()
    }

    /// What befalls this request; counts it.
    pub(crate) fn meet(&self, api: Api, path: &str, query: &str) -> Met {
        let whole = format!("{path}?{query}");
        let mut in_force = self.in_force();
        let until_replaced = in_force.until_replaced.subscribe();
        let concerned =
            in_force.faults.iter_mut().filter(|counted| counted.fault.concerns(api, path, &whole));
        Met { kinds: concerned.filter_map(Counted::meet).collect(), until_replaced }
    }

    fn in_force(&self) -> MutexGuard<'_, InForce> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Met {
    /// Returns once the faults that befell the request are no longer in force.
    pub(crate) async fn replaced(&mut self) {
        // Nothing is ever sent: the only change is that the sender has gone.
        while self.until_replaced.changed().await.is_ok() {}
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
        (1..=10).filter(|_| !schedule.meet(Api::Eia, "/v2/x", "a=b").kinds.is_empty()).collect()
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
