//! Query strings of lists: filters, `limit`, and the cursor at which a page begins.

use percent_encoding::percent_decode_str;
use serde::Serialize;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::ApiError;

/// Bytes of an id or address that can be asked for: as many as are stored.
const LONGEST: usize = 512;

/// A part of a path, decoded; what cannot have been stored is not found.
pub(crate) fn path_text(part: &str) -> Result<String, ApiError> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| ApiError::NotFound)?;
    if text.is_empty() || text.len() > LONGEST || text.contains('\0') { Err(ApiError::NotFound) } else { Ok(text.into_owned()) }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page begins: `cursor` of the next request. Null at the end.
    pub next: Option<String>,
}

/// Items on a page unless asked for otherwise, and at most.
const USUAL: i64 = 50;
const MOST: i64 = 200;

/// What every list takes, as the API's document says it; each has cursors of its own form.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used: a query string is taken apart by `Page`")]
pub(crate) struct Limit {
    /// How many items a page has.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u8>,
}

/// Where a page begins, of a list whose cursors are ids.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "as `Limit`")]
pub(crate) struct IdCursor {
    /// Where the page begins: `next` of the page before.
    #[param(pattern = "^([0-9]{1,18})?$")]
    cursor: Option<String>,
}

/// Where a page begins, of a list of events: a time and an id.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "as `Limit`")]
pub(crate) struct EventCursor {
    /// Where the page begins: `next` of the page before.
    #[param(pattern = "^([0-9]{1,16}-[0-9]{1,18})?$")]
    cursor: Option<String>,
}

/// A moment in a query string, for the API's document; empty is as good as none.
pub(crate) fn moment() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let moment = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let moment_or_empty = AnyOfBuilder::new().item(moment).item(text().max_length(Some(0)));
    moment_or_empty.description(Some("A moment as RFC 3339 writes it; `from` is part of the range, `to` is not.")).into()
}

/// Names and values of a query string, decoded, in their order.
pub struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    /// Decodes a query string. Bytes that are not UTF-8 become U+FFFD.
    pub fn read(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The query string of a list.
pub struct Page {
    /// Items on the page, 1 to 200.
    pub(crate) limit: i64,
    /// Where the page begins: `next` of the page before it.
    pub(crate) cursor: Option<String>,
    /// All other parameters, by name and value.
    pub(crate) filters: Vec<(String, String)>,
}

impl Page {
    /// Reads a query string.
    ///
    /// # Errors
    /// `BadPage` when `limit` is not a number from 1 to 200.
    pub(crate) fn read(query: &str) -> Result<Self, ApiError> {
        let mut page = Self { limit: USUAL, cursor: None, filters: Vec::new() };
        for (name, value) in Pairs::read(query).0 {
            match name.as_str() {
                "limit" => page.limit = value.parse().ok().filter(|n| (1..=MOST).contains(n)).ok_or(ApiError::BadPage)?,
                "cursor" if value.is_empty() => {}
                "cursor" => page.cursor = Some(value),
                _ => page.filters.push((name, value)),
            }
        }
        Ok(page)
    }

    /// The id below which the page begins, in a list whose cursors are ids.
    pub(crate) fn before(&self) -> Result<Option<i64>, ApiError> {
        self.cursor.as_ref().map(|cursor| cursor.parse().map_err(|_| ApiError::BadPage)).transpose()
    }

    /// Rows to read: one more than the page holds, which tells whether another page follows.
    pub(crate) fn rows(&self) -> i64 {
        self.limit + 1
    }

    /// Cuts `rows` to the page. The cursor of the next page comes from the last row that stays.
    pub(crate) fn cut<T>(&self, mut rows: Vec<T>, cursor: impl Fn(&T) -> String) -> List<T> {
        let limit = usize::try_from(self.limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor);
        List { items: rows, next }
    }
}
