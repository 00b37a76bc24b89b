//! Taipower's stations (monthly file) and units (ten-minute file, snapshots).

/// A station of the monthly file: Taipower's own only.
#[derive(Clone, Copy, Debug)]
pub struct Station {
    /// As the file has it: `陸域風力/Onshore Wind` …
    pub energy_type: &'static str,
    /// The Chinese part of the name.
    pub chinese: &'static str,
    /// As the file has it: Chinese and English name with a slash between, which one row lacks.
    pub name: &'static str,
    pub capacity_mw: f64,
    /// The unit that the ten-minute file and the snapshots call it, where they have it.
    pub short: Option<&'static str>,
}

const ONSHORE: &str = "陸域風力/Onshore Wind";
const OFFSHORE: &str = "離岸風力/Offshore Wind";
const SOLAR: &str = "太陽能/Solar";

const fn station(
    energy_type: &'static str,
    chinese: &'static str,
    name: &'static str,
    capacity_mw: f64,
    short: Option<&'static str>,
) -> Station {
    Station { energy_type, chinese, name, capacity_mw, short }
}

/// Every station, in the order of the file.
pub const STATIONS: &[Station] = &[
    station(ONSHORE, "石門風力", "石門風力/Shimen Wind Power", 3.96, Some("石門")),
    station(ONSHORE, "林口風力", "林口風力/Linkou Wind Power", 6.0, Some("林口")),
    station(ONSHORE, "蘆竹風力", "蘆竹風力/Luzhu Wind Power", 7.2, Some("蘆竹")),
    station(ONSHORE, "觀園風力", "觀園風力/Guanyuan Wind Power", 30.0, Some("觀園")),
    station(ONSHORE, "大潭風力", "大潭風力/Datan Wind Power", 12.3, Some("大潭")),
    station(ONSHORE, "新竹香山風力", "新竹香山風力/Hsinchu Xiangshan Wind Power", 12.0, Some("香山")),
    station(ONSHORE, "台中港區風力", "台中港區風力/Taichung Harbor Wind Power", 35.0, Some("台中港")),
    station(ONSHORE, "台中電廠風力", "台中電廠風力/Taichung Power Plant Wind Power", 8.0, Some("台中電廠")),
    station(ONSHORE, "彰工風力", "彰工風力Changgong Wind Power", 86.2, Some("彰工")),
    station(ONSHORE, "彰化王功風力", "彰化王功風力/Changhua Wanggong Wind Power", 23.0, Some("王功")),
    station(ONSHORE, "彰化永興風力", "彰化永興風力/Changhua Yongxing Wind Power", 10.0, Some("永興")),
    station(ONSHORE, "雲林麥寮風力", "雲林麥寮風力/Yunlin Mailiao Wind Power", 46.0, Some("雲麥")),
    station(ONSHORE, "雲林台西風力發電站", "雲林台西風力發電站/Yunlin Taixi Wind Power", 10.0, Some("台西")),
    station(ONSHORE, "雲林四湖風力", "雲林四湖風力/Yunlin Sihu Wind Power", 28.0, Some("四湖")),
    station(ONSHORE, "恆春風力", "恆春風力/Hengchun Wind Power", 4.5, Some("恆春")),
    station(ONSHORE, "中屯風力", "中屯風力/Zhongtun Wind Power", 4.8, None),
    station(ONSHORE, "澎湖湖西風力", "澎湖湖西風力/Penghu Huxi Wind Power", 5.4, Some("湖西")),
    station(ONSHORE, "金沙風力", "金沙風力/Jinsha Wind Power", 4.0, None),
    station(ONSHORE, "澎湖龍門風力", "澎湖龍門風力/Penghu Longmen Wind Power", 20.4, Some("龍門")),
    station(OFFSHORE, "離岸一期風力", "離岸一期風力/Offshore Phase1 Wind Power", 109.2, Some("離岸一期")),
    station(SOLAR, "彰化彰濱太陽光電", "彰化彰濱太陽光電/Changhua Changbin Solars", 100.0, Some("彰濱光")),
    station(SOLAR, "台南鹽田太陽光電", "台南鹽田太陽光電/Tainan Yantian Solars", 150.0, Some("南鹽光")),
    station(SOLAR, "龍潭E/S太陽光電", "龍潭E/S太陽光電/Longtan E/S Solars", 0.2, None),
];

/// The station whose full, Chinese or short name this is.
#[must_use]
pub fn find_station(name: &str) -> Option<&'static Station> {
    STATIONS
        .iter()
        .find(|station| station.name == name || station.chinese == name || station.short == Some(name))
}

/// A row of the snapshots.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// `風力`, `太陽能` … the key together with the name: `其它台電自有` is a wind unit and a solar one.
    pub fuel: &'static str,
    pub name: &'static str,
    /// MW; `None` where the unit is under test and carries a footnote and a hyphen instead.
    pub capacity_mw: Option<f64>,
    /// First year whose snapshots have it.
    pub since: i32,
}

pub(crate) const WIND: &str = "風力";
pub(crate) const SUN: &str = "太陽能";

const fn unit(fuel: &'static str, name: &'static str, capacity_mw: f64, since: i32) -> Unit {
    Unit { fuel, name, capacity_mw: Some(capacity_mw), since }
}

const fn testing(fuel: &'static str, name: &'static str, since: i32) -> Unit {
    Unit { fuel, name, capacity_mw: None, since }
}

/// Every unit, in the order of the snapshots.
pub const UNITS: &[Unit] = &[
    unit("燃氣", "大潭CC#1", 742.7, 2021),
    unit("燃氣", "大潭CC#2", 742.7, 2021),
    unit("燃煤", "台中#1", 550.0, 2021),
    unit("汽電共生", "汽電共生", 631.4, 2021),
    unit("燃油", "澎湖尖山(註4)", 129.8, 2021),
    unit(SUN, "彰濱光", 100.0, 2021),
    unit(SUN, "南鹽光", 150.0, 2021),
    unit(SUN, "其它台電自有", 24.3, 2021),
    testing(SUN, "寶興光", 2024),
    unit(SUN, "其它購電太陽能", 12_671.5, 2021),
    unit(WIND, "觀園", 30.0, 2021),
    unit(WIND, "台中港", 35.0, 2021),
    unit(WIND, "王功", 23.0, 2021),
    unit(WIND, "彰工", 86.2, 2021),
    unit(WIND, "雲麥", 46.0, 2021),
    unit(WIND, "四湖", 28.0, 2021),
    unit(WIND, "其它台電自有", 84.7, 2021),
    unit(WIND, "苗栗大鵬", 42.0, 2021),
    unit(WIND, "鹿威彰濱", 55.2, 2021),
    unit(WIND, "觀威觀音&桃威新屋", 48.3, 2021),
    unit(WIND, "中威大安", 75.9, 2021),
    unit(WIND, "創維風", 49.2, 2024),
    unit(WIND, "新源崙背", 25.2, 2024),
    testing(WIND, "彰品風", 2026),
    unit(WIND, "其它購電風力", 178.4, 2021),
    unit(WIND, "離岸一期", 109.2, 2021),
    testing(WIND, "離岸二期", 2026),
    unit(WIND, "海洋竹南", 128.0, 2021),
    unit(WIND, "海能風", 376.0, 2024),
    unit(WIND, "沃一風", 605.2, 2024),
    unit(WIND, "沃二風", 294.8, 2024),
    testing(WIND, "沃四風", 2026),
    unit(WIND, "芳二風", 451.2, 2024),
    testing(WIND, "允湖", 2021),
    testing(WIND, "中能風", 2024),
    unit("水力", "德基#1", 78.0, 2021),
    unit("水力", "北部小水力(註6)", 31.1, 2021),
    unit("其它再生能源", "生質能(Biofuel)", 38.2, 2021),
    unit("儲能", "電池(註16)", 339.3, 2024),
    testing("儲能負載", "電池(註16)", 2024),
];

/// Taipower's own wind units as the ten-minute file calls them: 台中港 is 中港 there.
#[must_use]
pub fn ten_minute_wind_units() -> Vec<&'static str> {
    let own = STATIONS.iter().filter(|station| station.energy_type != SOLAR);
    own.filter_map(|station| station.short)
        .filter(|short| *short != "龍門")
        .map(|short| if short == "台中港" { "中港" } else { short })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stations_are_found_by_full_chinese_and_short_name() {
        for name in ["彰工風力Changgong Wind Power", "彰工風力", "彰工"] {
            assert_eq!(find_station(name).map(|station| station.capacity_mw), Some(86.2), "{name}");
        }
        assert_eq!(find_station("龍潭E/S太陽光電").map(|station| station.capacity_mw), Some(0.2));
        assert_eq!(find_station("雲林台西風力發電站").map(|station| station.short), Some(Some("台西")));
        assert!(find_station("沃一風").is_none(), "private farms are not in the monthly file");
    }

    #[test]
    fn the_ten_minute_file_has_seventeen_wind_units() {
        assert_eq!(ten_minute_wind_units().len(), 17);
    }
}
