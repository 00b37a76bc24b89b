//! Two folders are embedded by macros that do not see new files by themselves; and what the host is built from gets a
//! digest, by which it knows a verdict of its own from that of another build.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::Path,
};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=../migrations");
    // Cargo takes a path that is not there for one that always changes. Without `npm run build` it stays empty.
    let web = Path::new("../web");
    if web.is_dir() {
        fs::create_dir_all(web.join("dist"))?;
        println!("cargo:rerun-if-changed=../web/dist");
    }
    let mut code = DefaultHasher::new();
    for path in ["src", "../Cargo.lock"] {
        println!("cargo:rerun-if-changed={path}");
        add(Path::new(path), &mut code)?;
    }
    println!("cargo:rustc-env=BACKFILL_CODE={:016x}", code.finish());
    Ok(())
}

/// Adds a file, or every file of a folder in the order of their names.
fn add(path: &Path, code: &mut DefaultHasher) -> io::Result<()> {
    if !path.is_dir() {
        path.hash(code);
        fs::read(path)?.hash(code);
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    entries.iter().try_for_each(|entry| add(&entry.path(), code))
}
