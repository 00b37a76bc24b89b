//! Which failures tell of one cause.

use sha2::{Digest, Sha256};

/// Names what failures of one cause have in common: their source, their code, and their message but for its figures
/// and addresses, which differ from task to task.
pub fn cause_key(source: &str, code: &str, message: &str) -> String {
    let mut digest = Sha256::new();
    for part in [source, code, &shape(message)] {
        digest.update(part);
        digest.update([0]);
    }
    hex::encode(&digest.finalize()[..8])
}

/// A message without addresses, and with one mark for each figure.
fn shape(message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    for word in message.split_whitespace() {
        let address = ["http://", "https://"].iter().filter_map(|scheme| word.find(scheme)).min();
        for letter in word[..address.unwrap_or(word.len())].chars() {
            let figure = letter.is_ascii_digit();
            if !(figure && shape.ends_with('#')) {
                shape.push(if figure { '#' } else { letter });
            }
        }
        shape.push(' ');
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_differ_in_figures_and_addresses_alone_are_of_one_cause() {
        let key = |message| cause_key("elexon", "malformed", message);
        let one = key("answered 400 for 2024-02 (https://a.example/x?month=2024-02): no such period 17");
        assert_eq!(
            one,
            key("answered 400 for 2023-11 (https://b.example/y?month=2023-11): no such period 3")
        );
        assert_ne!(one, key("answered 400 for 2024-02 (https://a.example/x): the meter room is flooded"));
        assert_eq!(key("a 1\n b"), key("a 22 b"));
        assert_eq!(one.len(), 16);
    }

    #[test]
    fn another_source_or_code_is_another_cause_and_parts_do_not_run_into_each_other() {
        let all = [("a", "b", "c"), ("x", "b", "c"), ("a", "x", "c"), ("ab", "", "c"), ("a", "", "bc")];
        let keys: std::collections::BTreeSet<_> =
            all.iter().map(|(source, code, message)| cause_key(source, code, message)).collect();
        assert_eq!(keys.len(), all.len());
    }
}
