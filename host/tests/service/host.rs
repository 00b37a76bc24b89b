//! A host that runs.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr},
};

use crate::support::work_folder::WorkFolder;

pub(crate) struct Host {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    log: Vec<String>,
}

impl Host {
    /// Starts one, and waits until it is ready for work.
    pub(crate) async fn start(folder: &WorkFolder, arguments: &[&str]) -> Self {
        let mut host = Self::spawn(folder, arguments);
        host.says("ready for work").await;
        host
    }

    /// Starts a command whose log is listened to.
    pub(crate) fn spawn(folder: &WorkFolder, arguments: &[&str]) -> Self {
        let mut child =
            folder.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, log: Vec::new() }
    }

    /// Waits until its log says something; gives the line.
    pub(crate) async fn says(&mut self, what: &str) -> String {
        let patience = tokio::time::Instant::now() + Duration::from_secs(120);
        loop {
            match tokio::time::timeout_at(patience, self.lines.next_line()).await {
                Ok(Ok(Some(line))) => {
                    self.log.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Ok(_) => panic!("it ended without saying {what:?}:\n{}", self.log.join("\n")),
                Err(_) => panic!("it never said {what:?}:\n{}", self.log.join("\n")),
            }
        }
    }

    /// Waits until it answers; gives its address, `127.0.0.1:…`.
    #[allow(dead_code, reason = "not every test binary that shares this file needs it")]
    pub(crate) async fn address(&mut self) -> String {
        let said = self.says("answering on").await;
        let address = said.split("http://").nth(1).expect("it says where").split('"').next();
        address.expect("the text before the first quote").trim().to_owned()
    }

    /// Waits until it has ended; gives all that it said.
    #[allow(dead_code, reason = "not every test binary that shares this file needs it")]
    pub(crate) async fn rest(&mut self) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            self.log.push(line);
        }
        self.log.join("\n")
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Stops it amid whatever it does, until `-CONT`. Returns once nothing of it goes on: the signal alone says nothing
    /// of threads that have yet to meet it.
    #[allow(dead_code, reason = "not every test binary that shares this file needs it")]
    pub(crate) async fn freeze(&self) {
        self.signal("-STOP");
        let threads = format!("/proc/{}/task", self.child.id().expect("it runs"));
        // `ID (name) STATE …`; one that is gone does nothing.
        let stat = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("stat"));
        let has_stopped = || {
            let threads = std::fs::read_dir(&threads).unwrap().map(Result::unwrap);
            threads.map(stat).all(|stat| stat.is_err() || stat.is_ok_and(|stat| stat.contains(") T ")))
        };
        let begun = Instant::now();
        while !has_stopped() {
            assert!(begun.elapsed().as_secs() < 60, "it does not stop");
            tokio::time::sleep(Duration::from_millis(5)).await; // waits for its threads to stop
        }
    }

    /// Waits until it has ended; gives its exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(Duration::from_secs(90), self.child.wait()).await;
        ended.expect("it ends soon").unwrap().code()
    }
}
