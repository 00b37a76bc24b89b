//! Changes that the host itself makes to `backfill.toml`, at somebody's command: values are replaced where they stand,
//! and comments and layout stay as people wrote them.

use std::{fs, io, path::Path};

use toml_edit::{DocumentMut, Item, TableLike};

/// The text of a configuration in which a source has another component, another digest, or both.
///
/// # Errors
/// Says what stands in the way, for people.
pub fn with_component(
    text: &str,
    source: &str,
    component: Option<&str>,
    sha256: Option<&str>,
) -> Result<String, String> {
    let (mark, text) = text.strip_prefix('\u{feff}').map_or(("", text), |rest| ("\u{feff}", rest));
    let mut document: DocumentMut = text.parse().map_err(|error| format!("it is no TOML: {error}"))?;
    let sources = document.get_mut("source").and_then(Item::as_array_of_tables_mut);
    let is_it = |table: &&mut toml_edit::Table| table.get("id").and_then(Item::as_str) == Some(source);
    let table = sources.and_then(|sources| sources.iter_mut().find(is_it));
    let table = table.ok_or_else(|| format!("it has no [[source]] with id = {source:?}"))?;
    if let Some(component) = component {
        match table.get_mut("component") {
            Some(item) if item.is_str() => replace(item, component),
            Some(item) => match item.as_table_like_mut().and_then(|table| table.get_mut("url")) {
                Some(url) => replace(url, component),
                None => return Err("`component` is neither a text nor a table with a url".to_owned()),
            },
            None => return Err("it has no `component`".to_owned()),
        }
    }
    match (table.get_mut("sha256"), sha256) {
        (Some(item), Some(sha256)) => replace(item, sha256),
        (None, Some(sha256)) => drop(TableLike::insert(table, "sha256", toml_edit::value(sha256))),
        (_, None) => {}
    }
    Ok(format!("{mark}{document}"))
}

/// Another text in place of a value, with what stands around it.
fn replace(item: &mut Item, text: &str) {
    let decor = item.as_value().map(|value| value.decor().clone());
    *item = toml_edit::value(text);
    if let (Some(value), Some(decor)) = (item.as_value_mut(), decor) {
        *value.decor_mut() = decor;
    }
}

/// Puts a file in the place of another one, whole or not at all, with the permissions of the one before.
///
/// # Errors
/// It can't be written there.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // What a link leads to is replaced, and not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let part = path.with_added_extension(format!("{}.part", std::process::id()));
    let written = fs::write(&part, bytes)
        .and_then(|()| match fs::metadata(&path) {
            Ok(before) => fs::set_permissions(&part, before.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| fs::rename(&part, &path));
    if written.is_err() {
        // Nothing of it is to be left; why it could not be written is what is told.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# Ours.
[[source]]
id = "a"
component = "a.wasm"   # built by hand

[[source]]
# The second.
id = "b"
component = { url = "oci://ghcr.io/b@sha256:1", private = true } # from there
sha256   =   "11"      # pinned
[source.settings]
x = 1
"#;

    #[test]
    fn values_are_replaced_where_they_stand() {
        let a = with_component(TEXT, "a", Some("b.wasm"), None).unwrap();
        assert_eq!(a, TEXT.replace("\"a.wasm\"", "\"b.wasm\""));
        let b = with_component(TEXT, "b", Some("oci://ghcr.io/b@sha256:2"), Some("22")).unwrap();
        assert_eq!(b, TEXT.replace("sha256:1", "sha256:2").replace("\"11\"", "\"22\""));
        let pinned = with_component(TEXT, "a", None, Some("33")).unwrap();
        assert_eq!(pinned, TEXT.replace("by hand\n", "by hand\nsha256 = \"33\"\n"));
        assert!(with_component(TEXT, "c", None, None).unwrap_err().contains("no [[source]]"));
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_through_its_link() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["x", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        replace_file(&link, b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
    }
}
