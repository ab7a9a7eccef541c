//! Pages of lists: plain arrays, with the way on in `Link` headers (RFC 8288).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::LINK;
use orch_store::{Order, Page};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::edge::{ApiError, FieldError, Problem};

/// The most rows of a page.
const MOST: i64 = 10_000;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `asc` (oldest first, the default) or `desc`.
    pub order: Option<String>,
    /// 1 to 10,000.
    #[param(minimum = 1, maximum = 10000)]
    pub limit: Option<i64>,
    /// Where the page before ended; taken from its `Link` header.
    pub cursor: Option<i64>,
}

impl PageQuery {
    /// # Errors
    /// When the order or the limit is none.
    pub fn page(&self) -> Result<Page, ApiError> {
        let order = match self.order.as_deref() {
            None | Some("asc") => Order::OldestFirst,
            Some("desc") => Order::NewestFirst,
            Some(other) => return Err(invalid("order", "asc or desc", other)),
        };
        let limit = self.limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&limit) {
            return Err(invalid(
                "limit",
                "a number from 1 to 10000",
                &limit.to_string(),
            ));
        }
        Ok(Page {
            order,
            after: self.cursor,
            limit,
        })
    }
}

fn invalid(field: &str, expected: &str, got: &str) -> ApiError {
    Problem::invalid_field(FieldError::new(field, expected).got(format!("`{got}`"))).into()
}

/// The part of a short list that is wanted, as it is answered.
///
/// # Errors
/// When the order or the limit is none.
pub fn part<T: Serialize>(
    mut rows: Vec<T>,
    query: &PageQuery,
    path: &http::Uri,
    id: impl Fn(&T) -> i64,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let behind = |row: &T| match (page.after, page.order) {
        (None, _) => true,
        (Some(after), Order::OldestFirst) => id(row) > after,
        (Some(after), Order::NewestFirst) => id(row) < after,
    };
    rows.retain(behind);
    if page.order == Order::NewestFirst {
        rows.reverse();
    }
    rows.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    Ok(answer(rows, page, path, id))
}

/// A page as it is answered.
pub fn answer<T: Serialize>(
    rows: Vec<T>,
    page: Page,
    path: &http::Uri,
    id: impl Fn(&T) -> i64,
) -> Response {
    let next = (rows.len() as i64 == page.limit)
        .then(|| rows.last().map(&id))
        .flatten();
    let mut response = Json(rows).into_response();
    if let Some(cursor) = next {
        let kept: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                form_urlencoded::parse(path.query().unwrap_or("").as_bytes())
                    .filter(|(key, _)| key != "cursor" && !key.contains("secret")),
            )
            .append_pair("cursor", &cursor.to_string())
            .finish();
        let link = format!("<{}?{kept}>; rel=\"next\"", path.path());
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(LINK, link);
        }
    }
    response
}
