//! What an answer of the platform means, whatever its status says.

use backfill_guest::Failure;

use crate::ack::{self, Verdict};
use crate::archive;
use crate::sniff::{self, Kind, excerpt};

/// Seconds for which the platform bars who exceeds its rate; it sends no `Retry-After`.
const BAN: u32 = 600;

/// An answer as it came, its body decompressed.
pub struct Reply {
    pub status: u16,
    /// Seconds, where the upstream says so.
    pub retry_after: Option<u32>,
    pub body: Vec<u8>,
}

/// What to do with an answer.
#[derive(Debug)]
pub enum Answer {
    /// Documents to read.
    Documents(Vec<Vec<u8>>),
    /// Upstream has nothing here now.
    Empty,
    /// To be asked again in shorter intervals; upstream's words.
    TooMuch(String),
    /// To be asked again for fewer units or types; upstream's words.
    TooManyInstances(String),
    /// The interval is refused: too recent, or wrong; upstream's words.
    IntervalRefused(String),
    /// The production type that the question was narrowed to isn't published for the area; upstream's words.
    TypeNotInArea(String),
    Failed(Failure),
}

impl Answer {
    /// Judges an answer by its body first, then by its status.
    pub fn of(reply: Reply) -> Self {
        match sniff::kind(&reply.body) {
            Kind::Zip => Self::of_archive(&reply),
            Kind::Xml { root: "Acknowledgement_MarketDocument", .. } => Self::of_acknowledgement(&reply),
            Kind::Xml { root: "GL_MarketDocument" | "Configuration_MarketDocument", .. }
                if reply.is_success() =>
            {
                Self::Documents(vec![reply.body])
            }
            Kind::Html if reply.is_success() => Self::Failed(of_page(&reply)),
            Kind::Nothing if reply.is_success() => {
                Self::Failed(Failure::Unavailable("the platform answered with an empty body".into()))
            }
            Kind::Json if !reply.is_server_fault() && reply.says("URI_FORMAT_ERROR") => Self::Failed(
                Failure::Malformed(format!("the platform can't read the request: {}", excerpt(&reply.body))),
            ),
            Kind::Doctype if reply.is_success() => Self::Failed(Failure::Malformed(
                "the answer has a document type declaration, which is refused".into(),
            )),
            _ => Self::Failed(of_status(&reply)),
        }
    }

    fn of_archive(reply: &Reply) -> Self {
        if !reply.is_success() {
            return Self::Failed(of_status(reply));
        }
        let members = match archive::unpack(&reply.body) {
            Ok(members) => members,
            Err(why) => return Self::Failed(Failure::Malformed(why)),
        };
        let mut documents = Vec::new();
        for body in members {
            if sniff::kind(&body) == Kind::Zip {
                return Self::Failed(Failure::Malformed("a zip inside a zip".into()));
            }
            match Self::of(Reply { body, ..*reply }) {
                Self::Documents(more) => documents.extend(more),
                Self::Empty => {}
                other => return other,
            }
        }
        if documents.is_empty() { Self::Empty } else { Self::Documents(documents) }
    }

    fn of_acknowledgement(reply: &Reply) -> Self {
        let (verdict, said) = match ack::read(&String::from_utf8_lossy(&reply.body)) {
            Ok(told) => told,
            Err(why) => return Self::Failed(Failure::Malformed(why)),
        };
        match verdict {
            Verdict::NoData => Self::Empty,
            Verdict::TooMuch => Self::TooMuch(said),
            Verdict::TooManyInstances => Self::TooManyInstances(said),
            Verdict::IntervalRefused => Self::IntervalRefused(said),
            Verdict::TypeNotInArea => Self::TypeNotInArea(said),
            Verdict::ParametersRefused => Self::Failed(Failure::InvalidUnit(format!(
                "the platform refuses this combination, so check the unit's `area`: {said}"
            ))),
            Verdict::TooFast => Self::Failed(Failure::RateLimited(reply.retry_after.or(Some(BAN)))),
            Verdict::Other if reply.is_success() || reply.status == 400 => {
                Self::Failed(Failure::Malformed(format!("the platform refuses the request: {said}")))
            }
            Verdict::Other => Self::Failed(of_status(reply)),
        }
    }
}

impl Reply {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn is_server_fault(&self) -> bool {
        self.status >= 500
    }

    fn says(&self, words: &str) -> bool {
        memchr::memmem::find(&self.body, words.as_bytes()).is_some()
    }
}

/// A web page in place of data: the login fault in disguise, or maintenance.
fn of_page(reply: &Reply) -> Failure {
    let page = excerpt(&reply.body);
    if reply.says("Unauthorized") || reply.says("security token") {
        Failure::Unauthorized(page)
    } else {
        Failure::Unavailable(format!("a web page in place of data: {page}"))
    }
}

fn of_status(reply: &Reply) -> Failure {
    let said = format!("HTTP {}: {}", reply.status, excerpt(&reply.body));
    match reply.status {
        401 | 403 => Failure::Unauthorized(said),
        429 => Failure::RateLimited(reply.retry_after.or(Some(BAN))),
        // 404 "page not found" was seen for days while the platform moved.
        404 | 408 | 425 | 500.. => Failure::Unavailable(said),
        _ => Failure::Malformed(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer::of(Reply { status, retry_after: None, body: body.into() })
    }

    fn failure(status: u16, body: &str) -> Failure {
        match answer(status, body) {
            Answer::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    fn ack(text: &str) -> String {
        format!(
            "<?xml version='1.0'?><Acknowledgement_MarketDocument><Reason><code>999</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
        )
    }

    #[test]
    fn no_data_is_no_data_under_any_status() {
        for status in [200, 400, 404, 503] {
            assert!(
                matches!(answer(status, &ack("No matching data found for X")), Answer::Empty),
                "{status}"
            );
        }
    }

    #[test]
    fn an_unknown_acknowledgement_is_judged_by_its_status() {
        assert!(
            matches!(failure(200, &ack("Bad request message from API")), Failure::Malformed(said) if said.contains("Bad request"))
        );
        assert!(matches!(failure(400, &ack("Bad request")), Failure::Malformed(_)));
        assert!(matches!(failure(401, &ack("who are you")), Failure::Unauthorized(_)));
        assert!(matches!(failure(503, &ack("later")), Failure::Unavailable(_)));
    }

    #[test]
    fn a_refused_combination_is_the_units_fault_and_says_so() {
        let said = ack("please check you request against dependency tables");
        assert!(
            matches!(failure(400, &said), Failure::InvalidUnit(said) if said.contains("dependency tables"))
        );
    }

    #[test]
    fn the_ten_minute_ban_is_waited_out_unless_upstream_says_otherwise() {
        assert!(matches!(failure(429, "Max allowed requests per minute"), Failure::RateLimited(Some(600))));
        assert!(matches!(
            failure(200, &ack("Max allowed requests per minute from each unique IP is max up to 400 only")),
            Failure::RateLimited(Some(600))
        ));
        let told = Reply { status: 429, retry_after: Some(7), body: Vec::new() };
        assert!(matches!(Answer::of(told), Answer::Failed(Failure::RateLimited(Some(7)))));
    }

    #[test]
    fn pages_empty_bodies_and_server_faults_pass() {
        for (status, body) in [
            (200, ""),
            (200, " \n"),
            (200, "<!DOCTYPE html><html><body>Maintenance</body></html>"),
            (404, "404 page not found"),
            (500, ""),
            (502, "<html>Bad gateway</html>"),
            (503, "<html>Unauthorized access is logged</html>"),
            (504, ""),
            (503, "{\"uuAppErrorMap\":{\"URI_FORMAT_ERROR\":{}}}"),
        ] {
            assert!(matches!(failure(status, body), Failure::Unavailable(_)), "{status} {body}");
        }
    }

    #[test]
    fn a_refused_token_pauses_the_source_under_any_status() {
        let page = "<html><body>Unauthorized. Missing or invalid security token</body></html>";
        for status in [200, 401, 403] {
            assert!(matches!(failure(status, page), Failure::Unauthorized(_)), "{status}");
        }
    }

    #[test]
    fn what_is_no_answer_is_malformed_and_quoted() {
        let uri = r#"{"uuAppErrorMap":{"URI_FORMAT_ERROR":{"message":"bad periodStart"}}}"#;
        assert!(matches!(failure(400, uri), Failure::Malformed(said) if said.contains("bad periodStart")));
        assert!(matches!(failure(200, "garbage"), Failure::Malformed(said) if said.contains("garbage")));
        assert!(matches!(failure(200, "<Publication_MarketDocument/>"), Failure::Malformed(_)));
        assert!(matches!(failure(200, "<!DOCTYPE a []><GL_MarketDocument/>"), Failure::Malformed(_)));
        assert!(matches!(failure(200, "PK\u{3}\u{4}broken"), Failure::Malformed(_)));
    }
}
