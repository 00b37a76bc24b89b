//! A mail server on loopback that keeps what it is given.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A running server.
pub(super) struct MailServer {
    pub(super) port: u16,
    heard: Heard,
}

/// Lines, each with the number of its connection.
type Heard = Arc<Mutex<Vec<(usize, String)>>>;

/// What the server answers to a command, where that is not the usual.
type Refuse = fn(nth: usize, line: &str) -> Option<String>;

impl MailServer {
    pub(super) async fn start(refuse: Refuse) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Heard::default();
        let server = Self { port, heard: Arc::clone(&heard) };
        tokio::spawn(async move {
            let mut nth = 0;
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(talk(socket, nth, refuse, Arc::clone(&heard)));
                nth += 1;
            }
        });
        server
    }

    /// The configuration that sends mail by it.
    pub(super) fn config(&self, more: &str) -> String {
        format!(
            "[notifications.smtp]\nserver = \"127.0.0.1\"\nport = {}\nfrom = \"Backfill <backfill@example.org>\"\n{more}\n",
            self.port
        )
    }

    /// Every line that came, one connection after the other.
    pub(super) fn heard(&self) -> Vec<String> {
        let mut heard = self.heard.lock().unwrap().clone();
        heard.sort_by_key(|(nth, _)| *nth);
        heard.into_iter().map(|(_, line)| line).collect()
    }

    /// The mails that were taken, with their lines.
    pub(super) fn mails(&self) -> Vec<String> {
        let all = self.heard().join("\n");
        all.split("\nDATA\n")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once("\n.\n")?.0.to_owned()))
            .collect()
    }
}

/// The `nth` connection.
async fn talk(socket: TcpStream, nth: usize, refuse: Refuse, heard: Heard) -> Option<()> {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 sink ESMTP\r\n").await.ok()?;
    let mut in_data = false;
    while let Some(line) = lines.next_line().await.ok()? {
        heard.lock().unwrap().push((nth, line.clone()));
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let usual = match verb.as_str() {
            _ if in_data && line != "." => continue,
            _ if in_data => "250 taken",
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        let answer = refuse(nth, &line).unwrap_or_else(|| usual.to_owned());
        in_data = answer.starts_with("354");
        write.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
    Some(())
}
