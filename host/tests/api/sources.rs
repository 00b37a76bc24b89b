//! Sources over HTTP: how they fare, whether they work, what their upstreams know.

use serde_json::{Value, json};

use crate::{
    World, postgres,
    support::{Upstream, guest, text},
};

/// A source of its own beside the world's, with this upstream.
fn parks(url: &str, more: &str) -> String {
    format!(
        "[[source]]\nid = \"parks\"\ncomponent = {:?}\nhosts = [{url:?}]\nrate = \"100/h burst 40\"\n{more}\n\
         [source.settings]\nbase_url = {url:?}\n\
         [[source]]\nid = \"gone\"\ncomponent = \"gone.wasm\"\n\
         [[source]]\nid = \"off\"\ncomponent = \"off.wasm\"\nenabled = false\n\
         [[source]]\nid = \"bare\"\ncomponent = {:?}\n",
        guest("fifth"),
        guest("hostile")
    )
}

/// An upstream with a list of parks and one good month.
async fn controllers() -> Upstream {
    Upstream::start(|asked| match asked.path.as_str() {
        "/parks.csv" => text(200, "north,12.5\nsouth,\n"),
        "/parks/north/2024-01.csv" => text(200, "1704067200,1.5\n"),
        "/parks/north/2024-02.csv" => text(200, "no such format"),
        "/parks/north/2024-03.csv" => text(401, ""),
        "/parks/north/2024-04.csv" => text(500, ""),
        _ => text(404, ""),
    })
    .await
}

/// A world with that source on each database.
async fn each(mut check: impl AsyncFnMut(World, Upstream)) {
    let upstream = controllers().await;
    check(World::on(None, &parks(&upstream.url(), "")).await, upstream).await;
    if let Some(server) = postgres::database().await {
        let upstream = controllers().await;
        check(World::on(Some(&server), &parks(&upstream.url(), "")).await, upstream).await;
    }
}

fn verdicts(report: &Value) -> [&str; 4] {
    ["dns", "tls", "auth", "shape"].map(|step| report[step]["verdict"].as_str().unwrap())
}

#[tokio::test]
async fn a_source_tells_what_it_is_and_how_it_fares() {
    each(async |world, _| {
        let client = world.user("vera", "viewer").await;
        let listed = client.get("/sources").await.expect(200).json;
        let ids: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["parks", "gone", "off", "bare", "elexon", "eia"]);
        let (gone, off) = (&listed[1], &listed[2]);
        assert_eq!((&gone["enabled"], &gone["usable"]), (&json!(true), &json!(false)));
        assert!(gone["reason"].as_str().unwrap().contains("gone.wasm"), "{gone:#}");
        assert_eq!((&off["enabled"], &off["usable"]), (&json!(false), &json!(false)));

        let shown = client.get("/sources/parks").await.expect(200).json;
        assert_eq!(shown["digest"].as_str().unwrap().len(), 64);
        assert_eq!((&shown["version"], &shown["collects"]), (&json!("0.1.0"), &json!(false)));
        assert_eq!((&shown["has_catalog"], &shown["description"]["name"]), (&json!(true), &json!("Fifth")));
        assert_eq!(shown["health"]["circuit"], "closed");
        assert_eq!(
            (&shown["allowance"]["rate"], &shown["allowance"]["requests_now"]),
            (&json!("100/h burst 40"), &json!(40))
        );
        assert_eq!((&shown["queue"]["ready"], &shown["health"]["held_until"]), (&json!(0), &json!(null)));
        client.get("/sources/none").await.problem(404, "not-found");
        client.get("/sources/%ff").await.problem(400, "invalid-parameter");
    })
    .await;
}

#[tokio::test]
async fn a_check_says_which_step_fails_and_stores_nothing() {
    each(async |world, upstream| {
        let (client, viewer) = (world.user("olga", "operator").await, world.user("vera", "viewer").await);
        viewer.post("/sources/parks/check", &json!({})).await.problem(403, "forbidden");
        let check = async |query: &str| {
            client.post(&format!("/sources/parks/check{query}"), &json!({})).await.expect(200).json
        };
        let nobody = check("").await;
        assert_eq!(verdicts(&nobody), ["skipped", "ok", "skipped", "skipped"], "{nobody:#}");
        assert_eq!(nobody["works"], false);

        let new = json!({ "windfarm_id": 1, "source": "parks", "code": "north" });
        client.post("/generation-units", &new).await.expect(201);
        for (month, expected, works) in [
            ("2024-01", ["skipped", "ok", "ok", "ok"], true),
            ("2024-02", ["skipped", "ok", "ok", "failed"], false),
            ("2024-03", ["skipped", "ok", "failed", "skipped"], false),
            ("2024-04", ["skipped", "ok", "skipped", "skipped"], false),
            ("2024-05", ["skipped", "ok", "ok", "ok"], true),
        ] {
            let report = check(&format!("?month={month}")).await;
            assert_eq!((verdicts(&report), &report["works"]), (expected, &json!(works)), "{report:#}");
            assert_eq!((&report["code"], &report["month"]), (&json!("north"), &json!(month)));
        }
        let other = check("?code=west&month=2024-01").await;
        assert_eq!((&other["code"], verdicts(&other)[3]), (&json!("west"), "ok"), "there is no data");
        let asked = upstream.asked().len();
        check("?month=2024-01").await;
        assert!(upstream.asked().len() >= asked + 2, "no kept answer serves a check");
        let left = client.get("/sources/parks").await.json["allowance"]["requests_now"].as_u64().unwrap();
        assert!(left < 40, "its requests count");
        assert_eq!(world.folder.stored().await.len(), 0);

        let real = client.post("/sources/elexon/check?month=2024-01", &json!({})).await.expect(200).json;
        assert_eq!((&real["works"], &real["code"]), (&json!(true), &json!("T_HOWAO-1")), "{real:#}");
        for (path, code) in [("parks/check?month=2024-13", 400), ("gone/check", 409), ("off/check", 409)] {
            client.post(&format!("/sources/{path}"), &json!({})).await.expect(code);
        }
        client.post("/sources/none/check", &json!({})).await.problem(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn an_upstream_that_is_away_is_told_from_one_that_refuses() {
    // A port that is taken and refuses everybody: nobody else gets it.
    let away = tokio::net::TcpSocket::new_v4().unwrap();
    away.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", away.local_addr().unwrap());
    let more = parks(&url, "").replace(
        &format!("hosts = [{url:?}]"),
        &format!("hosts = [{url:?}, \"nowhere.invalid\", \"parks.example.org\"]"),
    );
    let world = World::on(None, &more).await;
    let client = world.user("olga", "operator").await;
    let report = client.post("/sources/parks/check?code=north", &json!({})).await.expect(200).json;
    // The component does not ask for `nowhere.invalid`, so it has no grant of it.
    let hosts: Vec<_> = report["hosts"].as_array().unwrap().iter().map(|one| &one["host"]).collect();
    assert_eq!(hosts.len(), 2, "{report:#}");
    assert_eq!(verdicts(&report), ["failed", "failed", "skipped", "skipped"], "{report:#}");
    assert_eq!(report["works"], false);
}

#[tokio::test]
async fn an_upstream_s_units_are_listed_where_its_source_can() {
    each(async |world, upstream| {
        let (client, viewer) = (world.user("olga", "operator").await, world.user("vera", "viewer").await);
        viewer.get("/sources/parks/units").await.problem(403, "forbidden");
        let new = json!({ "windfarm_id": 1, "source": "parks", "code": "south" });
        client.post("/generation-units", &new).await.expect(201);
        let units = client.get("/sources/parks/units").await.expect(200).json;
        assert_eq!(
            units,
            json!([
                { "code": "north", "name": "Park north", "capacity_mw": 12.5, "attributes": {}, "registered": false },
                { "code": "south", "name": "Park south", "capacity_mw": null, "attributes": {}, "registered": true },
            ])
        );
        assert_eq!(upstream.asked().len(), 1);
        client.get("/sources/bare/units").await.problem(404, "no-catalog");
        let elexon = client.get("/sources/elexon/units").await.expect(200).json;
        let unit = elexon.as_array().unwrap().iter().find(|unit| unit["code"] == "T_HOWAO-2").unwrap();
        assert_eq!((&unit["attributes"]["site"], &unit["registered"]), (&json!("HOWAO"), &json!(true)));
        client.get("/sources/gone/units").await.problem(409, "source-unusable");
        client.get("/sources/none/units").await.problem(404, "not-found");
    })
    .await;
}

#[tokio::test]
async fn units_of_a_catalogue_are_registered_once_and_stay_where_people_put_them() {
    each(async |world, _| {
        let (client, viewer) = (world.user("olga", "operator").await, world.user("vera", "viewer").await);
        let path = "/sources/elexon/units/import";
        let wanted = json!({ "windfarm": "GB {site}", "wind": true, "filter": "howao" });
        viewer.post(path, &wanted).await.problem(403, "forbidden");
        let mut dry = wanted.clone();
        dry["dry_run"] = json!(true);
        let would = client.post(path, &dry).await.expect(200).json;
        let before = client.get("/generation-units").await.expect(200).json["total"].clone();
        let done = client.post(path, &wanted).await.expect(200).json;
        assert_eq!((&would["dry_run"], &would["units"]), (&json!(true), &done["units"]));
        let known = done["elsewhere"].as_array().unwrap().len() as u64;
        assert!(known >= 1, "{done:#}");
        assert_eq!(done["units"], json!({ "created": 3 - known, "updated": known, "unchanged": 0 }));
        let after = client.get("/generation-units").await.expect(200).json["total"].clone();
        assert_eq!(after.as_u64(), before.as_u64().map(|before| before + 3 - known));
        let again = client.post(path, &wanted).await.expect(200).json;
        assert_eq!(again["units"], json!({ "created": 0, "updated": 0, "unchanged": 3 }));
        let one = json!({ "windfarm": "Drax", "codes": ["T_DRAXX-1"] });
        assert_eq!(client.post(path, &one).await.expect(200).json["units"]["created"], 1);

        client.post(path, &json!({ "windfarm": "{site" })).await.problem(422, "invalid-body");
        client.post(path, &json!({ "windfarm": "{plant}" })).await.problem(422, "invalid-body");
        client.post(path, &json!({ "wind": true })).await.problem(422, "invalid-body");
        client.post("/sources/bare/units/import", &one).await.problem(404, "no-catalog");
        client.post("/sources/gone/units/import", &one).await.problem(409, "source-unusable");
    })
    .await;
}

#[tokio::test]
async fn a_paused_source_is_resumed() {
    World::each(async |world| {
        let (client, viewer) = (world.user("olga", "operator").await, world.user("vera", "viewer").await);
        let fault = "kind=status,status=401".parse().unwrap();
        world.simulator.set_faults(vec![fault]);
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-01-31" });
        let made = client.post("/backfill/jobs", &body).await.expect(202).json["id"].clone();
        let paused = client.until("/sources/elexon", |one| one["health"]["circuit"] == "open").await;
        assert!(paused["health"]["open_cause"].is_string() && paused["health"]["open_until"].is_string());
        assert_eq!(client.get("/queue").await.expect(200).json[0]["source"], "elexon");
        viewer.post("/sources/elexon/resume", &json!({})).await.problem(403, "forbidden");
        // Neither a last refusal that is under way nor a task that waits is to decide before the answer is given. The
        // job may have ended; then there is none.
        let job = format!("/backfill/jobs/{made}");
        client.post(&format!("{job}/pause"), &json!({})).await;
        client.until(&job, |shown| shown["by_status"]["in_progress"] == 0).await;
        world.simulator.set_faults(vec![]);
        let resumed = client.post("/sources/elexon/resume", &json!({})).await.expect(200).json;
        assert_eq!((&resumed["resumed"], &resumed["health"]["circuit"]), (&json!(true), &json!("half-open")));
        client.post(&format!("{job}/resume"), &json!({})).await;
        client.until(&job, |shown| shown["job"]["completed_at"].is_string()).await;
        client.post(&format!("{job}/retry"), &json!({})).await.expect(200);
        client.until("/sources/elexon", |one| one["health"]["circuit"] == "closed").await;
        let again = client.post("/sources/elexon/resume", &json!({})).await.expect(200).json;
        assert_eq!(again["resumed"], false);
    })
    .await;
}
