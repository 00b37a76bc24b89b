//! Schemas of what many requests have in common.

use utoipa::openapi::{
    Object, ObjectBuilder,
    schema::{AdditionalProperties, Schema, SchemaType, Type},
};

/// A text that people can read, as `domain::unfit_text` takes it: 1 to 500 characters, none of them a control
/// character but line breaks and tabs, the first no space.
const PLAIN: &str = r"^[^\s\x00-\x1f\x7f-\x9f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

/// The same, or nothing, or with a space to begin with.
const PRINTED: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

const LONGEST: usize = 500;

/// The most texts with names.
const MOST: usize = 100;

fn text(kind: SchemaType, pattern: &str, shortest: usize) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(kind).max_length(Some(LONGEST)).pattern(Some(pattern));
    if shortest > 0 { object.min_length(Some(shortest)) } else { object }
}

fn or_null(kind: Type) -> SchemaType {
    SchemaType::Array(vec![kind, Type::Null])
}

/// A text that people can read.
pub(super) fn plain() -> Object {
    text(Type::String.into(), PLAIN, 1).build()
}

/// The same, where it may be left out.
pub(super) fn plain_or_null() -> Object {
    text(or_null(Type::String), PLAIN, 1).build()
}

fn named(kind: SchemaType) -> Object {
    let value = text(Type::String.into(), PRINTED, 0).build();
    ObjectBuilder::new()
        .schema_type(kind)
        .property_names(Some(Schema::Object(plain())))
        .additional_properties(Some(AdditionalProperties::from(Schema::Object(value))))
        .max_properties(Some(MOST))
        .build()
}

/// Texts with names.
pub(super) fn texts() -> Object {
    named(Type::Object.into())
}

/// The same, where they may be left out.
pub(super) fn texts_or_null() -> Object {
    named(or_null(Type::Object))
}
