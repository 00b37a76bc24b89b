//! The character data of elements, the same for every reader of XML here.

use quick_xml::events::Event;

/// Appends what an event adds to the text of the element it is in. The five entities of XML and character
/// references are resolved; nothing else is, so that no document can define or fetch anything.
pub fn append(event: &Event<'_>, text: &mut String) -> Result<(), String> {
    match event {
        Event::Text(part) => text.push_str(part),
        Event::CData(part) => text.push_str(part),
        Event::GeneralRef(entity) => {
            let named = match &**entity {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "apos" => Some('\''),
                "quot" => Some('"'),
                _ => entity.resolve_char_ref().ok().flatten(),
            };
            text.push(named.ok_or_else(|| format!("unknown entity `&{};`", &**entity))?);
        }
        Event::DocType(_) => return Err("a document type declaration, which is refused".into()),
        _ => {}
    }
    Ok(())
}

/// A fault of the markup itself, with where it is.
pub fn fault(error: &quick_xml::Error, at: u64) -> String {
    format!("not well-formed XML at byte {at}: {error}")
}
