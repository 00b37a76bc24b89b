use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::London;
use sqlx::{Database, Decode, Postgres, Sqlite, Type, error::BoxDynError};

use super::{World, at, power, unit};
use crate::{
    domain::{PlannedTask, Priority, Quantity, Series, Verdict, Window},
    store::NewWindfarm,
};

/// What a consumer reads as a time: an instant in Postgres, RFC 3339 in SQLite.
#[derive(Debug, PartialEq)]
struct Time(DateTime<Utc>);

/// What a consumer reads as a date.
#[derive(Debug, PartialEq)]
struct Date(NaiveDate);

macro_rules! readable {
    ($name:ty, $chrono:ty) => {
        impl Type<Sqlite> for $name {
            fn type_info() -> <Sqlite as Database>::TypeInfo {
                <str as Type<Sqlite>>::type_info()
            }
        }
        impl<'r> Decode<'r, Sqlite> for $name {
            fn decode(value: <Sqlite as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self(<&str as Decode<Sqlite>>::decode(value)?.parse()?))
            }
        }
        impl Type<Postgres> for $name {
            fn type_info() -> <Postgres as Database>::TypeInfo {
                <$chrono as Type<Postgres>>::type_info()
            }
        }
        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: <Postgres as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
                Ok(Self(<$chrono as Decode<Postgres>>::decode(value)?))
            }
        }
    };
}

readable!(Time, DateTime<Utc>);
readable!(Date, NaiveDate);

/// Stores series of a unit whose code is `code`, over any span.
async fn store(
    world: &World,
    source: &str,
    code: &str,
    attributes: &[(&str, &str)],
    series: Vec<Series>,
) -> i64 {
    let mut new = unit(source, code);
    new.unit.attributes = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect::<BTreeMap<_, _>>();
    let farm = NewWindfarm { name: code.to_owned(), units: vec![new], ..NewWindfarm::default() };
    world.store.import(&[farm], at(0)).await.unwrap();
    let farm = world.store.windfarm_by_name(code).await.unwrap().id;
    let unit_id = world.store.units(farm, &[]).await.unwrap()[0].id;
    let window = Window { start: 0, end: 4_000_000_000 };
    let task = PlannedTask {
        unit_id,
        source: source.to_owned(),
        month: super::month(0),
        window,
        verdict: Verdict::Fetch,
    };
    world.create(farm, &[task], Priority::Default, at(0)).await.unwrap();
    let request = crate::store::ClaimRequest { source, ..super::request("w", 1) };
    let claim = world.store.claim(request, || at(1)).await.unwrap().remove(0);
    world.write(&claim, series, at(2)).await;
    unit_id
}

fn named(kind: &str, mut series: Series) -> Series {
    series.kind = kind.to_owned();
    series
}

fn labelled(production_type: &str, mut series: Series) -> Series {
    series.labels.insert("production-type".to_owned(), production_type.to_owned());
    series
}

fn seconds(text: &str) -> i64 {
    text.parse::<DateTime<Utc>>().unwrap().timestamp()
}

#[tokio::test]
async fn entsoe_rows_have_time_area_type_value_and_unit() {
    for world in World::on_both().await {
        let start = seconds("2024-03-31T00:00:00Z");
        let generation = labelled("wind-offshore", power(&[(start, 3600, 399.5), (start + 3600, 3600, 0.0)]));
        let mut energy = generation.clone();
        energy.quantity = Quantity::Energy;
        let consumption = named("consumption", generation.clone());
        let area = [("area", "10Y1001A1001A796")];
        store(&world, "entsoe", "45W000000000046I", &area, vec![generation, consumption, energy]).await;
        store(&world, "entsoe", "DK_1", &[("production-type", "solar")], vec![power(&[(start, 900, 1.0)])])
            .await;
        let renamed = [("area", "10Y1001A1001A796"), ("entsoe_area_code", "DK_2")];
        store(&world, "entsoe", "45W000000000126K", &renamed, vec![power(&[(start, 900, 2.0)])]).await;
        store(&world, "s", "elsewhere", &[], vec![power(&[(start, 900, 3.0)])]).await;

        let rows: Vec<(Time, String, Option<String>, f64, String)> = world
        .rows("SELECT timestamp, area_code, production_type, value, unit FROM entsoe_generation_data ORDER BY 2, 1")
        .await;
        let row = |time: &str, area: &str, kind: Option<&str>, value| {
            (Time(time.parse().unwrap()), area.to_owned(), kind.map(str::to_owned), value, "MW".to_owned())
        };
        assert_eq!(
            rows,
            [
                row("2024-03-31T00:00:00Z", "10Y1001A1001A796", Some("wind-offshore"), 399.5),
                row("2024-03-31T01:00:00Z", "10Y1001A1001A796", Some("wind-offshore"), 0.0),
                row("2024-03-31T00:00:00Z", "DK_1", Some("solar"), 1.0),
                row("2024-03-31T00:00:00Z", "DK_2", None, 2.0),
            ]
        );
    }
}

async fn notify(world: &World, code: &str, starts: &[i64]) -> i64 {
    let levels = |add: f64| {
        power(&starts.iter().enumerate().map(|(n, start)| (*start, 60, n as f64 + add)).collect::<Vec<_>>())
    };
    let both = vec![named("notified-level-from", levels(0.0)), named("notified-level-to", levels(0.5))];
    store(world, "elexon", code, &[], both).await
}

#[tokio::test]
async fn elexon_rows_join_the_two_levels_of_a_segment() {
    for world in World::on_both().await {
        let start = seconds("2024-01-15T00:07:00Z");
        let unit_id = notify(&world, "T_ABRBO-1", &[start]).await;
        let row: Vec<(Time, String, i64, f64, f64, Date, i64)> =
            world.rows("SELECT * FROM elexon_generation_data").await;
        let expected = (
            Time("2024-01-15T00:07:00Z".parse().unwrap()),
            "T_ABRBO-1".to_owned(),
            unit_id,
            0.0,
            0.5,
            Date("2024-01-15".parse().unwrap()),
            1,
        );
        assert_eq!(row, [expected]);
        let named = "SELECT timestamp, bm_unit, generation_unit_id, level_from, level_to, settlement_date, settlement_period
                 FROM elexon_generation_data";
        assert_eq!(
            world.rows::<(Time, String, i64, f64, f64, Date, i64)>(named).await,
            row,
            "the old names, in order"
        );
    }
}

#[tokio::test]
async fn clock_change_days_have_46_and_50_periods_and_others_48() {
    for world in World::on_both().await {
        let (from, to) = (seconds("2024-03-29T00:00:00Z"), seconds("2024-04-02T00:00:00Z"));
        let spring: Vec<_> = (from..to).step_by(1800).collect();
        let (from, to) = (seconds("2024-10-25T23:00:00Z"), seconds("2024-10-29T00:00:00Z"));
        let autumn: Vec<_> = (from..to).step_by(1800).collect();
        notify(&world, "T_A-1", &[spring, autumn].concat()).await;
        let days: Vec<(Date, i64, i64)> = world
        .rows("SELECT settlement_date, COUNT(*), MAX(settlement_period) FROM elexon_generation_data GROUP BY 1 ORDER BY 1")
        .await;
        let day = |date: &str| days.iter().find(|day| day.0.0.to_string() == date).map(|day| (day.1, day.2));
        assert_eq!(day("2024-03-30"), Some((48, 48)));
        assert_eq!(day("2024-03-31"), Some((46, 46)));
        assert_eq!(day("2024-04-01"), Some((48, 48)));
        assert_eq!(day("2024-10-26"), Some((48, 48)));
        assert_eq!(day("2024-10-27"), Some((50, 50)));
        assert_eq!(day("2024-10-28"), Some((48, 48)));
    }
}

#[tokio::test]
async fn settlement_dates_and_periods_are_those_of_the_time_zone_database() {
    for world in World::on_both().await {
        // Days of every kind, in years whose last Sundays fall on each day of the month from the 25th to the 31st.
        let mut starts = Vec::new();
        for year in 2015..=2027 {
            for day in [
                "01-01", "03-24", "03-25", "03-26", "03-27", "03-28", "03-29", "03-30", "03-31", "06-30",
                "12-31",
            ] {
                starts.push(seconds(&format!("{year}-{day}T00:00:00Z")));
            }
            for day in 24..=31 {
                starts.push(seconds(&format!("{year}-10-{day}T00:00:00Z")));
            }
        }
        let mut halves: Vec<_> =
            starts.iter().flat_map(|day| (0..48).map(move |half| day + half * 1800)).collect();
        halves.sort_unstable();
        notify(&world, "T_A-1", &halves).await;
        let rows: Vec<(Time, Date, i64)> = world
            .rows("SELECT timestamp, settlement_date, settlement_period FROM elexon_generation_data")
            .await;
        assert_eq!(rows.len(), halves.len());
        for (Time(at), Date(date), period) in rows {
            let local = at.with_timezone(&London).date_naive();
            let midnight = London.from_local_datetime(&local.and_time(NaiveTime::MIN)).unwrap();
            let expected = (at - midnight.to_utc()).num_minutes() / 30 + 1;
            assert_eq!((date, period), (local, expected), "{at}");
        }
    }
}
