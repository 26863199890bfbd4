//! Tokens: how programs ask in a user's name, with no more than its rights.

use domain::event::{AccountId, SiteId};
use domain::quantity::Instant;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Identity;
use super::actor::{Actor, Grant};
use super::by::By;
use super::error::IdentityError;
use super::link::days;
use super::role::Role;
use super::secret::{self, Secret};
use super::trail::{self, TrailKind};
use super::user;

/// How often it is written that a token was used, in seconds.
const NOTED: i64 = 3_600;

/// What a token is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name, of the user's own choice.
    pub name: String,
    /// A role with no permission that the user's lacks.
    pub role: Role,
    /// What it is narrowed to; none for all that the user sees.
    pub within: Option<Grant>,
    /// Whether it only reads.
    pub read_only: bool,
    /// When it expires.
    pub expires: Instant,
}

/// A token as it is listed: never with its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it was made as.
    pub made: NewToken,
    /// Whose it is.
    pub user: String,
    /// When it was made.
    pub created: Instant,
    /// When it was revoked.
    pub revoked: Option<Instant>,
    /// When it was last used, to the hour.
    pub used: Option<Instant>,
}

const SELECT: &str = "SELECT name, role, site, account, read_only, expires, user, created, revoked, used FROM token";

fn token(row: &Row<'_>) -> rusqlite::Result<Option<Token>> {
    let (role, site, account): (String, Option<String>, Option<String>) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let at =
        |index: usize| -> rusqlite::Result<Option<Instant>> { Ok(row.get::<_, Option<i64>>(index)?.map(Instant::new)) };
    let within = match (site, account) {
        (None, _) => Some(None),
        (Some(site), None) => SiteId::try_new(&site).map(|site| Some(Grant { site, account: None })),
        (Some(site), Some(account)) => SiteId::try_new(&site)
            .zip(AccountId::try_new(&account))
            .map(|(site, account)| Some(Grant { site, account: Some(account) })),
    };
    let Some((role, within)) = Role::parse(&role).zip(within) else { return Ok(None) };
    let made =
        NewToken { name: row.get(0)?, role, within, read_only: row.get(4)?, expires: at(5)?.unwrap_or_default() };
    let created = at(7)?.unwrap_or_default();
    Ok(Some(Token { made, user: row.get(6)?, created, revoked: at(8)?, used: at(9)? }))
}

fn named(connection: &Connection, user: &str, name: &str) -> Result<bool, IdentityError> {
    let mut query = connection.prepare_cached("SELECT 1 FROM token WHERE user = ?1 AND name = ?2")?;
    Ok(query.exists([user, name])?)
}

impl Identity {
    /// Makes a token, and gives its secret once.
    pub fn token_create<'a>(&self, user: &str, new: &NewToken, by: impl Into<By<'a>>) -> Result<Secret, IdentityError> {
        let by = by.into();
        user::name(&new.name)?;
        let secret = Secret::draw("twt_")?;
        self.change(|connection, now| {
            let user = user::known(connection, user)?;
            by.may_change_or_is(&user)?;
            let covered = new.within.as_ref().is_none_or(|grant| user.scope().covers(grant));
            if !new.role.within(user.role) || !covered {
                return Err(IdentityError::TokenTooWide(user.name));
            }
            let life = new.expires.get().saturating_sub(now.get());
            if !(1..=self.limits.token).contains(&life) {
                return Err(IdentityError::BadExpiry { days: days(self.limits.token) });
            }
            if named(connection, &user.name, &new.name)? {
                return Err(IdentityError::TokenExists { user: user.name, name: new.name.clone() });
            }
            let site = new.within.as_ref().map(|grant| grant.site.as_str());
            let account = new.within.as_ref().and_then(|grant| grant.account.as_ref()).map(AccountId::as_str);
            connection.execute(
                "INSERT INTO token (hash, user, name, role, site, account, read_only, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    secret.hash(),
                    user.name,
                    new.name,
                    new.role.as_str(),
                    site,
                    account,
                    new.read_only,
                    now.get(),
                    new.expires.get()
                ],
            )?;
            let what = format!("{} {}", new.name, new.role);
            trail::changed(connection, now, (TrailKind::TokenMade, &user.name), by, &what)
        })?;
        Ok(secret)
    }

    /// Who asks by a token: none where it is unknown, expired or revoked, its
    /// user is shut out, or has a role by now that no longer has the token's.
    pub fn token(&self, bearer: &str) -> Result<Option<Actor>, IdentityError> {
        let hash = secret::hash(bearer);
        self.with(|connection, now| {
            let mut query = connection.prepare_cached(&format!("{SELECT} WHERE hash = ?1"))?;
            let Some(found) = query.query_row([hash], token).optional()? else { return Ok(None) };
            let found = found.ok_or(IdentityError::Damaged("a token"))?;
            if found.revoked.is_some() || found.made.expires <= now {
                return Ok(None);
            }
            let user = user::find(connection, &found.user)?.filter(|user| !user.disabled);
            let Some(user) = user.filter(|user| found.made.role.within(user.role)) else { return Ok(None) };
            if found.used.is_none_or(|used| now.get().saturating_sub(used.get()) >= NOTED) {
                connection.execute("UPDATE token SET used = ?2 WHERE hash = ?1", params![hash, now.get()])?;
            }
            let scope = user.scope();
            let scope = found.made.within.as_ref().map_or_else(|| scope.clone(), |grant| scope.narrowed(grant));
            let NewToken { name, role, read_only, .. } = found.made;
            Ok(Some(Actor { user: user.name, role, scope, read_only, token: Some(name) }))
        })
    }

    /// The tokens of a user, by name, those included that no longer work.
    pub fn tokens(&self, user: &str) -> Result<Vec<Token>, IdentityError> {
        self.with(|connection, _| {
            let user = user::known(connection, user)?;
            let mut query = connection.prepare_cached(&format!("{SELECT} WHERE user = ?1 ORDER BY name"))?;
            let rows = query.query_map([&user.name], token)?;
            rows.map(|row| row?.ok_or(IdentityError::Damaged("a token"))).collect()
        })
    }

    /// Revokes a token for ever; its name stays taken.
    pub fn token_revoke<'a>(&self, user: &str, name: &str, by: impl Into<By<'a>>) -> Result<(), IdentityError> {
        let by = by.into();
        self.change(|connection, now| {
            let user = user::known(connection, user)?;
            by.may_change_or_is(&user)?;
            if !named(connection, &user.name, name)? {
                return Err(IdentityError::NoToken { user: user.name, name: name.to_owned() });
            }
            connection.execute(
                "UPDATE token SET revoked = ?3 WHERE user = ?1 AND name = ?2 AND revoked IS NULL",
                params![user.name, name, now.get()],
            )?;
            trail::changed(connection, now, (TrailKind::TokenRevoked, &user.name), by, name)
        })
    }
}
