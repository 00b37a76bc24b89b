//! AEMO's archive of the National Electricity Market, NEMWEB: what SCADA read of every unit, every five minutes.
//!
//! Where what is written here comes from:
//!
//! - *The table.* `DISPATCH_UNIT_SCADA`: "Dispatchable unit MW from SCADA at the start of the dispatch interval";
//!   `SCADAVALUE` is the "instantaneous MW reading from SCADA at the start of the Dispatch interval", `DUID` has up to 20
//!   characters, and `SETTLEMENTDATE` with `DUID` is the key (AEMO's MMS data model, as on mmsdocs.global-roam.com/MMS).
//!   Intervals are named by their end: a month's file has `SETTLEMENTDATE` from 00:05 of its first day to 00:00 of the
//!   next month's (NEMOSIS, scripts/verify_monthly_partitioning.py and its tests on real files).
//! - *The clock.* Market time is AEST, UTC+10 without summer time: Australia/Brisbane.
//! - *The files.* One a month for all units, in `MMSDM_YYYY_MM`; `PUBLIC_DVD_…` up to July 2024 and
//!   `PUBLIC_ARCHIVE#…#FILE01#…` since August (UNSW-CEEM/NEMOSIS#40 and #42).
//! - *The first one.* Of 2009-07 to 2014-12 the archive has one zip of all tables a month, of many GB, and no file of
//!   this table any more (UNSW-CEEM/NEMOSIS#66 and #82): history begins with 2015.

pub const BASE_URL: &str = "https://nemweb.com.au";
pub const FIRST_MONTH: (u16, u8) = (2015, 1);
/// The first month whose file has the new name.
const RENAMED: (u16, u8) = (2024, 8);

/// Whether a code can be a DUID. The error is for people.
pub fn check_code(code: &str) -> Result<(), String> {
    let fits = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || b"_#/-".contains(&c);
    if !code.is_empty() && code.len() <= 20 && code.bytes().all(fits) {
        Ok(())
    } else {
        Err(format!("{code:?} is no DUID; expected one in capitals, such as ARWF1 or W/HOE#1"))
    }
}

/// Where a month's file is, or is otherwise. Nothing in it is of the unit, so that the host asks once for all units.
pub fn urls(base_url: &str, year: u16, month: u8) -> [String; 2] {
    let base_url = base_url.trim_end_matches('/');
    let folder = format!(
        "{base_url}/Data_Archive/Wholesale_Electricity/MMSDM/{year}/MMSDM_{year}_{month:02}/MMSDM_Historical_Data_SQLLoader/DATA"
    );
    let old = format!("{folder}/PUBLIC_DVD_DISPATCH_UNIT_SCADA_{year}{month:02}010000.zip");
    let new = format!("{folder}/PUBLIC_ARCHIVE%23DISPATCH_UNIT_SCADA%23FILE01%23{year}{month:02}010000.zip");
    if (year, month) < RENAMED { [old, new] } else { [new, old] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "Data_Archive/Wholesale_Electricity/MMSDM/2024/MMSDM_2024_0";

    #[test]
    fn a_month_is_asked_for_by_its_name_and_then_by_the_other() {
        let [july, other] = urls("http://here/x/", 2024, 7);
        let data = "MMSDM_Historical_Data_SQLLoader/DATA";
        assert_eq!(
            july,
            format!("http://here/x/{FOLDER}7/{data}/PUBLIC_DVD_DISPATCH_UNIT_SCADA_202407010000.zip")
        );
        assert_eq!(
            other,
            format!(
                "http://here/x/{FOLDER}7/{data}/PUBLIC_ARCHIVE%23DISPATCH_UNIT_SCADA%23FILE01%23202407010000.zip"
            )
        );
        let [august, other] = urls(BASE_URL, 2024, 8);
        assert!(august.ends_with("/PUBLIC_ARCHIVE%23DISPATCH_UNIT_SCADA%23FILE01%23202408010000.zip"));
        assert!(other.ends_with("/PUBLIC_DVD_DISPATCH_UNIT_SCADA_202408010000.zip"));
    }

    #[test]
    fn a_duid_has_capitals_digits_and_few_signs() {
        for code in ["ARWF1", "MUSSELR1", "BW01", "LKBONNY2", "CAPTL_WF", "W/HOE#1"] {
            assert_eq!(check_code(code), Ok(()));
        }
        for code in ["", "arwf1", "AR WF", "A,B", "A\"B", "A\nB", "ÄRWF1", &"X".repeat(21)] {
            assert!(check_code(code).unwrap_err().contains("no DUID"), "{code}");
        }
    }
}
