//! Pages of lists: how many there are in all, and where the next page is, in headers, so that the body stays a list.

use axum::{
    Json,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::problem::Problem;

/// How many there are on all pages.
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// The `cursor` of the next page.
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");

/// The longest page.
const LONGEST: u32 = 100;

/// Which page of a list, where nothing else is to choose.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// At most so many.
    #[param(minimum = 1, maximum = 100, default = 100)]
    pub(super) limit: Option<u32>,
    /// The page after this place.
    #[param(minimum = 1)]
    pub(super) cursor: Option<i64>,
}

/// How many to give, of how many were asked for.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(LONGEST),
        Some(limit) if (1..=LONGEST).contains(&limit) => Ok(limit),
        Some(limit) => Err(Problem::parameter("limit", format!("{limit} is not 1 to {LONGEST}"))),
    }
}

/// The cursor of the next page: the last of a page that is full.
pub(super) fn next<T>(items: &[T], limit: u32, id: impl FnOnce(&T) -> i64) -> Option<i64> {
    items.last().filter(|_| items.len() == limit as usize).map(id)
}

/// A page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// How many there are in all, if that is known.
    pub(super) total: Option<i64>,
    /// The `cursor` of the next page, if there may be one.
    pub(super) next: Option<i64>,
    /// Path and query of this page, to make those of the next one of.
    pub(super) uri: axum::http::Uri,
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(total) = self.total {
            headers.insert(TOTAL, total.into());
        }
        if let Some(next) = self.next {
            headers.insert(NEXT, next.into());
            let link = format!("<{}>; rel=\"next\"", next_uri(&self.uri, next));
            if let Ok(link) = HeaderValue::try_from(link) {
                headers.insert(header::LINK, link);
            }
        }
        (headers, Json(self.items)).into_response()
    }
}

/// The same list from a cursor on.
fn next_uri(uri: &axum::http::Uri, cursor: i64) -> String {
    let kept = uri.query().unwrap_or_default().split('&');
    let kept =
        kept.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=") && !pair.starts_with("offset="));
    let query: Vec<_> = kept.map(str::to_owned).chain([format!("cursor={cursor}")]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filters_and_loses_the_place() {
        let next = |uri: &str| next_uri(&uri.parse().unwrap(), 7);
        assert_eq!(next("/a?status=failed&cursor=9&limit=5"), "/a?status=failed&limit=5&cursor=7");
        assert_eq!(next("/a?offset=20"), "/a?cursor=7");
        assert_eq!(next("/a"), "/a?cursor=7");
    }
}
