//! Query strings of list requests: filters, `limit`, and the cursor at which a page starts.

use percent_encoding::percent_decode_str;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::ApiError;

/// Maximum length in bytes of an id or address in a request: the same as for stored values.
const LONGEST: usize = 512;

/// Decodes a path segment. Returns `NotFound` for a value that cannot have been stored.
pub(crate) fn path_text(part: &str) -> Result<String, ApiError> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| ApiError::NotFound)?;
    if text.is_empty() || text.len() > LONGEST || text.contains('\0') { Err(ApiError::NotFound) } else { Ok(text.into_owned()) }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The `cursor` to send to get the next page. Null on the last page.
    pub next: Option<String>,
}

/// The default and the maximum number of items on a page.
const USUAL: i64 = 50;
const MOST: i64 = 200;

/// The parameter that every list accepts, for the API document; cursor formats differ between lists.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used: `Page` parses the query string")]
pub(crate) struct Limit {
    /// Maximum number of items on a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
}

/// The start of a page in a list whose cursors are ids.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "same as for `Limit`")]
pub(crate) struct IdCursor {
    /// Where the page starts: the value of `next` from the previous page.
    #[param(pattern = "^([0-9]{1,18})?$")]
    cursor: Option<String>,
}

/// The start of a page in a list of events: a time and an id.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "same as for `Limit`")]
pub(crate) struct EventCursor {
    /// Where the page starts: the value of `next` from the previous page.
    #[param(pattern = "^([0-9]{1,16}-[0-9]{1,18})?$")]
    cursor: Option<String>,
}

/// A point in time in a query string, for the API document; an empty value is treated as missing.
pub(crate) fn moment() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let moment = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let moment_or_empty = AnyOfBuilder::new().item(moment).item(text().max_length(Some(0)));
    moment_or_empty.description(Some("An RFC 3339 timestamp; `from` is inclusive, `to` is exclusive.")).into()
}

/// The decoded names and values of a query string, in their original order.
pub struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    /// Decodes a query string. Bytes that are not UTF-8 become U+FFFD.
    pub fn read(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value with this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The query string of a list request.
pub struct Page {
    /// Maximum number of items on the page, 1 to 200.
    pub(crate) limit: i64,
    /// Where the page starts: the value of `next` from the previous page.
    pub(crate) cursor: Option<String>,
    /// All other parameters, as names and values.
    pub(crate) filters: Vec<(String, String)>,
}

impl Page {
    /// Reads a query string.
    ///
    /// # Errors
    /// `BadPage` if `limit` is not a number from 1 to 200.
    pub(crate) fn read(query: &str) -> Result<Self, ApiError> {
        let mut page = Self { limit: USUAL, cursor: None, filters: Vec::new() };
        for (name, value) in Pairs::read(query).0 {
            match name.as_str() {
                "limit" => {
                    page.limit =
                        value.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or_else(|| ApiError::bad_page("limit"))?
                }
                "cursor" if value.is_empty() => {}
                "cursor" => page.cursor = Some(value),
                _ => page.filters.push((name, value)),
            }
        }
        Ok(page)
    }

    /// The id below which the page starts, in a list whose cursors are ids.
    pub(crate) fn before(&self) -> Result<Option<i64>, ApiError> {
        self.cursor.as_ref().map(|cursor| cursor.parse().map_err(|_| ApiError::bad_page("cursor"))).transpose()
    }

    /// Number of rows to read: one more than fits on the page, to detect whether another page follows.
    pub(crate) fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// Truncates `rows` to the page size. The cursor for the next page is taken from the last row that remains.
    pub(crate) fn cut<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> String) -> List<T> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        List { items: rows, next }
    }
}
