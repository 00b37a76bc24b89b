//! A recording: everything that one call asked and was answered, so that it can be played again later.
//!
//! What is recorded holds no secret: answers passed the redactor before anybody saw them, and what a source asked
//! passes it here, should it have come by the secret in another way.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::content::Content;
use super::error::EgressError;
use super::gate::{Answer, Gate};
use super::request::Prepared;
use super::stage::{Asked, asked};

/// Takes down what passes the gate. Bodies are held as the gate holds them: large ones on disk.
#[derive(Default)]
pub struct Recording(Mutex<Vec<Open>>);

/// A request, and what came of it once that is known.
type Open = (Asked, Option<Result<Heard, EgressError>>);

/// A request and what came of it.
#[derive(Clone)]
pub struct Exchange {
    /// What was asked.
    pub asked: Asked,
    /// The answer, or why there was none.
    pub heard: Result<Heard, EgressError>,
}

/// An answer of a recording.
#[derive(Clone)]
pub struct Heard {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Length of the body, decompressed.
    pub bytes: u64,
    content: Content,
}

impl Heard {
    /// Reads the body from the front, decompressed.
    pub fn body(&self) -> io::Result<Box<dyn Read + Send>> {
        self.content.reader()
    }
}

impl Recording {
    /// What was asked, in the order asked. A request that was given up before it was answered is left out.
    pub fn exchanges(&self) -> Vec<Exchange> {
        let exchanges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = exchanges.iter().filter_map(|(asked, heard)| Some((asked.clone(), heard.clone()?)));
        answered.map(|(asked, heard)| Exchange { asked, heard }).collect()
    }

    fn ask(&self, asked: Asked) -> usize {
        let mut exchanges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        exchanges.push((asked, None));
        exchanges.len() - 1
    }

    fn hear(&self, place: usize, answer: &Result<Answer, EgressError>) {
        let heard = answer.as_ref().map_err(Clone::clone).map(|answer| Heard {
            status: answer.status,
            headers: answer.headers.to_vec(),
            bytes: answer.bytes,
            content: answer.content.clone(),
        });
        if let Some((_, slot)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *slot = Some(heard);
        }
    }
}

impl Gate {
    /// A text without the secret of this gate.
    pub fn redacted(&self, text: &str) -> String {
        self.redactor.text(text)
    }

    /// Takes down a request and, once `answer` is there, what came of it.
    pub(super) async fn taken_down(
        &self,
        request: &Prepared,
        key: &str,
        answer: impl Future<Output = Result<Answer, EgressError>>,
    ) -> Result<Answer, EgressError> {
        let Some(recording) = &self.recording else { return answer.await };
        let place = recording.ask(self.clean(asked(request, key.to_owned())));
        let answer = answer.await;
        recording.hear(place, &answer);
        answer
    }

    fn clean(&self, asked: Asked) -> Asked {
        let mut body = Vec::with_capacity(asked.body.len());
        let mut stream = self.redactor.stream();
        stream.push(&asked.body, &mut body);
        stream.finish(&mut body);
        let headers = asked.headers.into_iter().map(|(name, value)| (name, self.redactor.text(&value)));
        Asked {
            url: self.redactor.text(&asked.url),
            headers: headers.collect(),
            body: Bytes::from(body),
            ..asked
        }
    }
}
