//! Lists come in pages; the `Link` header names the cursor of the next one.

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};
use serde::Serialize;

use super::ClientError;

/// The most that is asked for in one page.
const LARGEST_PAGE: usize = 200;

/// The order of a list, by age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Order {
    /// Oldest first.
    #[default]
    #[serde(rename = "asc")]
    OldestFirst,
    /// Newest first.
    #[serde(rename = "desc")]
    NewestFirst,
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Paging {
    /// The order of the whole list.
    pub order: Order,
    /// The most entries; the server's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Where to go on: [`Page::next`] of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The cursor of the next page; none after the last one.
    pub next: Option<String>,
}

/// Asks for page after page until `most` entries are there or the list ends.
///
/// # Errors
/// The first failure of a page.
pub async fn collect<T>(
    order: Order,
    most: usize,
    page: impl AsyncFn(Paging) -> Result<Page<T>, ClientError>,
) -> Result<Page<T>, ClientError> {
    let mut all = Page {
        items: Vec::new(),
        next: None,
    };
    while all.items.len() < most {
        let limit = Some((most - all.items.len()).min(LARGEST_PAGE));
        let got = page(Paging {
            order,
            limit,
            cursor: all.next.take(),
        })
        .await?;
        all.items.extend(got.items);
        all.next = got.next;
        if all.next.is_none() {
            break;
        }
    }
    Ok(all)
}

/// The cursor in the `rel="next"` link.
pub(super) fn next_cursor(headers: &HeaderMap) -> Option<String> {
    let links = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok());
    links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters
            .split(';')
            .any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"));
        if !is_next {
            return None;
        }
        // The target may be relative; only its query is of interest.
        let base = Url::parse("http://server/").expect("invariant: a constant address parses");
        let target = base.join(target).ok()?;
        target
            .query_pairs()
            .find(|(name, _)| name == "cursor")
            .map(|(_, value)| value.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor_of(link: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, link.parse().unwrap());
        next_cursor(&headers)
    }

    #[test]
    fn the_cursor_is_read_from_the_next_link_alone() {
        assert_eq!(
            cursor_of("</runs?limit=5&cursor=a%2Fb>; rel=\"next\""),
            Some("a/b".to_owned())
        );
        assert_eq!(
            cursor_of("<http://h/?cursor=p>; rel=\"prev\", <http://h/?cursor=n>; rel=\"next\""),
            Some("n".to_owned())
        );
        assert_eq!(cursor_of("</runs?cursor=1>; rel=\"first\""), None);
        assert_eq!(cursor_of("no link"), None);
    }
}
