//! What the groups of a provider allow: `GROUP=ROLE[:RESTRICTION]`.

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use shared::masking::Addresses;
use shared::session::{Grant, GrantError, Role};
use shared::visibility::Restriction;

/// Why the groups cannot be used. Each variant has the entry.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    #[error("`{0}` is not GROUP=ROLE or GROUP=ROLE:RESTRICTION")]
    Form(String),
    #[error("`{0}` has an unknown role; expected viewer, operator or admin")]
    Role(String),
    #[error("`{0}` has a restriction that is not subaccount=, tag=, domain= or addresses=full|masked, joined by &")]
    Restriction(String),
    #[error("`{0}` is not possible: {1}")]
    Limited(String, GrantError),
}

/// The configured groups, in order.
#[derive(Debug, Clone, Default)]
pub struct Groups(Vec<(String, Grant)>);

impl Groups {
    /// Returns true if no group is configured.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The grant for a user in these groups: the highest role, and everything that any of the groups with that role shows. A viewer of nothing
    /// if none of the groups is configured.
    pub(crate) fn grant(&self, groups: &[String]) -> Grant {
        let matching = || self.0.iter().filter(|(name, _)| groups.contains(name)).map(|(_, grant)| grant);
        let Some(role) = matching().map(|grant| grant.role).max() else { return Grant::nothing() };
        matching().filter(|grant| grant.role == role).cloned().reduce(either).unwrap_or_else(Grant::nothing)
    }
}

/// What either of two grants of the same role shows.
fn either(left: Grant, right: Grant) -> Grant {
    let restriction = match (left.restriction, right.restriction) {
        (Some(left), Some(right)) => Some(Restriction {
            subaccounts: union(left.subaccounts, right.subaccounts),
            tags: union(left.tags, right.tags),
            domains: union(left.domains, right.domains),
        }),
        _ => None,
    };
    let addresses = match (left.addresses, right.addresses) {
        (Some(Addresses::Full), _) | (_, Some(Addresses::Full)) => Some(Addresses::Full),
        (Some(Addresses::Masked), Some(Addresses::Masked)) => Some(Addresses::Masked),
        _ => None,
    };
    Grant { role: left.role, restriction, addresses }
}

fn union(left: Vec<String>, right: Vec<String>) -> Vec<String> {
    let mut all = [left, right].concat();
    all.sort_unstable();
    all.dedup();
    all
}

impl FromStr for Groups {
    type Err = GroupsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split([';', '\n']).map(str::trim).filter(|entry| !entry.is_empty()).map(parse).collect::<Result<_, _>>().map(Self)
    }
}

fn parse(entry: &str) -> Result<(String, Grant), GroupsError> {
    let form = || GroupsError::Form(entry.to_owned());
    let (group, grant) = entry.split_once('=').ok_or_else(form)?;
    let group = percent_decode_str(group.trim()).decode_utf8().map_err(|_| form())?.into_owned();
    if group.is_empty() {
        return Err(form());
    }
    let (role, restriction) = grant.split_once(':').map_or((grant, ""), |(role, restriction)| (role, restriction));
    let role: Role = role.trim().parse().map_err(|_| GroupsError::Role(entry.to_owned()))?;
    let (restriction, addresses) =
        parse_restriction(restriction.trim()).ok_or_else(|| GroupsError::Restriction(entry.to_owned()))?;
    let grant = Grant { role, restriction, addresses };
    grant.check().map_err(|error| GroupsError::Limited(entry.to_owned(), error))?;
    Ok((group, grant))
}

fn parse_restriction(text: &str) -> Option<(Option<Restriction>, Option<Addresses>)> {
    let (mut restriction, mut addresses) = (Restriction::default(), None);
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        match (name.as_ref(), value.as_ref()) {
            ("subaccount", value) => restriction.subaccounts.push(value.to_owned()),
            ("tag", value) => restriction.tags.push(value.to_owned()),
            ("domain", value) => restriction.domains.push(value.to_owned()),
            ("addresses", "full") => addresses = Some(Addresses::Full),
            ("addresses", "masked") => addresses = Some(Addresses::Masked),
            _ => return None,
        }
    }
    let restriction = Some(restriction.normalize().ok()?).filter(|restriction| *restriction != Restriction::default());
    Some((restriction, addresses))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(groups: &Groups, names: &[&str]) -> Grant {
        groups.grant(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_highest_role_of_the_groups_counts_and_what_any_of_them_shows() {
        let groups: Groups =
            "staff=viewer; agency a=viewer:subaccount=eu&tag=vip;agency%3Db=viewer:domain=@Example.com&addresses=masked
            ops=operator:addresses=masked; root=admin"
                .parse()
                .expect("groups");
        assert_eq!(grant(&groups, &[]), Grant::nothing());
        assert_eq!(grant(&groups, &["Staff", "other"]), Grant::nothing());
        let staff = Grant { role: Role::Viewer, restriction: None, addresses: None };
        assert_eq!(grant(&groups, &["staff", "agency a"]), staff);
        let both = grant(&groups, &["agency a", "agency=b"]);
        let restriction = Restriction {
            subaccounts: vec!["eu".to_owned()],
            tags: vec!["vip".to_owned()],
            domains: vec!["example.com".to_owned()],
        };
        assert_eq!(both, Grant { role: Role::Viewer, restriction: Some(restriction), addresses: None });
        assert_eq!(grant(&groups, &["ops", "agency a"]).role, Role::Operator);
        assert_eq!(grant(&groups, &["ops"]).addresses, Some(Addresses::Masked));
        assert_eq!(grant(&groups, &["staff", "root", "ops"]), Grant { role: Role::Admin, restriction: None, addresses: None });
    }

    #[test]
    fn entries_that_cannot_be_meant_are_named() {
        for text in
            ["staff", "=viewer", "a=boss", "a=viewer:client=eu", "a=viewer:addresses=none", "a=operator:tag=x", "a=viewer:tag="]
        {
            assert!(text.parse::<Groups>().is_err(), "{text}");
        }
        assert!("a=admin:addresses=masked".parse::<Groups>().is_err());
        assert!(" ;\n".parse::<Groups>().expect("no groups").is_empty());
    }
}
