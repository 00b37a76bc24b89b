//! The made-up upstream on stage: finds the answer of a request, renders it, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use chrono_tz::Tz;
use futures::{FutureExt as _, future::BoxFuture};
use minijinja::{Environment, value::Value};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{
    scenario::Scenario,
    script::{Answer, Plain, Script},
    template::{self, Scene},
};
use crate::egress::{Asked, EgressError, Played, Stage};

/// What is done to the upstream's answers.
#[derive(Clone, Debug)]
pub enum Trick {
    /// Nothing.
    None,
    /// Every request ends like this.
    Always(Result<Played, EgressError>),
    /// One request does, by its place from 0; the others are answered.
    Once(usize, Result<Played, EgressError>),
    /// Every body ends in its middle.
    Truncated,
}

/// What an upstream was asked, and what it had no answer to.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Every request, as it came.
    pub asked: Vec<Asked>,
    /// What is wrong with `upstream.toml`: requests that no answer fits, templates that can't be rendered.
    pub faults: Vec<String>,
}

/// Plays one call's upstream.
pub struct Player {
    scene: Option<(Arc<Scene>, Environment<'static>)>,
    trick: Trick,
    heard: Mutex<Heard>,
    /// Rows are counted per answer, so that answers are rendered one by one.
    rendering: Mutex<()>,
}

impl Player {
    /// An upstream that a file describes. `zone` is whose months the source reports.
    pub fn of(script: &Arc<Script>, scenario: Scenario, zone: Tz, trick: Trick) -> Self {
        let scene = Arc::new(Scene::new(Arc::clone(script), scenario, zone));
        let env = template::environment(&scene);
        Self { scene: Some((scene, env)), trick, heard: Mutex::default(), rendering: Mutex::default() }
    }

    /// An upstream of which nothing is known but how every request of it ends.
    pub fn ending(every: Result<Played, EgressError>) -> Self {
        Self {
            scene: None,
            trick: Trick::Always(every),
            heard: Mutex::default(),
            rendering: Mutex::default(),
        }
    }

    /// What it heard.
    pub fn heard(&self) -> Heard {
        lock(&self.heard).clone()
    }

    fn answer(&self, asked: Asked) -> Result<Played, EgressError> {
        let place = {
            let mut heard = lock(&self.heard);
            heard.asked.push(asked.clone());
            heard.asked.len() - 1
        };
        match &self.trick {
            Trick::Always(end) => return end.clone(),
            Trick::Once(at, end) if *at == place => return end.clone(),
            Trick::Once(..) | Trick::None | Trick::Truncated => {}
        }
        let played = self.render(&asked).unwrap_or_else(|fault| {
            lock(&self.heard).faults.push(fault.clone());
            // As an upstream would that knows no such thing.
            plain_answer(404, &BTreeMap::new(), fault)
        });
        Ok(match (played, &self.trick) {
            (Played::Answer { status, headers, body }, Trick::Truncated) => {
                Played::Answer { status, headers, body: cut(&body) }
            }
            (played, _) => played,
        })
    }

    fn render(&self, asked: &Asked) -> Result<Played, String> {
        let Some((scene, env)) = &self.scene else { return Err("nothing is known of this upstream".into()) };
        let url = Url::parse(&asked.url).map_err(|error| format!("{}: {error}", asked.url))?;
        let fitting =
            scene.script.answers.iter().find_map(|answer| Some((answer, fit(answer, asked, &url)?)));
        let (answer, parts) =
            fitting.ok_or_else(|| format!("no [[answer]] fits {} {}", asked.method.as_str(), asked.url))?;
        let _alone = lock(&self.rendering);
        let scenario = &scene.scenario;
        let other = parts.get("code").is_some_and(|code| *code != scenario.unit.code);
        let context = context(scene, answer, asked, &url, parts);
        let filled = |plain: &Plain, otherwise: u16| {
            let body = env.render_str(&plain.body, context.clone());
            let body = body.map_err(|error| format!("the answer to {}: {}", url.path(), explain(&error)))?;
            let body =
                plain.packed(body).map_err(|error| format!("the answer to {}: {error}", url.path()))?;
            Ok::<_, String>(plain_answer(plain.status.unwrap_or(otherwise), &plain.headers, body))
        };
        if (!scenario.known || other) && answer.unknown.is_some() {
            return filled(answer.unknown.as_ref().unwrap_or(&answer.plain), 404);
        }
        scene.count();
        let full = filled(&answer.plain, 200)?;
        let nothing = other || scene.found_nothing();
        match answer.empty.as_ref().filter(|_| nothing) {
            Some(empty) => filled(empty, 200),
            None if other => Err(format!(
                "{} asks for {:?}, and the unit is {:?}; the answer has neither `unknown` nor `empty`",
                asked.url,
                url.path(),
                scenario.unit.code
            )),
            None => Ok(full),
        }
    }
}

impl Stage for Player {
    fn play(&self, asked: Asked) -> BoxFuture<'_, Result<Played, EgressError>> {
        let answer = self.answer(asked);
        async move { answer }.boxed()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The named parts of a request that an answer fits.
fn fit(answer: &Answer, asked: &Asked, url: &Url) -> Option<BTreeMap<String, String>> {
    let method = answer.method.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(asked.method.as_str()));
    let host = answer.host.as_deref().is_none_or(|host| url.host_str() == Some(host));
    if !method || !host {
        return None;
    }
    let mut parts = answer.path.matches(url.path(), Some('/'))?;
    for (name, pattern) in &answer.query {
        let found = url.query_pairs().find(|(key, _)| key == name)?;
        parts.extend(pattern.matches(&found.1, None)?);
    }
    let decoded = |text: String| percent_decode_str(&text).decode_utf8_lossy().into_owned();
    Some(parts.into_iter().map(|(name, part)| (name, decoded(part))).collect())
}

/// What a template sees: the request's parts by their names, and everything else by the names of the document.
fn context(
    scene: &Scene,
    answer: &Answer,
    asked: &Asked,
    url: &Url,
    parts: BTreeMap<String, String>,
) -> Value {
    let scenario = &scene.scenario;
    let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        lists.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let last = |(name, all): (&String, &Vec<String>)| Some((name.clone(), all.last()?.clone()));
    let query: BTreeMap<_, _> = lists.iter().filter_map(last).collect();
    let unit = &scenario.unit;
    let unit = BTreeMap::from([
        ("code", Value::from(unit.code.clone())),
        ("name", Value::from(unit.name.clone())),
        ("capacity_mw", Value::from(unit.capacity_mw)),
        ("attributes", Value::from(unit.attributes.clone())),
    ]);
    let mut context = BTreeMap::from([
        ("method".to_owned(), Value::from(asked.method.as_str())),
        ("url".to_owned(), Value::from(asked.url.clone())),
        ("query".to_owned(), Value::from(query)),
        ("queries".to_owned(), Value::from(lists)),
        ("headers".to_owned(), asked.headers.iter().cloned().collect::<BTreeMap<_, _>>().into()),
        ("request_body".to_owned(), Value::from(String::from_utf8_lossy(&asked.body).into_owned())),
        ("unit".to_owned(), Value::from(unit)),
        ("known".to_owned(), Value::from(scenario.known)),
        ("now".to_owned(), Value::from(scenario.now)),
    ]);
    if let Some(null) = &answer.null {
        context.insert("null".to_owned(), Value::from(null.clone()));
    }
    context.extend(parts.into_iter().map(|(name, part)| (name, Value::from(part))));
    Value::from(context)
}

/// The error and what caused it, on one line.
fn explain(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!(" (line {line} of its template)")).unwrap_or_default();
    format!("{error}{line}")
}

pub(super) fn plain_answer(
    status: u16,
    headers: &BTreeMap<String, String>,
    body: impl Into<Bytes>,
) -> Played {
    let headers = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    Played::Answer { status, headers, body: body.into() }
}

impl Plain {
    fn packed(&self, body: String) -> std::io::Result<Bytes> {
        match &self.pack {
            Some(pack) => pack.around(&body),
            None => Ok(body.into()),
        }
    }

    /// The answer, for a call in which nothing is known of the upstream.
    pub fn played(&self, status: u16) -> Played {
        plain_answer(self.status.unwrap_or(status), &self.headers, self.body.clone())
    }
}

/// A body that ends in its middle, within a line where it has several: as a connection leaves it that broke.
fn cut(body: &Bytes) -> Bytes {
    let middle = body.len() / 2;
    let document = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let end = match document {
        Some(b'{' | b'[' | b'<') => middle,
        _ => {
            let line = body.get(middle..).unwrap_or_default().iter().position(|byte| *byte == b'\n');
            line.map_or(middle, |line| middle + line + 1 + 3)
        }
    };
    body.slice(..end.min(body.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Unit, Window},
        egress::Method,
        kit::upstream::{Oddity, rows::Step},
    };

    const PARKS: &str = r#"
        [[unit]]
        code = "north"
        [[series]]
        kind = "generation"
        quantity = "mean-power"
        step = "1h"
        [[answer]]
        path = "/parks/{code}/{month}.csv"
        null = "-"
        empty.status = 404
        body = """
{% for row in rows(month) %}
{{ row.start | utc("%d.%m. %H:%M") }};{{ row.value }}
{% endfor %}
"""
    "#;

    fn asked(path: &str) -> Asked {
        Asked {
            method: Method::Get,
            url: format!("https://parks.example.org{path}"),
            headers: Vec::new(),
            body: Bytes::new(),
            key: String::new(),
        }
    }

    fn scenario(oddity: Oddity) -> Scenario {
        let unit = Unit { code: "north".into(), name: "north".into(), ..Unit::default() };
        let has = Window { start: 0, end: 1_706_749_200 };
        Scenario { unit, known: true, has, hole: None, oddity, now: 0 }
    }

    fn play(scenario: Scenario, path: &str) -> (u16, String, Heard) {
        let script = Arc::new(Script::parse(PARKS, Tz::UTC).unwrap());
        let player = Player::of(&script, scenario, Tz::UTC, Trick::None);
        let Ok(Played::Answer { status, body, .. }) = player.answer(asked(path)) else { panic!("no answer") };
        (status, String::from_utf8(body.to_vec()).unwrap(), player.heard())
    }

    #[test]
    fn a_template_is_given_the_rows_that_the_upstream_has() {
        // It has the first hour of February alone.
        let (status, body, heard) = play(scenario(Oddity::None), "/parks/north/2024-02.csv");
        assert_eq!(status, 200);
        assert!(body.starts_with("01.02. 00:00;") && body.lines().count() == 1, "{body:?}");
        assert!(heard.faults.is_empty());
        let (_, january, _) = play(scenario(Oddity::None), "/parks/north/2024-01.csv");
        assert_eq!(january.lines().count(), 744);
        let (status, body, _) = play(scenario(Oddity::None), "/parks/north/2024-03.csv");
        assert_eq!((status, body.as_str()), (404, ""), "what `empty` says");
        let unknown = Scenario { known: false, ..scenario(Oddity::None) };
        assert_eq!(play(unknown, "/parks/north/2024-02.csv").0, 404);
        assert_eq!(play(scenario(Oddity::None), "/parks/south/2024-02.csv").0, 404, "another unit");
    }

    #[test]
    fn oddities_are_in_what_is_written_and_not_in_what_is_so() {
        let path = "/parks/north/2024-01.csv";
        let lines = |oddity| play(scenario(oddity), path).1.lines().map(str::to_owned).collect::<Vec<_>>();
        let plain = lines(Oddity::None);
        let nulls = lines(Oddity::Nulls);
        assert_eq!((nulls.len(), nulls.iter().filter(|line| line.ends_with(";-")).count()), (744, 149));
        assert!(lines(Oddity::Duplicates).len() > 744);
        let mut disorder = lines(Oddity::Disorder);
        assert_ne!(disorder, plain);
        disorder.sort();
        assert_eq!(disorder, plain);
    }

    #[test]
    fn what_the_file_has_no_answer_to_is_told() {
        let (status, _, heard) = play(scenario(Oddity::None), "/health");
        assert_eq!(status, 404);
        assert!(heard.faults[0].contains("no [[answer]] fits GET https://parks.example.org/health"));
        let (_, _, heard) = play(scenario(Oddity::None), "/parks/north/yesterday.csv");
        assert!(heard.faults[0].contains("\"yesterday\" is not a month"), "{:?}", heard.faults);
    }

    #[test]
    fn a_packed_body_is_packed_whoever_answers() {
        let text = PARKS.replace("null = \"-\"", "null = \"-\"\npack = \"zip:parks.csv\"");
        let script = Arc::new(Script::parse(&text, Tz::UTC).unwrap());
        let body = |path: &str| {
            let player = Player::of(&script, scenario(Oddity::None), Tz::UTC, Trick::None);
            let Ok(Played::Answer { body, .. }) = player.answer(asked(path)) else { panic!("no answer") };
            body
        };
        let january = body("/parks/north/2024-01.csv");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(january)).unwrap();
        let rows = std::io::read_to_string(zip.by_name("parks.csv").unwrap()).unwrap();
        assert_eq!(rows.lines().count(), 744);
        assert!(body("/parks/north/2024-03.csv").is_empty(), "`empty` says for itself whether it is packed");
        let error = Script::parse(&text.replace("zip:parks", "rar:parks"), Tz::UTC).unwrap_err();
        assert!(error.contains("expected \"gzip\" or \"zip:NAME\""), "{error}");
    }

    #[test]
    fn a_body_is_cut_in_its_middle_and_within_a_line() {
        assert_eq!(&cut(&Bytes::from_static(b"[1,2,3,4]"))[..], b"[1,2");
        assert_eq!(&cut(&Bytes::from_static(b"a,11111\nb,22222\nc,33333\n"))[..], b"a,11111\nb,22222\nc,3");
    }

    #[test]
    fn a_file_is_refused_with_what_is_wrong_and_where() {
        for (from, to, why) in [
            ("step = \"1h\"", "step = \"2d\"", "[[series]] number 1: step"),
            ("quantity = \"mean-power\"", "quantity = \"power\"", "unknown quantity"),
            ("{month}.csv", "{month.csv", "[[answer]] number 1"),
            ("kind =", "kinds =", "unknown field"),
            ("code = \"north\"", "code = \"north\"\nrefused = true", "at least one [[unit]]"),
            ("step =", "units = [\"south\"]\nstep =", "\"north\" has no [[series]]"),
        ] {
            let error = Script::parse(&PARKS.replace(from, to), Tz::UTC).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!("1h".parse(), Ok(Step::Seconds(3600)));
    }
}
