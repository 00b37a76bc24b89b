//! What somebody who mistyped a name probably meant.

/// ` did you mean "rate"?` (with its leading space and semicolon), or nothing if no candidate is near.
pub(crate) fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let near = candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&typed.to_lowercase(), candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min();
    near.map(|(_, candidate)| format!("; did you mean {candidate:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["hosts", "rate", "reuse_for", "id"];
        assert_eq!(did_you_mean("host", known), "; did you mean \"hosts\"?");
        assert_eq!(did_you_mean("Rate", known), "; did you mean \"rate\"?");
        assert_eq!(did_you_mean("reuse-for", known), "; did you mean \"reuse_for\"?");
        assert_eq!(did_you_mean("colour", known), "");
        assert_eq!(did_you_mean("", known), "");
    }
}
