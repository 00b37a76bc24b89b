//! Names as Taipower writes them, reduced to what stays the same.
//!
//! One station appears as `允湖(註10)` and `允湖`, `觀威觀音&amp;桃威新屋` and `觀威觀音&桃威新屋`,
//! `彰工風力/Changgong…`, `彰工風力Changgong…` and `彰工`. Footnotes come and go inside a month.

/// Endings that tell the kind of station and not its name, longest first.
const SUFFIXES: [&str; 15] = [
    "太陽光電發電站",
    "太陽光電發電廠",
    "風力發電站",
    "風力發電廠",
    "光電發電站",
    "地熱發電廠",
    "太陽光電",
    "太陽能",
    "風場",
    "風力",
    "光電",
    "地熱",
    "水力",
    "風",
    "光",
];

/// Counties and cities, which the monthly file writes before a name and the ten-minute files leave out.
const COUNTIES: [&str; 21] = [
    "基隆", "台北", "新北", "桃園", "新竹", "苗栗", "台中", "彰化", "南投", "雲林", "嘉義", "台南", "高雄",
    "屏東", "宜蘭", "花蓮", "台東", "澎湖", "金門", "連江", "馬祖",
];

/// A name without markup, footnotes, an English translation, blanks and width or variant differences.
pub(crate) fn fold(raw: &str) -> String {
    shown(raw).chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}

/// A name as people know it: the same, with its blanks and capitals.
pub(crate) fn shown(raw: &str) -> String {
    let text: String = decoded(&untagged(raw)).chars().filter_map(folded).collect();
    let text = without_footnotes(&text).replace("其他", "其它");
    without_translation(&text).trim().to_owned()
}

/// A folded name without the ending that only tells the kind of station: `彰工風力` → `彰工`.
/// At least two characters stay, so that a name never disappears.
pub(crate) fn stem(folded: &str) -> &str {
    SUFFIXES
        .iter()
        .filter_map(|suffix| folded.strip_suffix(suffix))
        .find(|rest| rest.chars().count() >= 2)
        .unwrap_or(folded)
}

/// A stem without the county before it, where one is there and a name stays: `彰化王功` → `王功`.
pub(crate) fn without_county(stem: &str) -> &str {
    COUNTIES
        .iter()
        .filter_map(|county| stem.strip_prefix(county))
        .find(|rest| rest.chars().count() >= 2)
        .unwrap_or(stem)
}

/// Text without `<…>`: type cells come as `<A NAME='wind'></A><b>風力(Wind)</b>`, some with a stray `</b>`.
pub(crate) fn untagged(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let Some((_, after)) = tag.split_once('>') else {
            // No end: a plain "less than".
            text.push('<');
            rest = tag;
            continue;
        };
        rest = after;
    }
    text + rest
}

/// `&` last, so that `&amp;lt;` stays the text that it stands for.
fn decoded(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

/// Full-width forms to half width, 臺 to 台; byte-order marks and zero-width characters away.
fn folded(c: char) -> Option<char> {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        '\u{3000}' => Some(' '),
        '臺' => Some('台'),
        '\u{feff}' | '\u{200b}'..='\u{200d}' => None,
        c => Some(c),
    }
}

fn without_footnotes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, note)) = rest.split_once("(註") {
        kept.push_str(before);
        rest = note.split_once(')').map_or("", |(_, after)| after);
    }
    kept + rest
}

/// Cuts what follows the last Chinese character if it is a translation: after a slash, or with a word of four
/// letters or more. `龍潭E/S太陽光電/Longtan…` keeps its first slash; `大潭CC#1`, `核二Gas1` and `核三#2` keep
/// their endings.
fn without_translation(text: &str) -> &str {
    let Some((at, last)) = text.char_indices().rfind(|(_, c)| is_chinese(*c)) else { return text };
    let (name, tail) = text.split_at(at + last.len_utf8());
    let letters = tail.split(|c: char| !c.is_ascii_alphabetic()).map(str::len).max().unwrap_or(0);
    if tail.trim_start().starts_with('/') || letters >= 4 { name } else { text }
}

fn is_chinese(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_station_folds_to_one_name_however_it_is_written() {
        for (raw, expected) in [
            ("允湖(註10)", "允湖"),
            ("允湖（註１０）", "允湖"),
            ("觀威觀音&amp;桃威新屋", "觀威觀音&桃威新屋"),
            ("觀威觀音＆桃威新屋", "觀威觀音&桃威新屋"),
            ("石門風力/Shimen Wind Power", "石門風力"),
            ("彰工風力Changgong Wind Power", "彰工風力"),
            ("龍潭E/S太陽光電/Longtan E/S Solars", "龍潭e/s太陽光電"),
            (
                "淡水3.5萬噸配水池太陽光電/Danshui Distribution Reservoir(35,000 tons) Solar",
                "淡水3.5萬噸配水池太陽光電",
            ),
            ("生質能(Biofuel)", "生質能"),
            (" 臺中港\u{3000}區 風力 ", "台中港區風力"),
            ("離島其他(註4)", "離島其它"),
            ("大潭CC#1", "大潭cc#1"),
            ("核三#2", "核三#2"),
            ("台中Gas1&amp;2", "台中gas1&2"),
            ("小計(註5)", "小計"),
            ("<b>風力(Wind)</b>", "風力"),
            ("Subtotal", "subtotal"),
        ] {
            assert_eq!(fold(raw), expected, "{raw}");
        }
    }

    #[test]
    fn a_name_that_is_only_a_footnote_folds_to_nothing() {
        assert_eq!(fold("(註10)"), "");
        assert_eq!(fold("(註10"), "");
    }

    #[test]
    fn the_kind_of_station_is_no_part_of_its_stem() {
        for (folded, expected) in [
            ("彰工風力", "彰工"),
            ("雲林台西風力發電站", "雲林台西"),
            ("台南鹽田太陽光電", "台南鹽田"),
            ("高訓中心光電", "高訓中心"),
            ("沃一風", "沃一"),
            ("志光光", "志光"),
            ("志光", "志光"),
            ("離岸一期", "離岸一期"),
        ] {
            assert_eq!(stem(folded), expected, "{folded}");
        }
    }

    #[test]
    fn a_county_is_left_out_only_where_a_name_stays() {
        for (stem, expected) in [("彰化王功", "王功"), ("台中港", "台中港"), ("離岸一期", "離岸一期")]
        {
            assert_eq!(without_county(stem), expected);
        }
    }

    #[test]
    fn an_unclosed_bracket_is_text() {
        assert_eq!(untagged("1 < 2"), "1 < 2");
        assert_eq!(untagged("儲能負載</b>"), "儲能負載");
    }
}
