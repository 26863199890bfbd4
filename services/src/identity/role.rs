//! Who may do what: one table of roles and permissions, and what is denied.

use std::fmt;

use domain::event::AccountId;
use domain::event::SiteId;

/// What a person or program is to a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees and pays the accounts that are granted.
    Tenant,
    /// Runs the sites that are granted.
    Manager,
    /// Reads all of the sites that are granted, and writes nothing.
    Auditor,
    /// Reads the books of the sites that are granted, and takes them out.
    Finance,
    /// Runs the program: all sites.
    Operator,
}

impl Role {
    /// Every role, in the table's order.
    pub const ALL: [Self; 5] = [Self::Tenant, Self::Manager, Self::Auditor, Self::Finance, Self::Operator];

    /// Its word, as stored and as written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Manager => "manager",
            Self::Auditor => "auditor",
            Self::Finance => "finance",
            Self::Operator => "operator",
        }
    }

    /// The role of a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role has the permission, wherever its grants reach.
    pub fn has(self, permission: Permission) -> bool {
        let row = TABLE.iter().find(|(one, _)| *one == permission);
        row.is_some_and(|(_, roles)| roles.contains(&self))
    }

    /// Whether it has no permission that `other` lacks.
    pub fn within(self, other: Self) -> bool {
        TABLE.iter().all(|(permission, _)| !self.has(*permission) || other.has(*permission))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Read an account: balance, bills with their lines, consumption, supply.
    ReadAccount,
    /// Set at which balance an account's people are told.
    SetAlerts,
    /// Begin a payment for an account.
    Pay,
    /// Say that appliances are safe, so that supply may come back.
    ConfirmSafe,
    /// Read a site: rooms, meters, losses, rules, quarantine, who was cut and why.
    ReadSite,
    /// Read what an auditor needs: changes, allocations with everyone's weights, replay, proofs.
    ReadAudit,
    /// Take a site's books out.
    Export,
    /// Publish tariffs and rules, correct tables and readings, lease units.
    ChangeRules,
    /// Credit, refund, and post by hand.
    MoveMoney,
    /// Approve what another person proposed: never what the same person did.
    Approve,
    /// Cut and restore supply by hand, and set its rules.
    SwitchSupply,
    /// Take an alarm in hand.
    HandleAlarms,
    /// Invite a tenant to an account, and take the grant back.
    InviteTenants,
    /// Make users of every role, their grants and tokens.
    ManageUsers,
    /// Run the program: collectors, intake, projections, its configuration.
    Operate,
}

use Role::{Auditor, Finance, Manager, Operator, Tenant};

/// The only place that says which role has which permission: what is not here is denied.
const TABLE: [(Permission, &[Role]); 15] = [
    (Permission::ReadAccount, &[Tenant, Manager, Auditor, Finance, Operator]),
    (Permission::SetAlerts, &[Tenant, Manager, Operator]),
    (Permission::Pay, &[Tenant, Manager, Operator]),
    (Permission::ConfirmSafe, &[Tenant, Manager, Operator]),
    (Permission::ReadSite, &[Manager, Auditor, Finance, Operator]),
    (Permission::ReadAudit, &[Manager, Auditor, Operator]),
    (Permission::Export, &[Manager, Auditor, Finance, Operator]),
    (Permission::ChangeRules, &[Manager, Operator]),
    (Permission::MoveMoney, &[Manager, Operator]),
    (Permission::Approve, &[Manager, Operator]),
    (Permission::SwitchSupply, &[Manager, Operator]),
    (Permission::HandleAlarms, &[Manager, Operator]),
    (Permission::InviteTenants, &[Manager, Operator]),
    (Permission::ManageUsers, &[Operator]),
    (Permission::Operate, &[Operator]),
];

impl Permission {
    /// Every permission, in the table's order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(permission, _)| *permission)
    }

    /// Whether using it changes anything.
    pub fn writes(self) -> bool {
        match self {
            Self::ReadAccount | Self::ReadSite | Self::ReadAudit | Self::Export => false,
            Self::SetAlerts
            | Self::Pay
            | Self::ConfirmSafe
            | Self::ChangeRules
            | Self::MoveMoney
            | Self::Approve
            | Self::SwitchSupply
            | Self::HandleAlarms
            | Self::InviteTenants
            | Self::ManageUsers
            | Self::Operate => true,
        }
    }

    /// Whether it can be had for one account; the others are of a whole site.
    pub fn of_account(self) -> bool {
        match self {
            Self::ReadAccount
            | Self::SetAlerts
            | Self::Pay
            | Self::ConfirmSafe
            | Self::MoveMoney
            | Self::SwitchSupply
            | Self::InviteTenants => true,
            Self::ReadSite
            | Self::ReadAudit
            | Self::Export
            | Self::ChangeRules
            | Self::Approve
            | Self::HandleAlarms
            | Self::ManageUsers
            | Self::Operate => false,
        }
    }
}

/// Why something may not be done. What a caller is told must not say whether a
/// site or account that it cannot see is there: answer `Unseen` as "not found".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The site or account is beyond the grants, whether it is there or not.
    #[error("{} is not within the grants of {user}", place(.site, .account.as_ref()))]
    Unseen {
        /// Who asked.
        user: String,
        /// The site.
        site: SiteId,
        /// The account; none for the whole site.
        account: Option<AccountId>,
    },
    /// The role has no such permission.
    #[error("the role {role} has no permission {permission:?}")]
    Role {
        /// The role.
        role: Role,
        /// What it lacks.
        permission: Permission,
    },
    /// The token is for reading.
    #[error("the token is for reading only")]
    ReadOnly,
    /// Approvals need two persons.
    #[error("{user} proposed it: another person approves")]
    OwnProposal {
        /// Who asked.
        user: String,
    },
}

fn place(site: &SiteId, account: Option<&AccountId>) -> String {
    account.map_or_else(|| format!("site {site}"), |account| format!("account {account} of site {site}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_of_every_role() {
        let mut lines: Vec<String> = Vec::new();
        for permission in Permission::all() {
            let roles = Role::ALL.map(|role| if role.has(permission) { role.as_str() } else { "-" });
            let kind = if permission.writes() { "writes" } else { "reads" };
            lines.push(format!("{permission:?} {kind}: {}", roles.join(" ")));
        }
        let expected = "\
ReadAccount reads: tenant manager auditor finance operator
SetAlerts writes: tenant manager - - operator
Pay writes: tenant manager - - operator
ConfirmSafe writes: tenant manager - - operator
ReadSite reads: - manager auditor finance operator
ReadAudit reads: - manager auditor - operator
Export reads: - manager auditor finance operator
ChangeRules writes: - manager - - operator
MoveMoney writes: - manager - - operator
Approve writes: - manager - - operator
SwitchSupply writes: - manager - - operator
HandleAlarms writes: - manager - - operator
InviteTenants writes: - manager - - operator
ManageUsers writes: - - - - operator
Operate writes: - - - - operator";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn auditors_and_finance_write_nothing() {
        let written: Vec<_> = Permission::all()
            .filter(|permission| permission.writes() && (Auditor.has(*permission) || Finance.has(*permission)))
            .collect();
        assert_eq!(written, []);
        assert!(Finance.within(Auditor) && !Auditor.within(Finance));
        assert!(Role::ALL.into_iter().all(|role| role.within(Operator)));
    }
}
