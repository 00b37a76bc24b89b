//! ENTSO-E's ways of saying no.

use roxmltree::Document;
use simulator::{Fault, FaultKind, Options, RateLimit};

use crate::entsoe::{parse, query};
use crate::{Answer, get, options, read, start};

const DENMARK: &str = "10Y1001A1001A796";
const FRANCE: &str = "10YFR-RTE------C";

/// Reason code and text of an acknowledgement.
fn reason(answer: &Answer) -> (String, String) {
    let document = Document::parse(answer.text()).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "Acknowledgement_MarketDocument");
    let text = |name: &str| {
        let node = document.descendants().find(|node| node.tag_name().name() == name).unwrap();
        node.text().unwrap().to_owned()
    };
    (text("code"), text("text"))
}

#[tokio::test]
async fn refusals_are_acknowledgements_with_code_999() {
    let simulator = start(options()).await;
    let day = query("A73", DENMARK, "202401050000", "202401060000");
    for (path, part) in [
        (query("A73", DENMARK, "202401050000", "202401070000"), "Delivered time interval is not valid"),
        (query("A73", DENMARK, "202401060000", "202401050000"), "Delivered time interval is not valid"),
        (
            query("A75", DENMARK, "202201010000", "202401010000"),
            "amount of requested data exceeds allowed limit",
        ),
        (
            query("A73", "10Y1001A1001A82H", "202401050000", "202401060000"),
            "check you request against dependency",
        ),
        (query("A09", DENMARK, "202401050000", "202401060000"), "check you request against dependency"),
        (format!("{day}&curveType=A01"), "Input parameter does not exist: curveType"),
        (day.replace("in_Domain", "In_Domain"), "Input parameter does not exist: In_Domain"),
        (
            query("A75", "10YCZ-CEPS-----N", "202401050000", "202401060000") + "&psrType=B18",
            "is not valid for this area",
        ),
        (query("A73", DENMARK, "2024-01-05", "202401060000"), "Bad request message from API"),
        (format!("{day}&offset=4900"), "offset parameter exceeds the allowed limit"),
    ] {
        let answer = get(&simulator, &path).await;
        assert_eq!(answer.status, 400, "{path}");
        let (code, text) = reason(&answer);
        assert_eq!(code, "999");
        assert!(text.contains(part), "{path}: {text}");
    }
}

#[tokio::test]
async fn nothing_found_is_200_and_names_area_and_interval() {
    let simulator = start(options()).await;
    let expected = |area: &str| {
        format!(
            "No matching data found for Data item ACTUAL_GENERATION_OUTPUT_PER_UNIT_R3 [16.1.A] ({area}) and \
             interval 2024-01-05T00:00:00Z/2024-01-06T00:00:00Z."
        )
    };
    let day = |area| query("A73", area, "202401050000", "202401060000");
    for (path, area) in [
        (day("10YXX----------1"), "10YXX----------1"),
        (day("10YDK-1--------W"), "10YDK-1--------W"),
        (day(DENMARK) + "&registeredResource=45W000000000114R", DENMARK),
        (day(DENMARK) + "&registeredResource=45W000000000046I&psrType=B14", DENMARK),
    ] {
        let answer = get(&simulator, &path).await;
        assert_eq!((answer.status, reason(&answer).1), (200, expected(area)));
    }
    let future = get(&simulator, &query("A73", DENMARK, "202406290000", "202406300000")).await;
    assert!(reason(&future).1.contains("No matching data found"));
}

#[tokio::test]
async fn the_token_is_taken_from_header_or_query_and_never_logged() {
    let simulator = start(Options { entsoe_token: Some("canary".into()), ..options() }).await;
    let path = query("A73", DENMARK, "202401050000", "202401060000");
    for wrong in [path.clone(), format!("{path}&securityToken=other")] {
        let answer = get(&simulator, &wrong).await;
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("Unauthorized. Missing or invalid security token"));
    }
    assert_eq!(get(&simulator, &format!("{path}&securityToken=canary")).await.status, 200);
    let client = reqwest::Client::new();
    let request = client.get(format!("{}{path}", simulator.url())).header("SECURITY_TOKEN", "canary");
    assert_eq!(read(request.send().await.unwrap()).await.unwrap().status, 200);
    assert!(!format!("{:?}", simulator.log()).contains("canary"));
}

#[tokio::test]
async fn too_many_requests_in_a_minute_are_banned_without_a_hint_how_long() {
    let limit = RateLimit { per_minute: 3, ban_seconds: 600 };
    let simulator = start(Options { entsoe_rate_limit: Some(limit), ..options() }).await;
    let path = query("A73", DENMARK, "202401050000", "202401060000");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(get(&simulator, &path).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let answer = get(&simulator, &path).await;
    assert!(answer.text().contains("Max allowed requests per minute"));
    assert_eq!(answer.header("retry-after"), "");
    assert_eq!(get(&simulator, "/bmrs/api/v1/reference/bmunits/all").await.status, 200, "others are free");
}

#[tokio::test]
async fn an_instance_limit_can_be_met_by_type_or_by_offset() {
    let mut fault = Fault::from(FaultKind::InstanceLimit { allowed: 100 });
    fault.matching = Some(FRANCE.into());
    let simulator = start(Options { faults: vec![fault], ..options() }).await;
    let day = query("A73", FRANCE, "202401050000", "202401060000");
    let refused = get(&simulator, &day).await;
    let text = reason(&refused).1;
    let total: usize = text.split(['(', ')']).nth(1).unwrap().parse().unwrap();
    assert_eq!(text, format!("The number of instances ({total}) exceeds the allowed maximum (100)."));
    assert!(!parse(get(&simulator, &format!("{day}&psrType=B19")).await.text()).is_empty());
    let pages = [
        parse(get(&simulator, &format!("{day}&offset=0")).await.text()).len(),
        parse(get(&simulator, &format!("{day}&offset=100")).await.text()).len(),
    ];
    assert_eq!(pages, [100, total - 100]);
}
