//! `Acknowledgement_MarketDocument`: the answer to everything that has no document.

use chrono::{DateTime, Utc};

use super::xml::Escaped;
use crate::noise;

/// An acknowledgement with the one reason code there is, 999, and its text.
pub(super) fn document(text: &str, now: DateTime<Utc>) -> String {
    let id = noise::hash(text, now.timestamp());
    let created = now.format("%Y-%m-%dT%H:%M:%SZ");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Acknowledgement_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">
	<mRID>{id:016x}</mRID>
	<createdDateTime>{created}</createdDateTime>
	<sender_MarketParticipant.mRID codingScheme="A01">10X1001A1001A450</sender_MarketParticipant.mRID>
	<sender_MarketParticipant.marketRole.type>A32</sender_MarketParticipant.marketRole.type>
	<receiver_MarketParticipant.mRID codingScheme="A01">10X1001A1001A450</receiver_MarketParticipant.mRID>
	<receiver_MarketParticipant.marketRole.type>A39</receiver_MarketParticipant.marketRole.type>
	<received_MarketDocument.createdDateTime>{created}</received_MarketDocument.createdDateTime>
	<Reason>
		<code>999</code>
		<text>{}</text>
	</Reason>
</Acknowledgement_MarketDocument>
"#,
        Escaped(text)
    )
}
