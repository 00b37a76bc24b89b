//! The datasets that this source reads.

/// One dataset of Insights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dataset {
    /// Metered output per settlement period.
    B1610,
    /// Physical notifications: the level that the unit said it would run at.
    Pn,
}

impl Dataset {
    /// As Elexon spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::B1610 => "B1610",
            Self::Pn => "PN",
        }
    }

    /// The endpoint that takes any range; the one without `/stream` takes a single settlement period.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::B1610 => "/bmrs/api/v1/datasets/B1610/stream",
            Self::Pn => "/bmrs/api/v1/datasets/PN/stream",
        }
    }

    /// Reads the setting `datasets`: names in any case, separated by commas, each counted once. The error is for people.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, String> {
        let mut datasets = Vec::new();
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let dataset = [Self::B1610, Self::Pn]
                .into_iter()
                .find(|dataset| dataset.name().eq_ignore_ascii_case(name))
                .ok_or_else(|| {
                    format!(
                        "setting datasets: {name:?} is not a dataset of this source; it reads B1610 and PN"
                    )
                })?;
            if !datasets.contains(&dataset) {
                datasets.push(dataset);
            }
        }
        if datasets.is_empty() {
            return Err("setting datasets: names no dataset; give B1610, PN or both".into());
        }
        Ok(datasets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_takes_names_in_any_case_and_once() {
        assert_eq!(Dataset::list("B1610, pn,PN"), Ok(vec![Dataset::B1610, Dataset::Pn]));
    }

    #[test]
    fn an_unknown_or_empty_setting_is_refused_by_name() {
        assert!(Dataset::list("B1610,MELS").is_err_and(|why| why.contains("\"MELS\"")));
        assert!(Dataset::list(" , ").is_err());
    }
}
