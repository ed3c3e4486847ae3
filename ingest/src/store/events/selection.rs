//! The filter builder: translates a filter into SQL conditions.

use shared::event::SUBJECT;
use shared::filter::{Field, Filter, Part, PartField, Place};
use shared::visibility::{Restriction, Visibility};
use sqlx::{Postgres, QueryBuilder};

use crate::store::events::search_plan::{SearchPlan, contains_pattern, escape_like};
use crate::store::search_terms;

/// The domain of the recipient's address; null if there is none.
const DOMAIN: &str = r#"case when recipient like '%@%' then lower(split_part(recipient, '@', -1) collate "C") end"#;

/// Appends the conditions for a filter and for the terms that the search plan looks up. They select the same events as `Filter::matches`
/// does in memory. Values are bound as parameters and never become part of the SQL text.
pub(crate) fn push_conditions(sql: &mut QueryBuilder<Postgres>, filter: &Filter, plan: SearchPlan) {
    push_indexed(sql, filter, plan.terms);
    if let Some(domain) = &filter.domain {
        sql.push(" and ").push(DOMAIN).push(" = ").push_bind(domain.clone());
    }
    if let Some(part) = &filter.subject {
        sql.push(" and (search like ").push_bind(subject_pattern(part));
        if let Some(earlier) = filter.earlier_subject.as_ref().filter(|_| plan.with_earlier_forms) {
            sql.push(" or search like ").push_bind(subject_pattern(earlier));
        }
        sql.push(")");
    }
    if let Some(tag) = &filter.tag {
        sql.push(" and ").push_bind(tag.clone()).push(" = any(tags)");
    }
    for part in &filter.parts {
        push_part(sql, part, filter.plain_texts_only);
    }
    if filter.plain_texts_only && !(filter.words.is_empty() && filter.subject.is_none()) {
        sql.push(" and not may_hold_address(subject)");
    }
    for (key, value) in &filter.metadata {
        // `case` prevents Postgres from assuming that comparing an expression is selective and then fetching all events with a common
        // value.
        sql.push(" and case when metadata ->> ").push_bind(key.clone()).push(" = ").push_bind(value.clone());
        sql.push(" then jsonb_typeof(metadata -> ").push_bind(key.clone()).push(") not in ('array', 'object') else false end");
    }
    if !filter.reason_classes.is_empty() {
        let classes: Vec<&str> = filter.reason_classes.iter().map(|class| class.code()).collect();
        sql.push(" and reason_class = any(").push_bind(classes).push(")");
    }
    if !filter.actors.is_empty() {
        let actors: Vec<&str> = filter.actors.iter().map(|actor| actor.code()).collect();
        sql.push(" and actor = any(").push_bind(actors).push(")");
    }
    push_period(sql, filter);
    if let Some(simulated) = filter.simulated {
        sql.push(" and simulated = ").push_bind(simulated);
    }
    if !filter.words.is_empty() {
        let pattern = if filter.plain_texts_only { subject_pattern } else { contains_pattern };
        sql.push(" and (");
        push_words(sql, &filter.words, pattern);
        if plan.with_earlier_forms && !filter.earlier_words.is_empty() {
            sql.push(" or ");
            push_words(sql, &filter.earlier_words, pattern);
        }
        sql.push(")");
    }
    for (field, value) in &filter.not {
        push_exclusion(sql, field, value);
    }
    push_visibility(sql, &filter.visibility);
}

/// Appends the condition that an event is visible. It decides the same as the function `is_visible`, but takes less time, because it is made for
/// the restrictions that there are.
pub(crate) fn push_visibility(sql: &mut QueryBuilder<Postgres>, visibility: &Visibility) {
    for Restriction { subaccounts, tags, domains } in visibility.restrictions() {
        if !subaccounts.is_empty() && tags.is_empty() && domains.is_empty() {
            let terms: Vec<i32> = subaccounts.iter().map(|name| search_terms::value("subaccount", name)).collect();
            sql.push(" and subaccount = any(").push_bind(subaccounts.clone()).push(") and terms && ").push_bind(terms);
            continue;
        }
        sql.push(" and (subaccount = any(").push_bind(subaccounts.clone());
        sql.push(") or tags && ").push_bind(tags.clone());
        sql.push(" or kind <> 'inbound' and sender like '%@%' and lower(split_part(sender, '@', -1) collate \"C\") = any(");
        sql.push_bind(domains.clone()).push("))");
    }
}

/// Appends the tags of an event that are listed and counted by name: those of a visible event, except tags for which alone the event would not
/// be visible.
pub(crate) fn push_visible_tags(sql: &mut QueryBuilder<Postgres>, visibility: &Visibility) {
    match visibility.to_json() {
        None => sql.push("tags"),
        Some(restrictions) => sql.push("visible_tags(").push_bind(restrictions).push(", kind, subaccount, tags, sender)"),
    };
}

/// The `LIKE` pattern that matches searchable texts whose subject contains this text.
fn subject_pattern(text: &str) -> String {
    format!("%{}%{}%{}%", SUBJECT.0, escape_like(text), SUBJECT.1)
}

fn push_part(sql: &mut QueryBuilder<Postgres>, part: &Part, plain_texts_only: bool) {
    let pattern = match part.place {
        Place::Start => format!("{}%", escape_like(&part.text)),
        Place::Anywhere => contains_pattern(&part.text),
    };
    let (value, end) = match part.field {
        PartField::Tag => ("tag", ")"),
        PartField::Template => ("template", ""),
        PartField::Subaccount => ("subaccount", ""),
    };
    sql.push(if part.field == PartField::Tag { " and exists (select from unnest(tags) as tag where " } else { " and " });
    sql.push("lower(").push(value).push(" collate \"C\") like ").push_bind(pattern);
    if plain_texts_only {
        sql.push(" and not may_hold_address(").push(value).push(")");
    }
    sql.push(end);
}

/// Appends the condition that the searchable text contains all words.
fn push_words(sql: &mut QueryBuilder<Postgres>, words: &[String], pattern: fn(&str) -> String) {
    for (position, word) in words.iter().enumerate() {
        sql.push(if position == 0 { "search like " } else { " and search like " }).push_bind(pattern(word));
    }
}

/// Appends the conditions that an index supports.
fn push_indexed(sql: &mut QueryBuilder<Postgres>, filter: &Filter, mut terms: Vec<i32>) {
    if !filter.ids.is_empty() {
        sql.push(" and id = any(").push_bind(filter.ids.clone()).push(")");
    }
    push_ordered_columns(sql, filter);
    let values = [(" and lower(recipient collate \"C\") = ", &filter.recipient), (" and message_id = ", &filter.message_id)];
    for (condition, value) in values {
        if let Some(value) = value {
            sql.push(condition).push_bind(value.clone());
        }
    }
    if filter.kinds.len() > 1 {
        sql.push(" and kind = any(").push_bind(filter.kinds.clone()).push(")");
    }
    let with_term =
        [("template", &filter.template), ("subaccount", &filter.subaccount), ("url", &filter.url), ("ip", &filter.ip)];
    for (field, value) in with_term {
        if let Some(value) = value {
            terms.push(search_terms::value(field, value));
            // The planner knows from the column how rare the value is: of a term that is not among the commonest, it knows nothing.
            sql.push(" and ").push(field).push(" = ").push_bind(value.clone());
        }
    }
    if !terms.is_empty() {
        sql.push(" and terms @> ").push_bind(terms);
    }
}

/// Appends the conditions for which an index returns the events in the order of the list.
pub(crate) fn push_ordered(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    push_ordered_columns(sql, filter);
    push_period(sql, filter);
}

/// Appends the conditions on columns by which, and by time, events are indexed.
fn push_ordered_columns(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let [kind] = filter.kinds.as_slice() {
        // With an array, even one with a single kind, the index would not return the events in list order.
        sql.push(" and kind = ").push_bind(kind.clone());
    }
    if let Some(sender) = &filter.sender {
        sql.push(" and lower(sender collate \"C\") = ").push_bind(sender.clone());
    }
}

fn push_period(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    if let Some(from) = filter.from {
        sql.push(" and received_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" and received_at < ").push_bind(to);
    }
}

fn push_exclusion(sql: &mut QueryBuilder<Postgres>, field: &Field, value: &str) {
    let column = match field {
        Field::Kind => "kind",
        Field::Recipient => "lower(recipient collate \"C\")",
        Field::Sender => "lower(sender collate \"C\")",
        Field::Domain => DOMAIN,
        Field::Template => "template",
        Field::Subaccount => "subaccount",
        Field::MessageId => "message_id",
        Field::Ip => "ip",
        Field::Url => "url",
        Field::ReasonClass => "reason_class",
        Field::Actor => "actor",
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
