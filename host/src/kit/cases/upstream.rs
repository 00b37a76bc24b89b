//! The upstream of a recorded case: it answers what it was asked then, and nothing else.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Mutex, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};
use serde::Serialize;

use super::answer::{Answer, Reply};
use crate::egress::{Asked, EgressError, Played, Stage};

/// A request that was not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotRecorded {
    /// What was asked: `GET https://…`.
    pub asked: String,
    /// The recorded request that is most like it: `001: GET https://…`.
    pub nearest: Option<String>,
    /// What tells the two apart where it is not the URL.
    pub differs: Option<&'static str>,
}

/// Plays recorded answers. The same request again gets the next answer that was recorded of it, at last the last one.
pub(super) struct Replay {
    answers: Vec<Answer>,
    by_key: HashMap<String, Vec<usize>>,
    heard: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    asked: HashMap<String, usize>,
    used: BTreeSet<usize>,
    missing: Vec<NotRecorded>,
}

impl Replay {
    pub(super) fn new(answers: &[Answer]) -> Self {
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, answer) in answers.iter().enumerate() {
            by_key.entry(answer.key.clone()).or_default().push(place);
        }
        Self { answers: answers.to_vec(), by_key, heard: Mutex::default() }
    }

    /// What was asked and not recorded.
    pub(super) fn missing(&self) -> Vec<NotRecorded> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).missing.clone()
    }

    /// What was recorded and not asked for.
    pub(super) fn unused(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = self.answers.iter().enumerate().filter(|(place, _)| !heard.used.contains(place));
        unused.map(|(_, answer)| answer.told()).collect()
    }

    fn answer(&self, asked: &Asked) -> Option<&Answer> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(places) = self.by_key.get(&asked.key) else {
            heard.missing.push(self.not_recorded(asked));
            return None;
        };
        let turn = heard.asked.entry(asked.key.clone()).or_default();
        let place = *places.get(*turn).or(places.last())?;
        *turn += 1;
        heard.used.insert(place);
        self.answers.get(place)
    }

    fn not_recorded(&self, asked: &Asked) -> NotRecorded {
        let wanted = format!("{} {}", asked.method.as_str(), asked.url);
        let likeness = |answer: &Answer| {
            strsim::normalized_levenshtein(
                &format!("{} {}", answer.request.method.as_str(), answer.request.url),
                &wanted,
            )
        };
        let nearest = self.answers.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let differs = nearest.filter(|near| near.request.method == asked.method).and_then(|near| {
            let body = near.request.body.clone().unwrap_or_default();
            match (near.request.url == asked.url, body == asked.body) {
                (true, true) => Some("its headers differ"),
                (true, false) => Some("its body differs"),
                (false, _) => None,
            }
        });
        NotRecorded { asked: wanted, nearest: nearest.map(Answer::told), differs }
    }
}

impl Stage for Replay {
    fn play(&self, asked: Asked) -> BoxFuture<'_, Result<Played, EgressError>> {
        let reply = self.answer(&asked).map(|answer| answer.reply.clone());
        async move {
            match reply {
                Some(Reply::Answer { status, headers, body }) => {
                    let read = tokio::task::spawn_blocking(move || {
                        Reply::read(&body).map_err(|error| format!("{}: {error}", body.display()))
                    });
                    let body = read.await.map_err(|error| error.to_string()).flatten();
                    Ok(Played::Answer { status, headers, body: body.map_err(EgressError::Internal)? })
                }
                Some(Reply::None(error)) => Err(error),
                None => Err(EgressError::Internal(format!(
                    "not recorded: {} {}",
                    asked.method.as_str(),
                    asked.url
                ))),
            }
        }
        .boxed()
    }
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.asked)?;
        match (&self.nearest, self.differs) {
            (None, _) => write!(f, "\n  nothing was recorded"),
            (Some(near), None) => write!(f, "\n  most like it is {near}"),
            (Some(near), Some(differs)) => write!(f, "\n  most like it is {near}; {differs}"),
        }
    }
}
