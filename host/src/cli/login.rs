//! `backfill login`: a link that logs a browser in, once.

use std::{net::SocketAddr, path::Path, process::ExitCode};

use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::Args;
use serde_json::json;

use super::{context, deed::Deed};
use crate::{
    domain::{Role, TokenKind, TokenText},
    store::{Instant, NewToken, Store, StoreError, User},
};

/// Print a link that logs a browser in as a user, once, within an hour.
///
/// For example:
///   backfill login
///   backfill login --user anna
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct LogIn {
    /// Whom it logs in.
    #[arg(long, value_name = "NAME", default_value = ADMIN)]
    user: String,
}

/// The user that a host makes when there is none.
const ADMIN: &str = "admin";

/// How long a link is good for.
const GOOD_FOR: TimeDelta = TimeDelta::hours(1);

impl LogIn {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        let user = store.user_by_name(&self.user).await?.with_context(|| {
            format!("there is no user {:?}; `backfill token create --user` makes one", self.user)
        })?;
        if user.disabled_at.is_some() {
            bail!("user {:?} is disabled; the link would let nobody in", user.name);
        }
        say!("{}", link(&store, &user, config.server.listen).await?)?;
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// A link for whoever starts the first host of a new database; none once somebody has a way in.
pub(super) async fn first_link(store: &Store, address: SocketAddr) -> anyhow::Result<Option<String>> {
    if !store.awaits_first_login(store.now()).await? {
        return Ok(None);
    }
    let admin = match store.user_by_name(ADMIN).await? {
        Some(admin) => admin,
        None => {
            let making = Deed::new("serve", "/users").with(json!({ "name": ADMIN, "role": Role::Admin }));
            let made = store.create_user(ADMIN, None, Role::Admin, store.now());
            match making.making(store, made, |user| Some(format!("/users/{}", user.id))).await {
                Ok(admin) => admin,
                // Another host that starts right now was first, and prints the link.
                Err(error) if matches!(error.downcast_ref(), Some(StoreError::Refused { .. })) => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    };
    if admin.disabled_at.is_some() {
        return Ok(None);
    }
    link(store, &admin, address).await.map(Some)
}

async fn link(store: &Store, user: &User, address: SocketAddr) -> anyhow::Result<String> {
    let (now, code) = (store.now(), TokenText::new(rand::random()));
    let new = NewToken {
        user_id: user.id,
        name: "one-time link",
        hash: code.hash(),
        kind: TokenKind::Login,
        role: None,
        expires_at: Some(Instant::from(now + GOOD_FOR)),
        parent_id: None,
    };
    let making = Deed::new("login", &format!("/users/{}", user.id)).with(json!({ "user": user.name }));
    making.done(store, store.create_token(&new, now)).await?;
    // Nobody's browser reaches "every address".
    let host = match address.ip() {
        ip if ip.is_unspecified() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    };
    Ok(format!("http://{host}/login?code={}", code.expose()))
}
