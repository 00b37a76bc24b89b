//! What templates of `upstream.toml` can call: rows of the series, times in any zone, months.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};

use chrono_tz::Tz;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior,
    syntax::SyntaxConfig,
    value::{Kwargs, Value, ValueKind},
};

use super::{
    scenario::Scenario,
    script::{Expected, Script},
    times,
};
use crate::domain::{Month, Window};

/// What templates see of one call.
pub(super) struct Scene {
    pub(super) script: Arc<Script>,
    pub(super) scenario: Scenario,
    /// Whose months the source reports.
    pub(super) zone: Tz,
    /// Whether the template that is being rendered asked for rows, and how many it was given.
    asked: AtomicBool,
    given: AtomicUsize,
}

impl Scene {
    pub(super) const fn new(script: Arc<Script>, scenario: Scenario, zone: Tz) -> Self {
        Self { script, scenario, zone, asked: AtomicBool::new(false), given: AtomicUsize::new(0) }
    }

    /// Begins to count rows anew.
    pub(super) fn count(&self) {
        self.asked.store(false, Relaxed);
        self.given.store(0, Relaxed);
    }

    /// Whether a template asked for rows and there were none.
    pub(super) fn found_nothing(&self) -> bool {
        self.asked.load(Relaxed) && self.given.load(Relaxed) == 0
    }

    fn series(&self, name: Option<&str>) -> Result<&Expected, Error> {
        let all = &self.script.series;
        let own = || all.iter().filter(|series| series.is_of(&self.scenario.unit));
        let found = match name {
            None => own().next(),
            // Another unit's series is one that this unit has no row of.
            Some(name) => own().chain(all).find(|series| series.name == name),
        };
        found.ok_or_else(|| wrong(format!("there is no [[series]] with the name {name:?}")))
    }

    fn window(&self, from: &Value, to: Option<&Value>) -> Result<Window, Error> {
        if let Some(to) = to.filter(|to| !to.is_none() && !to.is_undefined()) {
            return Ok(Window { start: self.instant(from)?, end: self.instant(to)? });
        }
        if from.kind() == ValueKind::Map {
            let edge = |name: &str| from.get_attr(name).and_then(|edge| self.instant(&edge));
            return Ok(Window { start: edge("start")?, end: edge("end")? });
        }
        Ok(read_month(from.as_str().unwrap_or_default())?.window(self.zone))
    }

    fn instant(&self, value: &Value) -> Result<i64, Error> {
        match value.as_str() {
            Some(text) => times::read(text, Tz::UTC, None).ok_or_else(|| not_a_time(text)),
            None => i64::try_from(value.clone()),
        }
    }

    fn rows(
        &self,
        state: &State<'_, '_>,
        from: &Value,
        to: Option<&Value>,
        args: &Kwargs,
    ) -> Result<Value, Error> {
        let series = self.series(args.get("series")?)?;
        args.assert_all_used()?;
        let null = state.lookup("null").filter(|null| !null.is_undefined());
        let rows = self.scenario.written(series, self.window(from, to)?);
        let rows: Vec<Value> = rows
            .into_iter()
            .enumerate()
            .filter_map(|(index, row)| {
                let value = row.value.map(Value::from).or_else(|| null.clone())?;
                let fields = [
                    ("start", Value::from(row.start)),
                    ("end", Value::from(row.end)),
                    ("seconds", Value::from(row.end - row.start)),
                    ("index", Value::from(index)),
                    ("value", value),
                ];
                Some(Value::from(BTreeMap::from(fields)))
            })
            .collect();
        self.asked.store(true, Relaxed);
        self.given.fetch_add(rows.len(), Relaxed);
        Ok(Value::from(rows))
    }
}

/// An environment in which a scene's answers are rendered.
pub(super) fn environment(scene: &Arc<Scene>) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    // A tag on a line of its own leaves no line behind.
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    if let Ok(syntax) = syntax.build() {
        env.set_syntax(syntax);
    }
    let own = Arc::clone(scene);
    env.add_function("rows", move |state: &State<'_, '_>, from: Value, to: Option<Value>, args: Kwargs| {
        own.rows(state, &from, to.as_ref(), &args)
    });
    let own = Arc::clone(scene);
    env.add_function("value", move |start: i64, args: Kwargs| {
        let series = own.series(args.get("series")?)?;
        args.assert_all_used()?;
        Ok(Value::from(own.scenario.value(series, start)))
    });
    let own = Arc::clone(scene);
    env.add_function("month", move |text: Value| month(&text, own.zone));
    let own = Arc::clone(scene);
    env.add_function("month_of", move |at: i64| {
        let at = chrono::DateTime::from_timestamp(at, 0).ok_or_else(|| not_a_time(&at.to_string()))?;
        month_value(Month::of(at, own.zone).map_err(|why| wrong(why.to_string()))?, own.zone)
    });
    env.add_function("instant", |text: String, zone: Option<String>, form: Option<String>| {
        let zone = zone.map_or(Ok(Tz::UTC), |zone| read_zone(&zone))?;
        times::read(&text, zone, form.as_deref()).ok_or_else(|| not_a_time(&text))
    });
    env.add_filter("utc", |at: i64, form: String| written(at, Tz::UTC, &form));
    env.add_filter("local", |at: i64, zone: String, form: String| written(at, read_zone(&zone)?, &form));
    env
}

fn month(text: &Value, zone: Tz) -> Result<Value, Error> {
    month_value(read_month(text.as_str().unwrap_or_default())?, zone)
}

fn month_value(month: Month, zone: Tz) -> Result<Value, Error> {
    let window = month.window(zone);
    Ok(Value::from(BTreeMap::from([
        ("text", Value::from(month.to_string())),
        ("year", Value::from(month.year())),
        ("number", Value::from(month.number())),
        ("start", Value::from(window.start)),
        ("end", Value::from(window.end)),
        ("next", Value::from(month.next().to_string())),
    ])))
}

fn read_month(text: &str) -> Result<Month, Error> {
    text.parse().map_err(|why: crate::domain::MonthError| wrong(why.to_string()))
}

fn read_zone(name: &str) -> Result<Tz, Error> {
    name.parse().map_err(|_| wrong(format!("{name:?} is no IANA time zone")))
}

fn written(at: i64, zone: Tz, form: &str) -> Result<String, Error> {
    times::write(at, zone, form)
        .ok_or_else(|| wrong(format!("{form:?} is no form of strftime, or {at} no instant")))
}

fn not_a_time(text: &str) -> Error {
    wrong(format!("{text:?} is no time that is understood; give instant() its form"))
}

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}
