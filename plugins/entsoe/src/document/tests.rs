use super::*;
use crate::curve::Curve;
use proptest::prelude::*;

const ANHOLT: &str = "45W000000000046I";
const OTHER: &str = "45W000000000116N";

fn periods(values: &str) -> String {
    format!(
        "<Period><timeInterval><start>2024-09-01T00:00Z</start><end>2024-09-02T00:00Z</end></timeInterval>\
         <resolution>PT60M</resolution>{values}</Period>"
    )
}

fn point(position: u32, quantity: &str) -> String {
    format!("<Point><position>{position}</position><quantity>{quantity}</quantity></Point>")
}

fn series(unit: &str, name: &str, rest: &str) -> String {
    format!(
        "<TimeSeries>\n<mRID>1</mRID><inBiddingZone_Domain.mRID codingScheme=\"A01\">10YDK-1--------W</inBiddingZone_Domain.mRID>\
         <registeredResource.mRID>{OTHER}</registeredResource.mRID>\
         <quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name><curveType>A03</curveType>\
         <MktPSRType><psrType>B18</psrType><PowerSystemResources><mRID codingScheme=\"A01\">{unit}</mRID><name>{name}</name>\
         </PowerSystemResources></MktPSRType>{rest}</TimeSeries>"
    )
}

fn document(series: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<GL_MarketDocument xmlns=\"urn:x\"><mRID>a</mRID><type>A73</type>\n{}\n</GL_MarketDocument>\n",
        series.join("\n")
    )
}

/// Whether the quick way was taken, and each series as text, with its fault in place of a failure.
fn read_all(document: &str, wanted: &Wanted) -> (bool, Result<Vec<String>, String>) {
    let mut found = Vec::new();
    let quick = plain_parts(document.as_bytes(), &wanted.codes).is_some();
    let result = read(document.as_bytes(), wanted, &mut |series| {
        found.push(format!("{:?} {:?} {:?}", series.unit, series.direction(), series.periods));
        Ok(())
    });
    (
        quick,
        result.map(|count| {
            assert_eq!(count, found.len());
            found
        }),
    )
}

fn slowly(text: &str) -> String {
    text.replacen("<mRID>a</mRID>", "<!-- so that all tokens are read --><mRID>a</mRID>", 1)
}

#[test]
fn only_the_wanted_units_series_are_handed_on() {
    let text = document(&[
        series(OTHER, "a", &periods(&point(1, "5"))),
        series(ANHOLT, "b", &periods(&point(1, "7.5"))),
        series(OTHER, "c", &periods(&point(1, "6"))),
    ]);
    let (quick, found) = read_all(&text, &Wanted::unit(ANHOLT));
    let found = found.unwrap();
    assert!(quick && found.len() == 1 && found[0].contains("value: 7.5"), "{found:?}");
    assert_eq!(read_all(&slowly(&text), &Wanted::unit(ANHOLT)), (false, Ok(found)));
}

#[test]
fn the_production_unit_is_not_the_generation_unit() {
    // OTHER is the registered resource of every series here, and the unit of none.
    let text = document(&[series(ANHOLT, "b", &periods(&point(1, "7.5")))]);
    assert_eq!(read_all(&text, &Wanted::unit(OTHER)).1, Ok(vec![]));
}

#[test]
fn a_code_in_a_name_is_no_unit() {
    let text = document(&[series(OTHER, ANHOLT, &periods(&point(1, "5")))]);
    assert_eq!(read_all(&text, &Wanted::unit(ANHOLT)).1, Ok(vec![]));
}

#[test]
fn what_hides_a_code_or_an_element_is_read_by_all_tokens() {
    let wanted = series(ANHOLT, "b", &periods(&point(1, "7.5")));
    let hidden = format!("<!-- {wanted} -->");
    let plain = document(std::slice::from_ref(&wanted));
    for (text, count) in [
        (document(&[series("45W0000000000&#52;6I", "b", &periods(""))]), 1),
        (document(&[series("<![CDATA[45W000000000046I]]>", "b", "")]), 1),
        (document(&[series(OTHER, "x", &hidden)]), 0),
        (document(std::slice::from_ref(&hidden)), 0),
        (document(&[series(OTHER, "x", "<?a </TimeSeries> ?>"), wanted.clone()]), 1),
        (plain.replace("<TimeSeries", "<g:TimeSeries").replace("</TimeSeries", "</g:TimeSeries"), 1),
        (plain.replace("GL_MarketDocument", "g:GL_MarketDocument"), 1),
        (plain.replace("</TimeSeries>", "</TimeSeries >"), 1),
    ] {
        let (quick, found) = read_all(&text, &Wanted::unit(ANHOLT));
        assert_eq!((quick, found.unwrap().len()), (false, count), "{text}");
    }
}

#[test]
fn names_with_entities_marks_and_damaged_letters_are_no_obstacle() {
    let text = document(&[series(ANHOLT, "A &amp; B! What? PLACEHOLDER", &periods(&point(1, "1")))]);
    assert!(read_all(&text, &Wanted::unit(ANHOLT)).0);
    let damaged = text.replace("PLACEHOLDER", "\u{1}").into_bytes();
    let damaged: Vec<u8> = damaged.into_iter().map(|c| if c == 1 { 0xE9 } else { c }).collect();
    assert_eq!(read(&damaged, &Wanted::unit(ANHOLT), &mut |_| Ok(())), Ok(1));
}

#[test]
fn a_unit_without_a_production_type_is_kept() {
    let text =
        document(&[series(ANHOLT, "b", &periods(&point(1, "1")))]).replace("<psrType>B18</psrType>", "");
    assert_eq!(
        read(text.as_bytes(), &Wanted::unit(ANHOLT), &mut |series| {
            assert_eq!((series.psr.as_deref(), series.curve), (None, Curve::Blocks));
            Ok(())
        }),
        Ok(1)
    );
}

#[test]
fn a_document_cut_off_anywhere_is_refused() {
    let text = document(&[
        series(OTHER, "a", &periods(&point(1, "5"))),
        series(ANHOLT, "b", &periods(&point(1, "7"))),
    ]);
    for cut in 0..text.trim_end().len() {
        assert!(
            read(&text.as_bytes()[..cut], &Wanted::unit(ANHOLT), &mut |_| Ok(())).is_err(),
            "cut at {cut}"
        );
    }
}

#[test]
fn faults_of_other_units_do_not_matter_and_those_of_the_wanted_are_named() {
    for text in [
        document(&[
            series(OTHER, "a", &periods(&point(1, "1,5"))),
            series(ANHOLT, "b", &periods(&point(1, "7"))),
        ]),
        document(&[
            series(ANHOLT, "a", &periods(&point(1, "7"))),
            series(OTHER, "b", &periods(&point(1, "1,5"))),
        ]),
    ] {
        for text in [slowly(&text), text] {
            assert_eq!(read_all(&text, &Wanted::unit(ANHOLT)).1.unwrap().len(), 1);
            let error = read_all(&text, &Wanted::unit(OTHER)).1.unwrap_err();
            for part in [OTHER, "2024-09-01T00:00:00Z", "position 1", "`1,5`"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}

#[test]
fn a_fault_before_the_unit_is_named_is_not_lost() {
    let text = document(&[series(ANHOLT, "a", "")]).replace("A03", "A05");
    let error = read_all(&text, &Wanted::unit(ANHOLT)).1.unwrap_err();
    assert!(error.contains(ANHOLT) && error.contains("A05"), "{error}");
}

#[test]
fn a_document_of_another_type_is_refused() {
    let text = document(&[series(ANHOLT, "a", "")]).replace("<type>A73", "<type>A65");
    assert!(read_all(&text, &Wanted::unit(ANHOLT)).1.unwrap_err().contains("A65 instead of A73"));
    assert!(read_all(&document(&[]), &Wanted::types(&["B19"])).1.is_err());
    let none = text.replace("<type>A65</type>", "");
    assert!(read_all(&none, &Wanted::unit(ANHOLT)).1.unwrap_err().contains("none instead"));
}

#[test]
fn entities_are_not_expanded() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"cccc\">]>";
    let text = document(&[series(ANHOLT, "a", &periods(&point(1, "&b;")))]);
    assert!(read_all(&text, &Wanted::unit(ANHOLT)).1.unwrap_err().contains("`&b;`"));
    let with = text.replace("<GL_", &format!("{bomb}<GL_"));
    assert!(read_all(&with, &Wanted::unit(ANHOLT)).1.is_err());
}

#[test]
fn a_document_without_series_is_empty() {
    assert_eq!(read_all(&document(&[]), &Wanted::unit(ANHOLT)).1, Ok(vec![]));
}

proptest! {
    #[test]
    fn the_quick_way_and_all_tokens_agree(
        units in proptest::collection::vec((0_usize..3, proptest::collection::vec((1_u32..30, -9_i32..99), 0..5), "[a-z &;<>!?-]{0,6}"), 0..6),
        sought in 0_usize..3,
    ) {
        let codes = [ANHOLT, OTHER, "45W000000000207K"];
        let all: Vec<_> = units
            .iter()
            .map(|(unit, points, name)| {
                let points: String = points.iter().map(|(p, q)| point(*p, &q.to_string())).collect();
                let name = name.replace('&', "&amp;").replace('<', "&lt;");
                series(codes[*unit], &name, &periods(&points))
            })
            .collect();
        let text = document(&all);
        let wanted = Wanted::unit(codes[sought]);
        let quick = read_all(&text, &wanted);
        prop_assert!(quick.0 || all.is_empty());
        // A blank in their tags keeps Points from being read as a run.
        let by_tokens = text.replace("<Point>", "<Point >");
        prop_assert_eq!(&quick.1, &read_all(&by_tokens, &wanted).1);
        prop_assert_eq!(quick.1, read_all(&slowly(&text), &wanted).1);
    }

    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..40), at in 0_usize..2000) {
        let mut text = document(&[series(ANHOLT, "a", &periods(&point(1, "5")))]).into_bytes();
        let at = at.min(text.len());
        let tail = text.split_off(at);
        text.append(&mut bytes);
        text.extend(tail.into_iter().skip(5));
        let _ = read(&text, &Wanted::unit(ANHOLT), &mut |_| Ok(()));
        let _ = crate::answer::Answer::of(crate::answer::Reply { status: 200, retry_after: None, body: text });
    }
}
