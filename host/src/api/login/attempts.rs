//! How often somebody may try in vain to log in. Secrets are too long to be guessed; this keeps a host from being kept
//! busy with it, and makes trying show.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// In one [`SPAN`], of one address.
const MOST: u32 = 10;

const SPAN: Duration = Duration::from_secs(60);

/// So many addresses are remembered.
const ADDRESSES: usize = 10_000;

/// Failed attempts of the last minute, by address.
#[derive(Default)]
pub(in crate::api) struct Attempts(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Attempts {
    /// In how many seconds this address may try again, if it has tried too often.
    pub(super) fn wait(&self, address: Option<IpAddr>, now: Instant) -> Option<u64> {
        let attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = attempts.get(&network(address))?;
        let left = SPAN.checked_sub(now.duration_since(*since)).filter(|left| !left.is_zero())?;
        (*count >= MOST).then_some(left.as_secs() + 1)
    }

    /// It tried in vain.
    pub(super) fn failed(&self, address: Option<IpAddr>, now: Instant) {
        let mut attempts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= ADDRESSES {
            attempts.retain(|_, (since, _)| now.duration_since(*since) < SPAN);
        }
        // With so many addresses trying, those that are new share one place.
        let full = attempts.len() >= ADDRESSES;
        let place = network(address);
        let place = if full && !attempts.contains_key(&place) { network(None) } else { place };
        let (since, count) = attempts.entry(place).or_insert((now, 0));
        if now.duration_since(*since) >= SPAN {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

/// Who has one IPv6 address has 2^64 of them.
fn network(address: Option<IpAddr>) -> IpAddr {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V6(address)) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        Some(address) => address,
        None => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_failed_too_often_waits_and_others_do_not() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let (one, other) = ("203.0.113.9".parse().ok(), "203.0.113.10".parse().ok());
        for _ in 0..MOST {
            assert_eq!(attempts.wait(one, now), None);
            attempts.failed(one, now);
        }
        assert_eq!(attempts.wait(one, now), Some(61));
        assert_eq!(attempts.wait(other, now), None);
        assert_eq!(attempts.wait(one, now + SPAN), None);
        attempts.failed(one, now + SPAN);
        assert_eq!(attempts.wait(one, now + SPAN), None);
    }

    #[test]
    fn one_network_of_ipv6_counts_as_one_and_memory_is_bounded() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for last in 0..MOST {
            attempts.failed(format!("2001:db8::{last:x}").parse().ok(), now);
        }
        assert!(attempts.wait("2001:db8::ffff:1".parse().ok(), now).is_some());
        for address in 0..2 * ADDRESSES {
            let address = IpAddr::from(u32::try_from(address).unwrap().to_be_bytes());
            attempts.failed(Some(address), now);
        }
        assert!(attempts.0.lock().unwrap().len() <= ADDRESSES + 1);
    }
}
