//! Who asks: a user with a role, and how far the grants reach.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{AccountId, SiteId};

use super::role::{Denied, Permission, Role};

/// A grant: a whole site, or one account of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The site.
    pub site: SiteId,
    /// One account of it; none for all.
    pub account: Option<AccountId>,
}

/// What can be seen of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    Site,
    Accounts(BTreeSet<AccountId>),
}

/// How far grants reach. Empty: nothing is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Sites);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sites {
    All,
    Some(BTreeMap<SiteId, Reach>),
}

impl Scope {
    /// All sites: the operator's.
    pub fn all() -> Self {
        Self(Sites::All)
    }

    /// What these grants reach.
    pub fn of(grants: impl IntoIterator<Item = Grant>) -> Self {
        let mut sites: BTreeMap<SiteId, Reach> = BTreeMap::new();
        for Grant { site, account } in grants {
            let reach = sites.entry(site).or_insert_with(|| Reach::Accounts(BTreeSet::new()));
            match (reach, account) {
                (reach, None) => *reach = Reach::Site,
                (Reach::Accounts(accounts), Some(account)) => {
                    accounts.insert(account);
                }
                (Reach::Site, Some(_)) => {}
            }
        }
        Self(Sites::Some(sites))
    }

    /// Whether the whole site is seen.
    pub fn sees_site(&self, site: &SiteId) -> bool {
        match &self.0 {
            Sites::All => true,
            Sites::Some(sites) => matches!(sites.get(site), Some(Reach::Site)),
        }
    }

    /// Whether anything of the site is seen, be it one account.
    pub fn enters_site(&self, site: &SiteId) -> bool {
        match &self.0 {
            Sites::All => true,
            Sites::Some(sites) => sites.contains_key(site),
        }
    }

    /// Whether the account is seen.
    pub fn sees_account(&self, site: &SiteId, account: &AccountId) -> bool {
        match &self.0 {
            Sites::All => true,
            Sites::Some(sites) => match sites.get(site) {
                None => false,
                Some(Reach::Site) => true,
                Some(Reach::Accounts(accounts)) => accounts.contains(account),
            },
        }
    }

    /// Its grants; none where it is all sites.
    pub fn grants(&self) -> Option<Vec<Grant>> {
        let Sites::Some(sites) = &self.0 else { return None };
        let mut grants = Vec::new();
        for (site, reach) in sites {
            match reach {
                Reach::Site => grants.push(Grant { site: site.clone(), account: None }),
                Reach::Accounts(accounts) => grants.extend(
                    accounts.iter().map(|account| Grant { site: site.clone(), account: Some(account.clone()) }),
                ),
            }
        }
        Some(grants)
    }

    /// Whether all of the grant is seen.
    pub fn covers(&self, grant: &Grant) -> bool {
        match &grant.account {
            None => self.sees_site(&grant.site),
            Some(account) => self.sees_account(&grant.site, account),
        }
    }

    /// What is left of it within one grant.
    #[must_use]
    pub fn narrowed(&self, to: &Grant) -> Self {
        if self.covers(to) {
            return Self::of([to.clone()]);
        }
        let within = |grant: &Grant| to.account.is_none() && grant.site == to.site;
        Self::of(self.grants().unwrap_or_default().into_iter().filter(within))
    }
}

/// Who asks for something, by a session or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user's name: what an event's `actor` says.
    pub user: String,
    /// The role: a token's may be narrower than its user's.
    pub role: Role,
    /// How far the grants reach.
    pub scope: Scope,
    /// The token is for reading only.
    pub read_only: bool,
    /// The token's name; none in a session.
    pub token: Option<String>,
}

impl Actor {
    /// Whether this may be done to a site, or to one account of it; denied by
    /// default. What is of a site as a whole needs the whole site.
    pub fn may(&self, permission: Permission, site: &SiteId, account: Option<&AccountId>) -> Result<(), Denied> {
        let seen = match account {
            Some(account) if permission.of_account() => self.scope.sees_account(site, account),
            _ => self.scope.sees_site(site),
        };
        if !seen {
            return Err(Denied::Unseen { user: self.user.clone(), site: site.clone(), account: account.cloned() });
        }
        self.has(permission)
    }

    /// Whether this may be done at all, wherever the grants reach: of things of no site.
    pub fn has(&self, permission: Permission) -> Result<(), Denied> {
        if !self.role.has(permission) {
            return Err(Denied::Role { role: self.role, permission });
        }
        if self.read_only && permission.writes() {
            return Err(Denied::ReadOnly);
        }
        Ok(())
    }

    /// Whether a proposal of `author` may be approved: nobody approves his own.
    pub fn may_approve(&self, site: &SiteId, author: &str) -> Result<(), Denied> {
        self.may(Permission::Approve, site, None)?;
        if self.user.to_lowercase() == author.trim().to_lowercase() {
            return Err(Denied::OwnProposal { user: self.user.clone() });
        }
        Ok(())
    }

    /// Whether a user of this role and these grants may be made, changed, linked
    /// or given a token: nobody gives more than they have, and who may only
    /// invite tenants touches no one else.
    pub fn may_manage(&self, role: Role, grants: &[Grant]) -> Result<(), Denied> {
        let permission = match role {
            Role::Tenant => Permission::InviteTenants,
            Role::Manager | Role::Auditor | Role::Finance | Role::Operator => Permission::ManageUsers,
        };
        self.has(permission)?;
        if !role.within(self.role) {
            return Err(Denied::Role { role: self.role, permission: Permission::ManageUsers });
        }
        if grants.is_empty() {
            self.has(Permission::ManageUsers)?;
        }
        grants.iter().try_for_each(|grant| self.may(Permission::InviteTenants, &grant.site, grant.account.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(site: &str, account: &str) -> Grant {
        Grant { site: SiteId::try_new(site).expect("an id"), account: AccountId::try_new(account) }
    }

    fn actor(role: Role, scope: Scope) -> Actor {
        Actor { user: "m.roe".to_owned(), role, scope, read_only: false, token: None }
    }

    #[test]
    fn a_foreign_site_or_account_is_never_seen() {
        let (here, there) = (grant("here", "").site, grant("there", "").site);
        let (mine, other) = (AccountId::try_new("mine").expect("an id"), AccountId::try_new("other").expect("an id"));
        for role in Role::ALL {
            for permission in Permission::all() {
                let tenant = actor(role, Scope::of([grant("here", "mine")]));
                assert!(tenant.may(permission, &here, Some(&other)).is_err(), "{role} {permission:?}");
                assert!(tenant.may(permission, &here, None).is_err(), "{role} {permission:?}");
                assert!(tenant.may(permission, &there, Some(&mine)).is_err(), "{role} {permission:?}");
                let whole = actor(role, Scope::of([grant("here", "")]));
                assert_eq!(whole.may(permission, &here, None).is_ok(), role.has(permission));
                assert!(whole.may(permission, &there, None).is_err());
                let nobody = actor(role, Scope::of([]));
                assert!(nobody.may(permission, &here, Some(&mine)).is_err());
            }
        }
        let tenant = actor(Role::Tenant, Scope::of([grant("here", "mine")]));
        assert_eq!(tenant.may(Permission::ReadAccount, &here, Some(&mine)), Ok(()));
    }

    #[test]
    fn what_is_of_a_site_is_not_had_for_an_account() {
        let one = actor(Role::Manager, Scope::of([grant("here", "mine")]));
        let account = AccountId::try_new("mine");
        for permission in Permission::all() {
            let may = one.may(permission, &grant("here", "").site, account.as_ref()).is_ok();
            assert_eq!(may, permission.of_account() && Role::Manager.has(permission), "{permission:?}");
        }
    }

    #[test]
    fn nobody_approves_his_own() {
        let clerk = actor(Role::Manager, Scope::of([grant("here", "")]));
        let here = grant("here", "").site;
        assert_eq!(clerk.may_approve(&here, "M.Roe "), Err(Denied::OwnProposal { user: "m.roe".to_owned() }));
        assert_eq!(clerk.may_approve(&here, "j.doe"), Ok(()));
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let manager = actor(Role::Manager, Scope::of([grant("here", "")]));
        assert_eq!(manager.may_manage(Role::Tenant, &[grant("here", "a")]), Ok(()));
        assert!(manager.may_manage(Role::Tenant, &[grant("there", "a")]).is_err());
        assert!(manager.may_manage(Role::Tenant, &[]).is_err());
        for role in [Role::Manager, Role::Auditor, Role::Finance, Role::Operator] {
            assert!(manager.may_manage(role, &[grant("here", "")]).is_err());
        }
        let operator = actor(Role::Operator, Scope::all());
        assert!(Role::ALL.into_iter().all(|role| operator.may_manage(role, &[grant("there", "")]).is_ok()));
    }

    #[test]
    fn a_scope_narrows_and_never_widens() {
        let scope = Scope::of([grant("here", "a"), grant("here", "b"), grant("there", "")]);
        assert_eq!(scope.narrowed(&grant("here", "a")), Scope::of([grant("here", "a")]));
        assert_eq!(scope.narrowed(&grant("here", "c")), Scope::of([]));
        assert_eq!(scope.narrowed(&grant("here", "")), Scope::of([grant("here", "a"), grant("here", "b")]));
        assert_eq!(scope.narrowed(&grant("there", "z")), Scope::of([grant("there", "z")]));
        assert_eq!(Scope::all().narrowed(&grant("x", "")), Scope::of([grant("x", "")]));
        assert_eq!(scope.narrowed(&grant("elsewhere", "")), Scope::of([]));
    }
}
