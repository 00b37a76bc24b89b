//! Acknowledgements: what the platform answers instead of a document. Their code is 999 for everything, so the
//! text has to tell.

use quick_xml::{Reader, events::Event};

use crate::markup;

/// What an acknowledgement says; of several reasons the greatest decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing here, at least now.
    NoData,
    /// None of those below.
    Other,
    /// Ask for a shorter interval.
    TooMuch,
    /// Ask for fewer units or types.
    TooManyInstances,
    /// Too recent, in the future, or too long.
    IntervalRefused,
    /// The production type isn't published for this area.
    TypeNotInArea,
    /// The combination of parameters, or one parameter, is refused.
    ParametersRefused,
    /// Too many requests in a minute.
    TooFast,
}

/// Phrases by which a text is recognised, in lower case.
const PHRASES: [(&str, Verdict); 10] = [
    ("no matching data found", Verdict::NoData),
    ("exceeds the allowed maximum", Verdict::TooManyInstances),
    ("exceeds allowed limit", Verdict::TooMuch),
    ("exceeds the allowed limit", Verdict::TooMuch),
    ("delivered time interval is not valid", Verdict::IntervalRefused),
    ("is not valid for this area", Verdict::TypeNotInArea),
    ("dependency tables", Verdict::ParametersRefused),
    ("input parameter does not exist", Verdict::ParametersRefused),
    ("parameter is not supported", Verdict::ParametersRefused),
    ("max allowed requests per minute", Verdict::TooFast),
];

/// Reads an acknowledgement: its verdict, and the text that gave it. Of several reasons the one that asks for
/// more than patience decides: "no data" counts only when nothing else is said.
pub fn read(document: &str) -> Result<(Verdict, String), String> {
    let texts = reason_texts(document)?;
    let judged = texts.into_iter().map(|text| (verdict(&text), text));
    let told = judged.max_by_key(|(verdict, _)| *verdict);
    Ok(told.unwrap_or((Verdict::Other, "an acknowledgement without a reason".into())))
}

fn verdict(text: &str) -> Verdict {
    let text = text.to_lowercase();
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map_or(Verdict::Other, |&(_, verdict)| verdict)
}

/// The content of every `Reason/text`, or `Reason/code` where a reason has no text.
fn reason_texts(document: &str) -> Result<Vec<String>, String> {
    let mut reader = Reader::from_str(document);
    let (mut texts, mut path, mut text) = (Vec::new(), Vec::new(), String::new());
    loop {
        let event = reader.read_event().map_err(|error| markup::fault(&error, reader.error_position()))?;
        match event {
            Event::Start(tag) => {
                path.push(tag.local_name().into_inner().to_owned());
                text.clear();
            }
            Event::End(_) => {
                if path.ends_with(&["Reason".to_owned(), "text".to_owned()]) {
                    texts.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
                }
                path.pop();
                text.clear();
            }
            Event::Eof if path.is_empty() => return Ok(texts),
            Event::Eof => return Err(format!("the acknowledgement is cut off inside `{}`", path.join("/"))),
            other => markup::append(&other, &mut text)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(texts: &[&str]) -> String {
        let reasons: String =
            texts.iter().map(|t| format!("<Reason><code>999</code><text>{t}</text></Reason>")).collect();
        format!("<Acknowledgement_MarketDocument><mRID>1</mRID>{reasons}</Acknowledgement_MarketDocument>")
    }

    #[test]
    fn the_text_decides() {
        for (text, expected) in [
            (
                "No matching data found for Data item X [16.1.A] (10YBE----------2) and interval null/null.",
                Verdict::NoData,
            ),
            (
                "The amount of requested data exceeds allowed limit. Requested: 2, allowed: 1",
                Verdict::TooMuch,
            ),
            (
                "The requested data to be gathered via the offset parameter exceeds the allowed limit",
                Verdict::TooMuch,
            ),
            ("The number of instances (149) exceeds the allowed maximum (100)", Verdict::TooManyInstances),
            ("Delivered time interval is not valid for this Data item.", Verdict::IntervalRefused),
            ("psrType B16 is not valid for this area", Verdict::TypeNotInArea),
            ("please check you request against dependency tables", Verdict::ParametersRefused),
            ("Input parameter does not exist: curveType", Verdict::ParametersRefused),
            ("Providing curveType parameter is not supported for this dataItem", Verdict::ParametersRefused),
            ("Bad request message from API", Verdict::Other),
        ] {
            assert_eq!(read(&ack(&[text])), Ok((expected, text.to_owned())));
        }
    }

    #[test]
    fn no_data_beside_another_reason_is_not_no_data() {
        let limit = "The amount of requested data exceeds allowed limit";
        for texts in [["No matching data found", limit], [limit, "No matching data found"]] {
            assert_eq!(read(&ack(&texts)).unwrap().0, Verdict::TooMuch);
        }
        assert_eq!(read(&ack(&["No matching data found", "Something new"])).unwrap().0, Verdict::Other);
    }

    #[test]
    fn entities_in_a_text_are_resolved_and_white_space_is_joined() {
        assert_eq!(read(&ack(&["6.1.C&amp;D\n  &#38; E"])).unwrap().1, "6.1.C&D & E");
    }

    #[test]
    fn an_acknowledgement_that_says_nothing_or_is_cut_off_is_no_empty_answer() {
        assert_eq!(read(&ack(&[])).unwrap().0, Verdict::Other);
        let whole = ack(&["No matching data found"]);
        assert!(read(&whole[..whole.len() - 10]).is_err());
    }
}
