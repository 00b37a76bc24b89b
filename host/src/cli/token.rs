//! `backfill token`: who may use the API.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{context, deed::Deed, output};
use crate::{
    domain::{Role, TokenKind, TokenText},
    store::{Instant, NewToken, Store, User},
};

/// Tokens: what lets users and programs use the HTTP API.
///
/// Each belongs to a user with a role: viewer (look), operator (make jobs, and change one's own), admin (everything).
///
/// For example:
///   backfill token create --user dashboard --role viewer --expires 365d
///   backfill token list
///   backfill token revoke 3
#[derive(Subcommand)]
#[command(verbatim_doc_comment)]
pub(super) enum TokenCommand {
    Create(Create),
    /// List all tokens: whose they are, when each was last used, when it expires.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let a token let nobody in any more.
    Revoke {
        /// Its id, as the list shows it.
        id: i64,
    },
}

/// Make a token, and print it: this once, for only its hash is kept.
#[derive(Args)]
pub(super) struct Create {
    /// Whom it lets in; a user of this name is made if there is none.
    #[arg(long, value_name = "NAME", default_value = "admin")]
    user: String,

    /// What it may do: viewer, operator or admin. A new user gets this role (viewer if none is given); a token of
    /// another user may do no more than its user.
    #[arg(long)]
    role: Option<Role>,

    /// What it is for, in your words.
    #[arg(long, value_name = "TEXT", default_value = "command line")]
    name: String,

    /// How long it lets in, such as 12h or 90d; for ever if "never".
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    expires: String,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl TokenCommand {
    pub(super) async fn act(self, config: &Path) -> anyhow::Result<ExitCode> {
        let config = context::load(config)?;
        let store = context::store(&config).await?;
        match self {
            Self::Create(create) => create.act(&store).await?,
            Self::List { json } => list(&store, json).await?,
            Self::Revoke { id } => {
                let revoking = async {
                    store.token(id).await?;
                    store.revoke_token(id, store.now()).await
                };
                Deed::new("token revoke", &format!("/tokens/{id}")).done(&store, revoking).await?;
                say!("token {id} lets nobody in any more")?;
            }
        }
        store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn act(self, store: &Store) -> anyhow::Result<()> {
        let now = store.now();
        let expires_at = lifetime(&self.expires)?
            .map(|lifetime| now.checked_add_signed(lifetime).context("--expires is too far off"))
            .transpose()?;
        let user = self.user(store).await?;
        let text = TokenText::new(rand::random());
        let new = NewToken {
            user_id: user.id,
            name: &self.name,
            hash: text.hash(),
            kind: TokenKind::Token,
            role: self.role,
            expires_at: expires_at.map(Instant::from),
            parent_id: None,
        };
        let detail =
            json!({ "user": user.name, "name": self.name, "role": self.role, "expires_at": expires_at });
        let making = Deed::new("token create", "/tokens").with(detail);
        let id =
            making.making(store, store.create_token(&new, now), |id| Some(format!("/tokens/{id}"))).await?;
        if self.json {
            say!(
                "{}",
                json!({ "id": id, "user": user.name, "token": text.expose(), "expires_at": expires_at })
            )?;
        } else {
            say!("{}", text.expose())?;
            eprintln!(
                "token {id} of {} ({}); it is not shown again. `backfill token revoke {id}` takes it back",
                user.name,
                self.role.unwrap_or(user.role)
            );
        }
        Ok(())
    }

    /// The user that it is for.
    async fn user(&self, store: &Store) -> anyhow::Result<User> {
        let Some(user) = store.user_by_name(&self.user).await? else {
            let role = self.role.unwrap_or(Role::Viewer);
            let making = Deed::new("token create", "/users").with(json!({ "name": self.user, "role": role }));
            let made = store.create_user(&self.user, None, role, store.now());
            return making.making(store, made, |user| Some(format!("/users/{}", user.id))).await;
        };
        if user.disabled_at.is_some() {
            bail!("user {:?} is disabled; a token would let nobody in", user.name);
        }
        if let Some(role) = self.role.filter(|role| *role > user.role) {
            bail!("user {:?} is {}, and a token of theirs can't be {role}", user.name, user.role);
        }
        Ok(user)
    }
}

/// `90d`; none for `never`.
fn lifetime(text: &str) -> anyhow::Result<Option<TimeDelta>> {
    if text == "never" {
        return Ok(None);
    }
    let lifetime = humantime::parse_duration(text)
        .ok()
        .and_then(|duration| TimeDelta::from_std(duration).ok())
        .with_context(|| format!("--expires {text:?}: expected a duration such as 12h or 90d, or never"))?;
    Ok(Some(lifetime))
}

async fn list(store: &Store, as_json: bool) -> anyhow::Result<()> {
    let tokens = store.tokens(None, None, u32::MAX).await?;
    if as_json {
        say!("{}", json!(tokens))?;
        return Ok(());
    }
    let instant = |at: Option<Instant>| at.map(|at| output::instant(at.timestamp())).unwrap_or_default();
    let mut table = output::table(["id", "user", "role", "name", "last used", "expires", "revoked"]);
    for token in tokens {
        table.add_row([
            token.id.to_string(),
            token.user_name,
            token.role.to_string(),
            token.name,
            instant(token.last_used_at),
            token.expires_at.map_or_else(|| "never".to_owned(), |at| output::instant(at.timestamp())),
            instant(token.revoked_at),
        ]);
    }
    say!("{table}")?;
    Ok(())
}
