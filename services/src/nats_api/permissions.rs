//! What a user of the service may ask and hear over NATS, as subjects: the table of roles
//! and the grants say it, in the form of a nats-server's configuration.

use serde_json::json;

use super::answer::METHODS;
use super::subject::{API, EVENTS, token};
use crate::grpc::Of;
use crate::identity::{Grant, Permission, Role, User};

/// Where a grant reaches, as tokens of subjects.
struct Reach {
    site: String,
    /// `*` for a whole site.
    account: String,
}

impl Reach {
    fn of(grant: &Grant) -> Self {
        let account = grant.account.as_ref().map_or_else(|| "*".to_owned(), |account| token(account.as_str()));
        Self { site: token(grant.site.as_str()), account }
    }

    /// What may be asked there: every query that the role may make, and no other subject.
    fn publish(&self, role: Role) -> impl Iterator<Item = String> {
        let subject = move |name: &str, of: Of| match of {
            Of::Account => Some(format!("{API}.{}.account.{}.{name}", self.site, self.account)),
            Of::Site if self.account == "*" => Some(format!("{API}.{}.{name}", self.site)),
            Of::Site => None,
        };
        let allowed = METHODS.iter().filter_map(|method| Some((method.name, method.rule()?)));
        allowed
            .filter(move |(_, rule)| role.has(rule.permission))
            .filter_map(move |(name, rule)| subject(name, rule.of))
    }

    /// What is heard there: an account's own events, or where changes may be read, all of the site's.
    fn subscribe(&self, role: Role) -> Vec<String> {
        let mut heard = Vec::new();
        if role.has(Permission::ReadAccount) {
            heard.push(format!("{EVENTS}.{}.account.{}.>", self.site, self.account));
        }
        if self.account == "*" && role.has(Permission::ReadAudit) {
            heard.push(format!("{EVENTS}.{}.>", self.site));
        }
        heard
    }
}

/// What a user may publish and subscribe to, each subject once, in order.
pub fn subjects(user: &User) -> (Vec<String>, Vec<String>) {
    let mut reaches: Vec<Reach> = user.grants.iter().map(Reach::of).collect();
    if user.role == Role::Operator {
        reaches = vec![Reach { site: "*".to_owned(), account: "*".to_owned() }];
    }
    let mut publish: Vec<String> = reaches.iter().flat_map(|reach| reach.publish(user.role)).collect();
    let mut subscribe: Vec<String> = reaches.iter().flat_map(|reach| reach.subscribe(user.role)).collect();
    if reaches.iter().any(|reach| reach.account == "*") {
        // Who sees a whole site may look for services.
        publish.push("$SRV.>".to_owned());
    }
    if !subscribe.is_empty() {
        subscribe.push(format!("{}.>", inbox(&user.name)));
    }
    for subjects in [&mut publish, &mut subscribe] {
        subjects.sort();
        subjects.dedup();
    }
    (publish, subscribe)
}

/// The prefix of a user's inboxes, that answers come to: `inbox_prefix` in clients. It keeps answers from others.
pub fn inbox(user: &str) -> String {
    format!("_INBOX_{}", token(user))
}

/// A user of a nats-server's `authorization`, for `{ include FILE }` in its list of `users`. Who has no such
/// line is not let in, whatever the service says.
pub fn entry(user: &User, password_hash: &str) -> String {
    let (publish, subscribe) = subjects(user);
    let list = |subjects: &[String]| {
        let lines = subjects.iter().map(|subject| format!("    {}\n", json!(subject)));
        format!("[\n{}  ]", lines.collect::<String>())
    };
    format!(
        "# {}, {}: what the service's table of roles gives. Clients set inbox_prefix = {}\nuser: {}\npassword: {}\n\
         permissions: {{\n  publish: {}\n  subscribe: {}\n}}\n",
        user.name,
        user.role,
        inbox(&user.name),
        json!(user.name),
        json!(password_hash),
        list(&publish),
        list(&subscribe)
    )
}

#[cfg(test)]
mod tests {
    use domain::event::{AccountId, SiteId};
    use domain::quantity::Instant;

    use super::*;

    fn user(role: Role, account: Option<&str>) -> User {
        let site = SiteId::try_new("north park").expect("an id");
        let grants = vec![Grant { site, account: account.and_then(AccountId::try_new) }];
        let created = Instant::new(0);
        User { name: "t.doe".to_owned(), role, grants, has_password: false, disabled: false, created }
    }

    #[test]
    fn a_tenant_has_own_account_and_nothing_with_a_star() {
        let (publish, subscribe) = subjects(&user(Role::Tenant, Some("A.1")));
        let own = |subject: &String| subject.starts_with("tw.api.v1.north%20park.account.A%2e1.");
        assert!(publish.len() == 7 && publish.iter().all(own), "{publish:?}");
        assert_eq!(subscribe, ["_INBOX_t%2edoe.>", "tw.events.north%20park.account.A%2e1.>"]);
    }

    #[test]
    fn roles_have_what_their_permissions_say() {
        let (finance, heard) = subjects(&user(Role::Finance, None));
        assert!(finance.contains(&"tw.api.v1.north%20park.account.*.balance.get".to_owned()));
        assert!(!finance.iter().any(|subject| subject.contains("audit")), "{finance:?}");
        assert!(!heard.contains(&"tw.events.north%20park.>".to_owned()), "{heard:?}");
        let (auditor, heard) = subjects(&user(Role::Auditor, None));
        assert!(auditor.contains(&"tw.api.v1.north%20park.audit.root".to_owned()));
        assert!(heard.contains(&"tw.events.north%20park.>".to_owned()));
        let (operator, _) = subjects(&user(Role::Operator, None));
        assert!(operator.contains(&"tw.api.v1.*.audit.root".to_owned()));
    }
}
