//! `rate`: how often an upstream may be asked. What a rate means is egress policy.

use super::reading::FromText;
use crate::egress::Rate;

impl FromText for Rate {
    const EXPECTED: &'static str =
        "COUNT/UNIT with unit s, min, h or day, such as \"400/min\", \"9000/h\" or \"5/s burst 2\"";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }
}
