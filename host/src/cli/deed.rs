//! What the command line changes is in the audit log, as what comes over the API is.

use std::{env, fs, os::unix::fs::MetadataExt};

use serde_json::{Value, json};

use crate::{
    api::PREFIX,
    store::{NewAuditEntry, Store, StoreError},
};

/// A change that is about to be made.
pub(super) struct Deed {
    /// As people type it: `token revoke`.
    command: &'static str,
    /// To what, as the API names it.
    target: String,
    detail: Value,
}

impl Deed {
    /// By a command, to what the API has at this path below its prefix.
    pub(super) fn new(command: &'static str, path: &str) -> Self {
        Self { command, target: format!("{PREFIX}{path}"), detail: json!({}) }
    }

    /// What else is to know: no secret.
    pub(super) fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    /// Writes it down, does it, and adds how it went: what can't be written down is not done.
    pub(super) async fn done<T, E: Into<anyhow::Error>>(
        self,
        store: &Store,
        work: impl Future<Output = Result<T, E>>,
    ) -> anyhow::Result<T> {
        self.making(store, work, |_| None).await
    }

    /// The same for what makes something, which is at a path of the API.
    pub(super) async fn making<T, E: Into<anyhow::Error>>(
        mut self,
        store: &Store,
        work: impl Future<Output = Result<T, E>>,
        made: impl FnOnce(&T) -> Option<String>,
    ) -> anyhow::Result<T> {
        let entry = NewAuditEntry {
            user_id: None,
            actor: Some(&actor()),
            token_id: None,
            action: &format!("backfill {}", self.command),
            target: &self.target,
            detail: self.detail.clone(),
            address: None,
        };
        let id = store.append_audit(&entry, store.now()).await?;
        let result = work.await.map_err(Into::into);
        if let Ok(Some(path)) = result.as_ref().map(made) {
            self.detail["made"] = json!(format!("{PREFIX}{path}"));
        }
        let status = result.as_ref().map_or_else(status, |_| 200);
        if let Err(error) = store.audit_outcome(id, status, &self.detail).await {
            tracing::warn!(status, "the audit log lacks how a change went: {error}");
        }
        result
    }
}

/// As the API would have answered.
fn status(error: &anyhow::Error) -> u16 {
    match error.downcast_ref() {
        Some(StoreError::NotFound { .. }) => 404,
        Some(StoreError::Refused { .. }) => 409,
        _ => 500,
    }
}

/// Who acts, where nobody logs in: an account of this machine, as it calls itself.
fn actor() -> String {
    let named = ["USER", "LOGNAME"].into_iter().find_map(|name| env::var(name).ok());
    let account = named.filter(|name| !name.is_empty()).or_else(|| {
        let number = fs::metadata("/proc/self").ok()?.uid();
        Some(format!("account {number}"))
    });
    match account {
        Some(account) => format!("the command line ({account})"),
        None => "the command line".to_owned(),
    }
}
