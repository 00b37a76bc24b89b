//! Which files have changed, by looking at them now and then: it works on every file system, and needs nothing of the
//! system that a network share or a container may not have.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// So many looks a file may keep others waiting by changing.
const MOST_WAITS: u32 = 5;

/// What a file looked like; nothing while there is none. A file that is replaced by renaming another one has another
/// number and time of change, even if its contents are older.
type Stamp = Option<(u64, u64, (i64, i64), (i64, i64))>;

/// Files that are looked at.
#[derive(Debug, Default)]
pub(super) struct Files {
    seen: BTreeMap<PathBuf, Seen>,
    waits: u32,
}

#[derive(Debug)]
struct Seen {
    /// At the last look.
    last: Stamp,
    /// When it was last taken for what it is, if it ever was.
    taken: Option<Stamp>,
}

impl Files {
    /// Looks at these files, and gives those that have changed, or are new here, and were the same at the last look: one
    /// that changes still may be half written. While one does, the others wait a few looks, since what is written together is
    /// meant together. `at_once` waits for nothing.
    pub(super) fn changed(&mut self, files: &[PathBuf], at_once: bool) -> Vec<PathBuf> {
        self.seen.retain(|path, _| files.contains(path));
        let (mut settled, mut unsettled) = (Vec::new(), 0);
        for path in files {
            let now = stamp(path);
            let is_new = !self.seen.contains_key(path);
            let seen = self.seen.entry(path.clone()).or_insert(Seen { last: now, taken: None });
            if seen.taken != Some(now) {
                if at_once || now == seen.last && !is_new {
                    settled.push(path.clone());
                } else {
                    unsettled += 1;
                }
            }
            seen.last = now;
        }
        if unsettled > 0 && self.waits < MOST_WAITS {
            self.waits += 1;
            return Vec::new();
        }
        self.waits = 0;
        for path in &settled {
            if let Some(seen) = self.seen.get_mut(path) {
                seen.taken = Some(seen.last);
            }
        }
        settled
    }

    /// Whether a file is still as it was when it was last taken.
    pub(super) fn is_as_taken(&self, path: &Path) -> bool {
        self.seen.get(path).is_none_or(|seen| seen.taken == Some(stamp(path)))
    }
}

fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((data.ino(), data.size(), (data.mtime(), data.mtime_nsec()), (data.ctime(), data.ctime_nsec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_once_it_stays_the_same_and_what_is_written_together_together() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        fs::write(&a, "1").unwrap();
        let both = [a.clone(), b.clone()];
        let mut files = Files::default();
        let none = Vec::<PathBuf>::new();
        assert_eq!(files.changed(&both, false), none, "whoever writes may not be done");
        assert_eq!(files.changed(&both, false), both, "they may have changed since they were read");
        assert_eq!(files.changed(&both, false), none);

        fs::write(&a, "12").unwrap();
        assert_eq!(files.changed(&both, false), none, "it may be half written");
        fs::write(&b, "new").unwrap();
        assert_eq!(files.changed(&both, false), none, "the other one may be");
        assert_eq!(files.changed(&both, false), both);
        assert_eq!(files.changed(&both, false), none);

        fs::write(&a, "123").unwrap();
        assert_eq!(files.changed(&both, true), vec![a.clone()], "somebody says that it is whole");
        let replaced = folder.path().join("c");
        fs::write(&replaced, "321").unwrap();
        fs::rename(&replaced, &a).unwrap();
        fs::remove_file(&b).unwrap();
        assert_eq!(files.changed(&both, false), none);
        assert_eq!(files.changed(&both, false), both, "replaced by another one of its size, and gone");
        assert!(files.is_as_taken(&a) && files.is_as_taken(&b));
        fs::write(&b, "again").unwrap();
        assert!(!files.is_as_taken(&b));
    }

    #[test]
    fn a_file_that_never_comes_to_rest_does_not_hold_up_the_others_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let both = [a.clone(), b.clone()];
        let mut files = Files::default();
        files.changed(&both, true);
        fs::write(&a, "1").unwrap();
        let found = (0..20).find_map(|n| {
            fs::write(&b, "x".repeat(n)).unwrap();
            Some(files.changed(&both, false)).filter(|changed| !changed.is_empty())
        });
        assert_eq!(found, Some(vec![a]));
    }
}
