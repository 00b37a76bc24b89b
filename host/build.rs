//! Two folders are embedded by macros that do not see new files by themselves.

use std::{fs, path::Path};

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=../migrations");
    // Cargo takes a path that is not there for one that always changes. Without `npm run build` it stays empty.
    let web = Path::new("../web");
    if web.is_dir() {
        fs::create_dir_all(web.join("dist"))?;
        println!("cargo:rerun-if-changed=../web/dist");
    }
    Ok(())
}
