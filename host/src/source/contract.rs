//! Versions of the contract between host and sources, as the names of interfaces tell them:
//! `backfill:source/http@1.0.0`.

/// The contract that this host speaks.
pub const CONTRACT: &str = "backfill:source@1.0.0";

/// The version in [`CONTRACT`].
pub fn own_version() -> &'static str {
    CONTRACT.split_once('@').map_or("", |(_, version)| version)
}

/// The versions of the contract among the names of interfaces, the oldest first. A component that was put together from
/// parts may speak several.
pub fn spoken<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let of_contract = names.into_iter().filter(|name| name.starts_with("backfill:source/"));
    let mut versions: Vec<_> = of_contract.filter_map(|name| Some(name.split_once('@')?.1)).collect();
    versions.sort_unstable_by_key(|version| numbers(version));
    versions.dedup();
    versions
}

/// Whether a version was made after another one.
pub fn is_newer(version: &str, than: &str) -> bool {
    numbers(version) > numbers(than)
}

/// Whether components of one version can be used by hosts of the other, as far as versions tell.
pub fn same_major(one: &str, other: &str) -> bool {
    numbers(one).first() == numbers(other).first()
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|number| number.parse().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let names = [
            "backfill:source/http@1.10.0",
            "backfill:source/log@1.9.0",
            "backfill:source/types@1.10.0",
            "wasi:io/poll@0.2.6",
            "run",
        ];
        assert_eq!(spoken(names), ["1.9.0", "1.10.0"]);
        assert!(is_newer("1.10.0", "1.9.0") && !is_newer("1.9.0", "1.9.0"));
        assert!(same_major("1.10.0", "1.9.0") && !same_major("10.0.0", "1.0.0"));
        assert_eq!(own_version(), "1.0.0");
    }
}
