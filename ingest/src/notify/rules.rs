//! Decides which users an event notifies. An open notifies all users, except that users with their own rules are notified only of the
//! events that those rules select.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::notification::Audience;
use utoipa::ToSchema;

use super::draft::NotificationDraft;
use super::text;
use crate::webhook::event::NewEvent;

/// A user's notification rule. An event must meet all of its conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The event kinds that the rule applies to.
    #[schema(min_items = 1, max_items = 30)]
    pub kinds: Vec<String>,
    /// A tag that the event has.
    #[schema(max_length = 320)]
    pub tag: Option<String>,
    /// The event's recipient. Case is ignored for ASCII letters only.
    #[schema(max_length = 320)]
    pub recipient: Option<String>,
}

impl Rule {
    /// Returns true if the event meets all conditions other than the kind.
    fn selects(&self, event: &NewEvent<'_>) -> bool {
        let has_tag = |tag: &String| event.tags.iter().any(|of_event| *of_event == tag.as_str());
        let has_recipient =
            |address: &String| event.recipient.as_ref().is_some_and(|of_event| of_event.eq_ignore_ascii_case(address));
        self.tag.as_ref().is_none_or(has_tag) && self.recipient.as_ref().is_none_or(has_recipient)
    }
}

/// All users' rules.
#[derive(Debug, Default)]
pub struct Rules {
    /// Users who have their own rules, sorted by id.
    users: Arc<[i64]>,
    /// Rules grouped by kind, sorted by user id.
    by_kind: HashMap<String, Vec<(i64, Arc<Rule>)>>,
}

impl Rules {
    /// Indexes users' rules. A user with an empty list is not notified of any event.
    pub fn new(mut by_user: Vec<(i64, Vec<Rule>)>) -> Self {
        by_user.sort_unstable_by_key(|(user, _)| *user);
        let users = by_user.iter().map(|(user, _)| *user).collect();
        let mut by_kind: HashMap<String, Vec<(i64, Arc<Rule>)>> = HashMap::new();
        for (user, rules) in by_user {
            for rule in rules.into_iter().map(Arc::new) {
                for kind in &rule.kinds {
                    by_kind.entry(kind.clone()).or_default().push((user, Arc::clone(&rule)));
                }
            }
        }
        Self { users, by_kind }
    }

    /// Returns the notification for an event, or `None` if it notifies no user.
    pub fn draft(&self, event: &NewEvent<'_>) -> Option<NotificationDraft> {
        let is_open = event.kind == "open";
        if self.users.is_empty() && !is_open {
            return None;
        }
        let rules = self.by_kind.get(&*event.kind).map_or(&[][..], Vec::as_slice);
        let mut selected: Vec<i64> = rules.iter().filter(|(_, rule)| rule.selects(event)).map(|(user, _)| *user).collect();
        selected.dedup();
        let audience = if is_open {
            let others: Vec<i64> = self.users.iter().copied().filter(|user| selected.binary_search(user).is_err()).collect();
            if others.is_empty() { Audience::All } else { Audience::AllBut(others.into()) }
        } else if selected.is_empty() {
            return None;
        } else {
            Audience::Users(selected.into())
        };
        let kind = if is_open { "open" } else { "event" };
        Some(NotificationDraft { kind, title: text::title(event), body: text::body(event), audience })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::event::ReadOptions;
    use serde_json::json;
    use time::macros::datetime;

    fn rule(kinds: &[&str], tag: Option<&str>, recipient: Option<&str>) -> Rule {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        Rule { kinds, tag: tag.map(str::to_owned), recipient: recipient.map(str::to_owned) }
    }

    fn audience(rules: &Rules, kind: &str, email: &str, tags: &[&str]) -> Option<String> {
        let element = json!({"event": kind, "ts": 1, "_id": "m", "msg": {"email": email, "tags": tags}}).to_string();
        let event =
            NewEvent::read(&element, ReadOptions::at(datetime!(2026-11-24 12:00 UTC))).expect("the element should be an event");
        rules.draft(&event).map(|draft| draft.audience.to_string())
    }

    #[test]
    fn without_rules_only_opens_notify_and_they_notify_all_users() {
        let rules = Rules::default();
        assert_eq!(audience(&rules, "open", "ann@example.com", &[]).as_deref(), Some("all"));
        assert_eq!(audience(&rules, "click", "ann@example.com", &[]), None);
    }

    #[test]
    fn users_with_rules_are_notified_of_what_any_rule_selects() {
        let rules = Rules::new(vec![
            (9, vec![]),
            (3, vec![rule(&["open", "spam"], Some("news"), None), rule(&["open"], None, Some("Ann@example.com"))]),
            (5, vec![rule(&["spam", "hard_bounce"], None, None)]),
        ]);
        assert_eq!(audience(&rules, "open", "bo@example.com", &[]).as_deref(), Some("all-but:3,5,9"));
        assert_eq!(audience(&rules, "open", "bo@example.com", &["news"]).as_deref(), Some("all-but:5,9"));
        // Two rules of the same user select the event; the user is listed only once.
        assert_eq!(audience(&rules, "open", "aNN@example.com", &["news"]).as_deref(), Some("all-but:5,9"));
        assert_eq!(audience(&rules, "spam", "bo@example.com", &["news"]).as_deref(), Some("users:3,5"));
        assert_eq!(audience(&rules, "spam", "bo@example.com", &["News"]).as_deref(), Some("users:5"));
        assert_eq!(audience(&rules, "click", "bo@example.com", &["news"]), None);
        let all = Rules::new(vec![(3, vec![rule(&["open"], None, None)])]);
        assert_eq!(audience(&all, "open", "bo@example.com", &[]).as_deref(), Some("all"));
    }
}
