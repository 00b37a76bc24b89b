use backfill_guest::*;

struct Empty;

impl Source for Empty {
    fn describe() -> Description {
        Description {
            name: "empty".into(), version: "0".into(), summary: String::new(), unit_code: String::new(),
            hosts: vec![], settings: vec![], month_zone: "UTC".into(), publication_lag_days: 0, first_month: None,
        }
    }
    fn check_unit(_: Unit) -> Result<(), String> { Ok(()) }
    fn fetch(_: Unit, _: Month) -> Result<Vec<Series>, Failure> { Ok(vec![]) }
}

export_source!(Empty);
