//! A filter said in SQL.

use shared::event::SUBJECT;
use shared::filter::{Field, Filter, FilterError};
use sqlx::{Postgres, QueryBuilder};

use crate::store::events::search_plan::{containing, escaped};
use crate::store::search_terms::value as value_of;

/// The filter of a query string's pairs.
pub(crate) fn filter_of(pairs: &[(String, String)]) -> Result<Filter, FilterError> {
    Filter::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Says a filter in SQL; `Filter::matches` says the same in memory. It only binds: no value becomes part of the text. `terms` are those
/// by which its text is looked up.
pub(crate) fn select(sql: &mut QueryBuilder<Postgres>, filter: &Filter, mut terms: Vec<i32>) {
    if let [kind] = filter.kinds.as_slice() {
        // An array, even of one, would keep the index from giving the order.
        sql.push(" and kind = ").push_bind(kind.clone());
    } else if !filter.kinds.is_empty() {
        sql.push(" and kind = any(").push_bind(filter.kinds.clone()).push(")");
    }
    let ordered = [
        (" and lower(recipient collate \"C\") = ", &filter.recipient),
        (" and lower(sender collate \"C\") = ", &filter.sender),
        (" and message_id = ", &filter.message_id),
    ];
    for (condition, value) in ordered {
        if let Some(value) = value {
            sql.push(condition).push_bind(value.clone());
        }
    }
    let looked_up =
        [("template", &filter.template), ("subaccount", &filter.subaccount), ("url", &filter.url), ("ip", &filter.ip)];
    for (field, value) in looked_up {
        if let Some(value) = value {
            terms.push(value_of(field, value));
            // As a case, since the term has told Postgres already how rare it is.
            sql.push(" and case when ").push(field).push(" = ").push_bind(value.clone()).push(" then true else false end");
        }
    }
    if !terms.is_empty() {
        sql.push(" and terms @> ").push_bind(terms);
    }
    if let Some(part) = &filter.subject {
        let pattern = format!("%{}%{}%{}%", SUBJECT.0, escaped(part), SUBJECT.1);
        sql.push(" and search like ").push_bind(pattern);
    }
    if let Some(tag) = &filter.tag {
        sql.push(" and ").push_bind(tag.clone()).push(" = any(tags)");
    }
    for (key, value) in &filter.metadata {
        // As a case, since Postgres takes any comparison of an expression for a rare one, and would fetch all that has a common value.
        sql.push(" and case when metadata ->> ").push_bind(key.clone()).push(" = ").push_bind(value.clone());
        sql.push(" then jsonb_typeof(metadata -> ").push_bind(key.clone()).push(") not in ('array', 'object') else false end");
    }
    if let Some(from) = filter.from {
        sql.push(" and received_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" and received_at < ").push_bind(to);
    }
    if let Some(simulated) = filter.simulated {
        sql.push(" and simulated = ").push_bind(simulated);
    }
    for word in &filter.words {
        sql.push(" and search like ").push_bind(containing(word));
    }
    for (field, value) in &filter.not {
        exclude(sql, field, value);
    }
}

fn exclude(sql: &mut QueryBuilder<Postgres>, field: &Field, value: &str) {
    let column = match field {
        Field::Kind => "kind",
        Field::Recipient => "lower(recipient collate \"C\")",
        Field::Sender => "lower(sender collate \"C\")",
        Field::Template => "template",
        Field::Subaccount => "subaccount",
        Field::MessageId => "message_id",
        Field::Ip => "ip",
        Field::Url => "url",
        Field::Tag => {
            sql.push(" and ").push_bind(value.to_owned()).push(" <> all(tags)");
            return;
        }
        Field::Metadata(key) => {
            sql.push(" and (metadata ->> ").push_bind(key.clone()).push(" is distinct from ").push_bind(value.to_owned());
            sql.push(" or jsonb_typeof(metadata -> ").push_bind(key.clone()).push(") in ('array', 'object'))");
            return;
        }
    };
    sql.push(" and ").push(column).push(" is distinct from ").push_bind(value.to_owned());
}
