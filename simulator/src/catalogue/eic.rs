//! Energy Identification Codes: 15 characters of `0-9A-Z-` and a check character.

const ALPHABET: &[u8; 37] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-";

/// The check character of the EIC reference manual: characters weighted 16 down to 2, modulo 37.
/// `None` where `body` isn't 15 characters of the alphabet, or where the check character would be a
/// hyphen (such codes are not issued).
#[must_use]
pub fn check_character(body: &str) -> Option<char> {
    if body.len() != 15 {
        return None;
    }
    let mut sum = 0;
    for (index, byte) in body.bytes().enumerate() {
        sum += (16 - index) * ALPHABET.iter().position(|&known| known == byte)?;
    }
    // 36 - ((sum - 1) mod 37), kept above zero.
    let value = 36 - (sum + 36) % 37;
    (value != 36).then(|| char::from(ALPHABET[value]))
}

/// `body` with its check character, where there is one.
pub(crate) fn complete(body: &str) -> Option<String> {
    Some(format!("{body}{}", check_character(body)?))
}

/// Whether `code` is 16 characters that end in their own check character.
#[must_use]
pub fn is_valid(code: &str) -> bool {
    code.is_ascii() && code.len() == 16 && check_character(&code[..15]) == code.chars().last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_codes_end_in_their_check_character() {
        for code in ["45W000000000046I", "48W00000ABRBO-19", "10Y1001A1001A796", "10YFR-RTE------C"] {
            assert!(is_valid(code), "{code}");
        }
        assert!(!is_valid("45W000000000046J"));
        assert!(!is_valid("45W00000000004"));
        assert!(!is_valid("45W00000000004é"));
    }
}
