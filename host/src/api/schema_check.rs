//! Whether a JSON value is what a schema says (JSON Schema 2020-12, as far as the descriptions of our requests go).
//! Everything that is not is told, each with its place. Patterns and formats are left to who reads the values: they say
//! better what is wrong.

use serde_json::{Map, Value};

use super::problem::{Misfit, misfit};

/// So many misfits are told of.
const MOST: usize = 100;

/// The longest text of a value in a message, in characters.
const LONGEST: usize = 40;

/// What does not fit. `schemas` are those that a schema may refer to.
pub(super) fn misfits(schemas: &Value, schema: &Value, value: &Value) -> Vec<Misfit> {
    let found = all(schemas, schema, value);
    found.into_iter().take(MOST).map(|(pointer, detail)| misfit(pointer, detail)).collect()
}

/// What does not fit of a parameter that comes as texts: repeated, or with commas between, if it is a list.
pub(super) fn text_misfits(schemas: &Value, schema: &Value, texts: &[&str]) -> Vec<String> {
    let kinds = kinds(&schema["type"]).unwrap_or_default();
    let value = if kinds.contains(&"array") {
        let words =
            texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|word| !word.is_empty());
        let item = self::kinds(&schema["items"]["type"]).unwrap_or_default();
        words.map(|word| typed(&item, word)).collect()
    } else {
        // Of one that comes twice, whoever reads it complains.
        typed(&kinds, texts.last().copied().unwrap_or_default())
    };
    all(schemas, schema, &value).into_iter().map(|(_, detail)| detail).collect()
}

/// A text as what is expected, if it is that.
fn typed(kinds: &[&str], text: &str) -> Value {
    let read = |kind: &&str| match *kind {
        "integer" => text.parse::<i64>().ok().map(Value::from),
        "number" => text.parse::<f64>().ok().map(Value::from),
        "boolean" => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    kinds.iter().find_map(read).unwrap_or_else(|| Value::from(text))
}

/// The same as pairs of pointer and detail, and perhaps some more.
fn all(schemas: &Value, schema: &Value, value: &Value) -> Vec<(String, String)> {
    let mut check = Check { schemas, found: Vec::new() };
    check.value(schema, value, "");
    check.found
}

/// The pointer to a field of what a pointer leads to.
pub(super) fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

struct Check<'a> {
    schemas: &'a Value,
    found: Vec<(String, String)>,
}

impl Check<'_> {
    fn note(&mut self, at: &str, what: String) {
        self.found.push((at.to_owned(), what));
    }

    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        if self.found.len() > MOST {
            return;
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            let schemas = self.schemas;
            self.value(&schemas[name], value, at);
        }
        for all in schema["allOf"].as_array().into_iter().flatten() {
            self.value(all, value, at);
        }
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            self.one_of(choices, value, at);
        }
        if let Some(kinds) = kinds(&schema["type"])
            && !kinds.iter().any(|kind| is(kind, value))
        {
            // Where nothing is allowed too, it is left out.
            let expected: Vec<_> = kinds.into_iter().filter(|kind| *kind != "null").map(in_words).collect();
            self.note(at, format!("expected {}, not {}", expected.join(" or "), short(value)));
            return;
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            let words: Vec<_> = words.iter().map(short).collect();
            self.note(at, format!("{} is none of {}", short(value), words.join(", ")));
        }
        match value {
            Value::Number(_) => self.number(schema, value, at),
            Value::String(text) => {
                self.count(schema, ("minLength", "maxLength"), text.chars().count(), "characters", at);
            }
            Value::Array(items) => self.array(schema, items, at),
            Value::Object(fields) => self.object(schema, fields, at),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// In our schemas: something, or null.
    fn one_of(&mut self, choices: &[Value], value: &Value, at: &str) {
        let tried = choices.iter().map(|choice| {
            let mut check = Check { schemas: self.schemas, found: Vec::new() };
            check.value(choice, value, at);
            (choice["type"] == "null", check.found)
        });
        let tried: Vec<_> = tried.collect();
        if !tried.iter().any(|(_, found)| found.is_empty()) {
            self.found.extend(tried.into_iter().filter(|(is_null, _)| !is_null).flat_map(|(_, found)| found));
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, at: &str) {
        // Bounds are far below where a float is no longer exact.
        let Some(number) = value.as_f64() else { return };
        let least = schema["minimum"].as_f64().filter(|least| number < *least);
        let most = schema["maximum"].as_f64().filter(|most| number > *most);
        let above = schema["exclusiveMinimum"].as_f64().filter(|least| number <= *least);
        for (broken, word) in [(least, "at least"), (most, "at most"), (above, "more than")] {
            if let Some(bound) = broken {
                self.note(at, format!("expected {word} {bound}, not {value}"));
            }
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], at: &str) {
        self.count(schema, ("minItems", "maxItems"), items.len(), "items", at);
        for (number, item) in items.iter().enumerate() {
            self.value(&schema["items"], item, &format!("{at}/{number}"));
            if schema["uniqueItems"] == true && items[..number].contains(item) {
                self.note(&format!("{at}/{number}"), "it is there already".to_owned());
            }
            if self.found.len() > MOST {
                return;
            }
        }
    }

    fn object(&mut self, schema: &Value, fields: &Map<String, Value>, at: &str) {
        self.count(schema, ("minProperties", "maxProperties"), fields.len(), "entries", at);
        let known = &schema["properties"];
        for (name, value) in fields {
            let at = below(at, name);
            match (known.get(name), &schema["additionalProperties"]) {
                (Some(schema), _) => self.value(schema, value, &at),
                (None, Value::Bool(false)) => {
                    let known = known.as_object().map(|known| known.keys().cloned().collect::<Vec<_>>());
                    let known = known.unwrap_or_default().join(", ");
                    self.note(&at, format!("there is no such field; expected {known}"));
                }
                (None, schema) => self.value(schema, value, &at),
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !fields.contains_key(*name)) {
            self.note(&below(at, name), "it is missing".to_owned());
        }
    }

    fn count(&mut self, schema: &Value, (least, most): (&str, &str), count: usize, what: &str, at: &str) {
        let bound = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if let Some(least) = bound(least).filter(|least| count < *least) {
            self.note(at, format!("expected at least {least} {what}, not {count}"));
        }
        if let Some(most) = bound(most).filter(|most| count > *most) {
            self.note(at, format!("expected at most {most} {what}, not {count}"));
        }
    }
}

fn kinds(given: &Value) -> Option<Vec<&str>> {
    match given {
        Value::String(kind) => Some(vec![kind]),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn in_words(kind: &str) -> &'static str {
    match kind {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        "object" => "an object",
        _ => "something else",
    }
}

/// A value in a message.
fn short(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => {
            let text = other.to_string();
            match text.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: Value) -> Vec<(String, String)> {
        let schemas = json!({ "Colour": { "type": "string", "enum": ["red", "blue"] } });
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {
                "name": { "type": "string", "minLength": 1, "maxLength": 5 },
                "colour": { "oneOf": [{ "$ref": "#/components/schemas/Colour" }, { "type": "null" }] },
                "count": { "type": ["integer", "null"], "minimum": 1, "maximum": 9 },
                "share": { "type": "number", "exclusiveMinimum": 0 },
                "ids": { "type": "array", "maxItems": 3, "uniqueItems": true, "items": { "type": "integer" } },
                "texts": { "type": "object", "maxProperties": 1, "additionalProperties": { "type": "string" } },
            },
        });
        all(&schemas, &schema, &value)
    }

    #[test]
    fn what_fits_has_no_misfits() {
        let all = json!({ "name": "ä€𝄞", "colour": "red", "count": 9, "share": 0.1, "ids": [1, 2, 3],
                          "texts": { "a": "b" } });
        assert_eq!(found(all), []);
        assert_eq!(found(json!({ "name": "x", "colour": null, "count": null })), []);
    }

    #[test]
    fn everything_that_does_not_fit_is_told_with_its_place() {
        let all = json!({ "colour": "green", "count": 1.5, "share": 0, "ids": [1, "2", 1, 4],
                          "texts": { "a/b": 1, "c": "d" }, "more": 1 });
        let mut places: Vec<_> = found(all).into_iter().map(|(at, _)| at).collect();
        places.sort_unstable();
        assert_eq!(
            places,
            [
                "/colour",
                "/count",
                "/ids",
                "/ids/1",
                "/ids/2",
                "/more",
                "/name",
                "/share",
                "/texts",
                "/texts/a~1b"
            ]
        );
        let of = |value| found(value).into_iter().map(|(at, why)| format!("{at}: {why}")).collect::<Vec<_>>();
        assert_eq!(of(json!({ "name": "" })), ["/name: expected at least 1 characters, not 0"]);
        assert_eq!(of(json!({ "name": "x", "count": 10 })), ["/count: expected at most 9, not 10"]);
        assert_eq!(of(json!({ "name": 7 })), ["/name: expected a text, not 7"]);
        assert_eq!(of(json!({ "name": "x", "colour": 3 }))[0], "/colour: expected a text, not 3");
        assert_eq!(of(json!([1])), [": expected an object, not a list"]);
    }

    #[test]
    fn texts_of_a_query_are_what_their_schema_says() {
        let schemas = json!({ "Colour": { "type": "string", "enum": ["red", "blue"] } });
        let fits = |schema: Value, texts: &[&str]| text_misfits(&schemas, &schema, texts).is_empty();
        let number = json!({ "type": ["integer", "null"], "minimum": 1 });
        assert!(fits(number.clone(), &["7"]));
        assert!(!fits(number.clone(), &["0"]) && !fits(number.clone(), &["x"]) && !fits(number, &[""]));
        let colours =
            json!({ "type": "array", "items": { "$ref": "#/components/schemas/Colour" }, "maxItems": 2 });
        assert!(fits(colours.clone(), &["red,blue"]) && fits(colours.clone(), &["red", "blue"]));
        assert!(fits(colours.clone(), &[""]));
        assert!(!fits(colours.clone(), &["red,green"]) && !fits(colours, &["red,blue", "red"]));
        let ids = json!({ "type": "array", "items": { "type": "integer" } });
        assert!(fits(ids.clone(), &["1,2"]) && !fits(ids, &["1,two"]));
        assert!(fits(json!({ "type": "boolean" }), &["true"]) && !fits(json!({ "type": "boolean" }), &["1"]));
        assert!(fits(json!({ "type": ["string", "null"] }), &["true"]));
    }

    #[test]
    fn of_very_many_misfits_the_first_are_told() {
        let ids: Vec<_> = (0..100_000).map(|_| json!("x")).collect();
        let count = found(json!({ "name": "x", "ids": ids })).len();
        assert!((MOST..MOST + 3).contains(&count), "{count}");
    }
}
