use super::*;
use crate::answer::Answer;
use crate::testing::{answer, fixture};
use backfill_guest::http::{Error, Request};

/// Answers every request with one list.
struct Lists<'a>(u16, &'a [u8]);

impl Upstream for Lists<'_> {
    fn ask(&self, requests: Vec<Request>) -> Vec<Result<Answer, Error>> {
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].url(), "http://x/bmrs/api/v1/reference/bmunits/all");
        vec![Ok(answer(self.0, self.1))]
    }
}

fn listed(list: &[u8]) -> (Vec<Unit>, Notes) {
    let (outcome, notes) = list_of(200, list);
    (outcome.unwrap(), notes)
}

fn list_of(status: u16, list: &[u8]) -> (Result<Vec<Unit>, Failure>, Notes) {
    super::list(&Lists(status, list), "http://x")
}

#[test]
fn the_recorded_list_has_its_power_stations_and_each_can_be_fetched() {
    let Some(list) = fixture("elexon/gs_bmunits_truncated.json") else { return };
    let (units, notes) = listed(&list);
    let codes: Vec<_> = units.iter().map(|unit| unit.code.as_str()).collect();
    assert_eq!(
        codes,
        ["E_ABERDARE", "T_ABRBO-1", "E_ABRTW-1", "C__PSMAR001", "T_ACHRW-1", "ACHYW-1", "T_AFTOW-1"]
    );
    assert!(units.iter().all(|unit| BmUnit::of(unit).is_ok()));
    let afton = &units[6];
    assert_eq!((afton.name.as_str(), afton.capacity_mw), ("Afton Wind Farm", Some(50.0)));
    for (name, value) in
        [("production_type", "wind"), ("site", "AFTOW"), ("bm_unit_type", "T"), ("fuel_type", "WIND")]
    {
        assert_eq!(afton.attribute(name), Some(value), "{name}");
    }
    let wind = units.iter().filter(|unit| unit.attribute("production_type") == Some("wind")).count();
    assert_eq!(wind, 6, "all but Aberdare");
    let left_out = notes.lines().iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>();
    assert_eq!(left_out, ["3 rows of the list are no generation units; first: V__BADEL001"]);
}

#[test]
fn a_unit_listed_twice_is_one_unit_with_both_eics() {
    let list = br#"[{"nationalGridBmUnit":"WLNYO-4","elexonBmUnit":"T_WLNYO-4","eic":"48W00000WLNYO-4A",
        "generationCapacity":"330.000"},
        {"nationalGridBmUnit":"WLNYO-4","elexonBmUnit":"T_WLNYO-4","eic":"48W000WLNYO-4-5Q","gspGroupName":"G",
        "generationCapacity":"330.000"}]"#;
    let (units, _) = listed(list);
    assert_eq!(units.len(), 1);
    assert_eq!(units[0].attribute("eic"), Some("48W00000WLNYO-4A, 48W000WLNYO-4-5Q"));
    assert_eq!((units[0].capacity_mw, units[0].attribute("gsp_group")), (Some(330.0), Some("G")));
}

#[test]
fn rows_that_disagree_leave_the_capacity_open() {
    let list = br#"[{"elexonBmUnit":"C__PS1","nationalGridBmUnit":"A-1","generationCapacity":"10"},
        {"elexonBmUnit":"C__PS1","nationalGridBmUnit":"B-1","generationCapacity":20}]"#;
    let (units, _) = listed(list);
    assert_eq!((units.len(), units[0].capacity_mw), (1, None));
}

#[test]
fn wind_without_a_fuel_type_is_told_by_id_or_name_and_nothing_else_is_taken_for_it() {
    let row = |id: &str, name: &str| {
        format!(
            r#"[{{"elexonBmUnit":"T_{id}","nationalGridBmUnit":"{id}","fuelType":null,"bmUnitName":"{name}",
                "bmUnitType":"T","generationCapacity":"40"}}]"#
        )
    };
    for (id, name, wind) in [
        ("HAGHW-2", "HAGHW-2", true),
        ("DWEXW-1", "DWEXW-1", true),
        ("SOMEX-1", "Some Windfarm", true),
        ("DRAXX-1", "Windsor battery", false),
        ("WEST-1", "West", false),
        ("ABCW-1", "x", false),
    ] {
        let (units, _) = listed(row(id, name).as_bytes());
        assert_eq!(units[0].attribute("production_type"), wind.then_some("wind"), "{id} {name}");
        assert_eq!(
            units[0].attribute("fuel_type"),
            None,
            "what upstream does not say is not put in its mouth"
        );
    }
}

#[test]
fn demand_interconnectors_and_rows_without_a_usable_id_are_left_out() {
    let list = br#"[{"elexonBmUnit":"2__AEELC000","bmUnitType":"S","generationCapacity":"0.000"},
        {"elexonBmUnit":"I_IFD-LEAD1","interconnectorId":"IFA","bmUnitType":"I","generationCapacity":"500"},
        {"elexonBmUnit":null,"nationalGridBmUnit":" ","generationCapacity":"5"},
        {"elexonBmUnit":"T A","generationCapacity":"5"},
        {"elexonBmUnit":"S__X","bmUnitType":"S","generationCapacity":null},
        {"elexonBmUnit":"T_NEW-1","bmUnitType":"T","generationCapacity":null}]"#;
    let (units, notes) = listed(list);
    assert_eq!(units.iter().map(|unit| unit.code.as_str()).collect::<Vec<_>>(), ["T_NEW-1"]);
    assert_eq!((units[0].capacity_mw, units[0].attribute("site")), (None, Some("NEW")));
    assert_eq!(notes.lines().len(), 2, "{:?}", notes.lines());
}

#[test]
fn an_empty_list_a_page_and_another_shape_are_failures_and_no_catalogue() {
    assert!(matches!(list_of(200, b"[]").0, Err(Failure::Unavailable(_))));
    assert!(matches!(list_of(503, b"<html>").0, Err(Failure::Unavailable(_))));
    assert!(matches!(list_of(429, b"").0, Err(Failure::RateLimited(_))));
    for body in [&b"{}"[..], b"[1]", b"[{\"elexonBmUnit\":5}]", b"[{\"elexonBmUnit\":\"T_A"] {
        assert!(matches!(list_of(200, body).0, Err(Failure::Malformed(_))), "{body:?}");
    }
}
