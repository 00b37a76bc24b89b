//! The upstream of a replay: answers that the archive holds.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};

use crate::{
    egress::{Asked, EgressError, KeptAnswer, Played, Stage},
    store::{Answer, AttemptAnswer, Store},
};

/// So many requests without an answer are named; all are counted.
const NAMED: usize = 10;

/// What was asked and has no answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered {
    pub(super) count: usize,
    /// The first of them: `GET https://…`.
    pub(super) named: Vec<String>,
}

impl Unanswered {
    fn add(&mut self, asked: &Asked) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("{} {}", asked.method.as_str(), asked.url));
        }
    }
}

/// The answers of one attempt. The same request again gets the next answer that the attempt had to it, at last the
/// last one.
pub(super) struct OfAttempt {
    answers: HashMap<String, Vec<KeptAnswer>>,
    state: Mutex<(HashMap<String, usize>, Unanswered)>,
}

impl OfAttempt {
    pub(super) fn new(used: Vec<AttemptAnswer>) -> Self {
        let mut answers: HashMap<String, Vec<KeptAnswer>> = HashMap::new();
        for AttemptAnswer { request_key, answer } in used {
            answers.entry(request_key).or_default().push(kept(answer));
        }
        Self { answers, state: Mutex::default() }
    }

    pub(super) fn unanswered(&self) -> Unanswered {
        lock(&self.state).1.clone()
    }

    fn answer(&self, asked: &Asked) -> Option<KeptAnswer> {
        let (turns, unanswered) = &mut *lock(&self.state);
        let Some(answers) = self.answers.get(&asked.key) else {
            unanswered.add(asked);
            return None;
        };
        let turn = turns.entry(asked.key.clone()).or_default();
        let answer = answers.get(*turn).or(answers.last())?;
        *turn += 1;
        Some(answer.clone())
    }
}

impl Stage for OfAttempt {
    fn play(&self, asked: Asked) -> BoxFuture<'_, Result<Played, EgressError>> {
        // What the upstream left unanswered then is left unanswered now.
        let answer = self.answer(&asked).map(Played::Kept);
        let none = || EgressError::Transport("the attempt has no answer to this request".to_owned());
        async move { answer.ok_or_else(none) }.boxed()
    }
}

/// For every request the newest answer of the archive. A request without one ends the call.
pub(super) struct Newest {
    store: Store,
    source: String,
    heard: Mutex<Heard>,
}

/// What a call had of the archive.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// Requests that were answered.
    pub(super) answers: usize,
    pub(super) unanswered: Unanswered,
}

impl Newest {
    pub(super) fn new(store: Store, source: &str) -> Self {
        Self { store, source: source.to_owned(), heard: Mutex::default() }
    }

    pub(super) fn heard(&self) -> Heard {
        lock(&self.heard).clone()
    }
}

impl Stage for Newest {
    fn play(&self, asked: Asked) -> BoxFuture<'_, Result<Played, EgressError>> {
        async move {
            let found = self.store.newest_answer(&self.source, &asked.key).await;
            match found.map_err(|error| EgressError::Internal(error.to_string()))? {
                Some(answer) => {
                    lock(&self.heard).answers += 1;
                    Ok(Played::Kept(kept(answer)))
                }
                None => {
                    lock(&self.heard).unanswered.add(&asked);
                    Err(EgressError::Internal("the archive has no answer to it".to_owned()))
                }
            }
        }
        .boxed()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kept(answer: Answer) -> KeptAnswer {
    KeptAnswer {
        id: answer.id,
        status: answer.status,
        headers: answer.headers,
        digest: answer.digest,
        bytes: answer.body_bytes,
        fetched_at: answer.fetched_at.utc(),
    }
}
