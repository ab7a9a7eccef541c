//! Pages of lists: plain arrays, with the way on in `Link` headers (RFC 8288).

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::LINK;
use http::request::Parts;
use http::{HeaderValue, Uri};
use orch_store::{Listed, Order, Page};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::app::checks;
use crate::edge::{ApiError, FieldError, Problem, Query};

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

/// The part of a list that a request wants, and how it is answered.
pub struct Listing {
    page: Page,
    uri: Uri,
}

impl<S: Sync> FromRequestParts<S> for Listing {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(query) = Query::from_request_parts(parts, state).await?;
        Self::new(query, parts.uri.clone())
    }
}

impl Listing {
    /// # Errors
    /// When the order or the limit is none.
    pub fn new(query: PageQuery, uri: Uri) -> Result<Self, ApiError> {
        let orders = [("asc", Order::OldestFirst), ("desc", Order::NewestFirst)];
        let order = checks::choice("order", query.order.as_deref(), &orders)?;
        let limit = query.limit.unwrap_or(MOST);
        if !(1..=MOST).contains(&limit) {
            let field = FieldError::new("limit", format!("a number from 1 to {MOST}"));
            return Err(Problem::invalid_field(field.got(format!("`{limit}`"))).into());
        }
        let page = Page {
            order: order.unwrap_or(Order::OldestFirst),
            after: query.cursor,
            limit,
        };
        Ok(Self { page, uri })
    }

    /// What to ask the store for.
    pub fn page(&self) -> Page {
        self.page
    }

    /// Answers with the rows of the page, shown.
    pub fn answer<N, T: Serialize>(self, listed: Listed<N>, show: impl Fn(N) -> T) -> Response {
        let rows: Vec<T> = listed.rows.into_iter().map(show).collect();
        let mut response = Json(rows).into_response();
        if let Some(cursor) = listed.next {
            link_next(&mut response, &self.uri, &cursor.to_string());
        }
        response
    }

    /// Answers with the page's part of all rows, oldest first; for short lists.
    pub fn answer_part<T: Serialize>(
        self,
        rows: impl IntoIterator<Item = T>,
        id: impl Fn(&T) -> i64,
    ) -> Response {
        let Page {
            order,
            after,
            limit,
        } = self.page;
        let behind = |row: &T| match (after, order) {
            (None, _) => true,
            (Some(after), Order::OldestFirst) => id(row) > after,
            (Some(after), Order::NewestFirst) => id(row) < after,
        };
        let mut rows: Vec<T> = rows.into_iter().filter(behind).collect();
        if order == Order::NewestFirst {
            rows.reverse();
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(limit);
        let next = rows.last().filter(|_| rows.len() == limit).map(id);
        self.answer(Listed { rows, next }, |row| row)
    }
}

/// Says in a `Link` header that the same question goes on behind `cursor`.
pub(super) fn link_next(response: &mut Response, uri: &Uri, cursor: &str) {
    let kept: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(
            form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
                .filter(|(key, _)| key != "cursor" && !key.contains("secret")),
        )
        .append_pair("cursor", cursor)
        .finish();
    let link = format!("<{}?{kept}>; rel=\"next\"", uri.path());
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(LINK, link);
    }
}
