//! Denials, with the lines of `backfill.toml` that would allow what was denied.

use url::Url;

use super::error::EgressError;
use super::grant::{Grant, Opens};
use super::policy::Policy;
use super::resolve::AddressDenied;

/// The grant that covers a URL.
pub(super) fn granted<'a>(policy: &'a Policy, url: &Url) -> Result<&'a Grant, EgressError> {
    if let Some(grant) = policy.grants.iter().find(|grant| grant.covers(url)) {
        return Ok(grant);
    }
    let Some(wanted) = Grant::of(url) else {
        let scheme = url.scheme();
        return Err(EgressError::Denied(format!("only http and https can be granted, not `{scheme}`")));
    };
    Err(EgressError::Denied(format!(
        "source `{}` may not reach `{wanted}`; its component must ask for it in `describe`, and this allows it:\n{}",
        policy.source,
        toml(policy, policy.grants.iter().chain([&wanted]).map(Grant::to_toml)),
    )))
}

/// A granted name led to an address that the grant does not open.
pub(super) fn closed_address(policy: &Policy, grant: &Grant, closed: &AddressDenied) -> EgressError {
    let remedy = match Opens::Private.admits(closed.address) {
        Err(_) => "; no grant of a name opens such an address".to_owned(),
        Ok(()) => {
            let opened = policy.grants.iter().map(|entry| match entry == grant {
                true => entry.clone().with_private().to_toml(),
                false => entry.to_toml(),
            });
            format!("; this allows it:\n{}", toml(policy, opened))
        }
    };
    EgressError::Denied(format!("source `{}`: {closed}{remedy}", policy.source))
}

fn toml(policy: &Policy, hosts: impl Iterator<Item = String>) -> String {
    let hosts = hosts.collect::<Vec<_>>().join(", ");
    format!("[[source]]\nid = \"{}\"\nhosts = [{hosts}]", policy.source)
}
