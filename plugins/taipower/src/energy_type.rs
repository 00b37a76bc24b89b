//! What a station makes its power from, told from upstream's many spellings.

use std::fmt;

use crate::names;

/// An energy type. Wind and solar gather all spellings (陸域風力/Onshore Wind, 離岸風力, `<b>風力(Wind)</b>`,
/// 太陽能, 太陽光電); any other is upstream's own word, folded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum EnergyType {
    Wind,
    Solar,
    Other(String),
}

impl EnergyType {
    /// Reads a type cell or the attribute `energy_type`; nothing if it is blank.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let folded = names::fold(text);
        // 儲能 and 儲能負載, and types of years with and without "(Coal)", must compare by their own word.
        let word = folded.split('(').next().unwrap_or_default();
        match word {
            "" => None,
            _ if word.contains("風力") || word.contains("風電") || word.contains("wind") => {
                Some(Self::Wind)
            }
            _ if word.contains("太陽") || word.contains("光電") || word.contains("solar") => {
                Some(Self::Solar)
            }
            _ => Some(Self::Other(word.to_owned())),
        }
    }

    /// The type that a folded name says by its ending, as `彰工風力` or `高訓中心光電` do.
    pub(crate) fn said_by(folded_name: &str) -> Option<Self> {
        let ending = folded_name.strip_prefix(names::stem(folded_name))?;
        match ending {
            _ if ending.starts_with('風') => Some(Self::Wind),
            _ if ending.starts_with("太陽") || ending.starts_with('光') => Some(Self::Solar),
            _ => None,
        }
    }
}

impl fmt::Display for EnergyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wind => "wind",
            Self::Solar => "solar",
            Self::Other(word) => word,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_type_are_one_type() {
        for text in [
            "陸域風力/Onshore Wind",
            "離岸風力/Offshore Wind",
            "<A NAME='wind'></A><b>風力(Wind)</b>",
            "風力",
            "wind",
            "Wind",
            "offshore wind",
        ] {
            assert_eq!(EnergyType::parse(text), Some(EnergyType::Wind), "{text}");
        }
        for text in ["太陽能/Solar", "<b>太陽能(Solar)</b>", "太陽光電", "solar"] {
            assert_eq!(EnergyType::parse(text), Some(EnergyType::Solar), "{text}");
        }
        assert_eq!(EnergyType::parse("燃煤(Coal)"), EnergyType::parse("燃煤"));
        assert_eq!(EnergyType::parse("  "), None);
    }

    #[test]
    fn storage_and_its_load_are_two_types_with_or_without_stray_markup() {
        let load = EnergyType::parse("儲能負載(Energy Storage System Load)</b>");
        assert_eq!(load, Some(EnergyType::Other("儲能負載".into())));
        assert_ne!(load, EnergyType::parse("儲能(Energy Storage System)"));
    }

    #[test]
    fn a_name_may_say_its_type() {
        assert_eq!(EnergyType::said_by("其它台電自有風力"), Some(EnergyType::Wind));
        assert_eq!(EnergyType::said_by("其它台電自有太陽光電"), Some(EnergyType::Solar));
        assert_eq!(EnergyType::said_by("沃一風"), Some(EnergyType::Wind));
        assert_eq!(EnergyType::said_by("其它台電自有"), None);
        assert_eq!(EnergyType::said_by("志光"), None);
    }
}
