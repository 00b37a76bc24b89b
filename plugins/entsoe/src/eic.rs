//! Energy Identification Codes: 16 characters, of which the first two name the office that issued the code
//! and the third the type of object (`Y` area, `W` resource such as a generation unit).

/// Whether a text has the shape of an EIC.
///
/// The check character is not verified: codes whose check character is wrong are in live use, and refusing
/// them would refuse real data.
pub fn is_eic(code: &str) -> bool {
    let bytes = code.as_bytes();
    let Some((office, rest)) = bytes.split_at_checked(2) else { return false };
    let Some((&kind, rest)) = rest.split_first() else { return false };
    bytes.len() == 16
        && office.iter().all(u8::is_ascii_digit)
        && kind.is_ascii_uppercase()
        && rest.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == b'-')
        && rest.last() != Some(&b'-')
}

/// Whether a text is the EIC of an area (control area, bidding zone, country).
pub fn is_area(code: &str) -> bool {
    is_eic(code) && code.as_bytes().get(2) == Some(&b'Y')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_czech_unit_are_accepted() {
        assert!(is_eic("27WGU-EECKG7---A") && is_eic("27W-GU-EECKG7--A"));
    }

    #[test]
    fn a_wrong_check_character_is_not_refused() {
        assert!(is_eic("45W000000000046I") && is_eic("45W000000000046J"));
    }

    #[test]
    fn other_shapes_are_refused() {
        for code in ["", "45W", "45w000000000046I", "4XW000000000046I", "451000000000046I", "45W00000000004-"]
        {
            assert!(!is_eic(code), "{code}");
        }
        for code in [
            "45W00000000004I",
            "45W0000000000460I",
            "45W000000000 46I",
            "45W000000000046-",
            "45Wé0000000046I",
        ] {
            assert!(!is_eic(code), "{code}");
        }
    }

    #[test]
    fn areas_are_codes_of_type_y() {
        assert!(is_area("10Y1001A1001A796") && !is_area("45W000000000046I"));
    }
}
