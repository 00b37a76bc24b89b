//! A `backfill worker` process, and what can be done to it.

use std::{
    fs::File,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::process::Child;

use crate::support::work_folder::WorkFolder;

/// A worker process. It is killed when dropped.
pub(crate) struct Worker {
    child: Child,
    log: PathBuf,
    /// Set while it is stopped: when it is to go on.
    pub(crate) stopped_until: Option<Instant>,
}

impl Worker {
    /// Starts one; what it logs is appended to the file of its number.
    pub(crate) fn start(folder: &WorkFolder, number: usize) -> Self {
        let log = folder.path(&format!("worker-{number}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = folder.command(&["worker"]);
        command.stdout(Stdio::null()).stderr(file);
        Self { child: command.spawn().unwrap(), log, stopped_until: None }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it was not waited for yet")
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.id().to_string()]).status().unwrap().success());
    }

    /// Fails with its log if it ended by itself.
    pub(crate) fn assert_runs(&mut self) {
        assert!(!self.has_ended(), "a worker ended by itself:\n{}", self.last_lines());
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// As by the kernel when memory is short: nothing of it goes on.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// As by a virtual machine that is paused: everything of it goes on later, as if nothing had been.
    pub(crate) fn stop(&mut self, pause: Duration) {
        self.signal("-STOP");
        self.stopped_until = Some(Instant::now() + pause);
    }

    pub(crate) fn go_on(&mut self) {
        self.signal("-CONT");
        self.stopped_until = None;
    }

    /// Asks it to end, which it does well and in time.
    pub(crate) async fn end(mut self) {
        self.signal("-TERM");
        let ended = tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("SIGTERM did not end it:\n{}", self.last_lines()));
        assert!(status.as_ref().unwrap().success(), "it ended with {status:?}:\n{}", self.last_lines());
    }

    pub(crate) fn last_lines(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
