//! `[notifications]`: how people and programs elsewhere are told what happened. Webhooks themselves are kept in
//! the database; who gets mail stands here.

use std::path::Path;

use lettre::message::Mailbox;

use super::{
    Origin,
    reading::{FromText, Item, Section, did_you_mean},
};
use crate::domain::EventKind;

/// `[notifications]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Notifications {
    /// Whether webhooks may be sent to loopback and private networks.
    pub private_networks: bool,
    /// `[notifications.smtp]`; without it no mail is sent.
    pub smtp: Option<Smtp>,
}

/// `[notifications.smtp]`: the server that takes mail, and who gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Smtp {
    /// Its name; the certificate must be for it.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// Who logs in; nobody where it is absent.
    pub login: Option<(String, Origin)>,
    /// Who the mail is from.
    pub from: Mailbox,
    /// Who gets it, each their own; not empty, all distinct.
    pub to: Vec<Mailbox>,
    /// The kinds of events to be told of; empty for the usual ones.
    pub events: Vec<EventKind>,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Begins in the clear and must switch to TLS before anything is said.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: for a server on the same machine or network.
    None,
}

impl FromText for SmtpTls {
    const EXPECTED: &'static str = "\"starttls\", \"tls\" or \"none\"";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "starttls" => Ok(Self::StartTls),
            "tls" => Ok(Self::Tls),
            "none" => Ok(Self::None),
            _ => Err(format!("{text:?} is no way to encrypt mail")),
        }
    }
}

impl FromText for Mailbox {
    const EXPECTED: &'static str = "an address such as \"ops@example.org\" or \"Backfill <ops@example.org>\"";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not a mail address"))
    }
}

impl FromText for EventKind {
    const EXPECTED: &'static str = "a kind of event that can be told of, such as \"job-ended\"";

    fn from_text(text: &str) -> Result<Self, String> {
        Self::told().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let kinds = Self::told().map(Self::as_str);
            let near = did_you_mean(text, kinds.clone());
            let kinds = kinds.collect::<Vec<_>>().join(", ");
            format!("{text:?} is none of {kinds}{near}")
        })
    }
}

impl SmtpTls {
    /// The port by convention.
    const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Notifications {
    pub(super) fn read(section: Section<'_>, folder: &Path) -> Self {
        let smtp = section.item("smtp").and_then(|item| item.section("a table"));
        let read = Self {
            private_networks: section.flag("private_networks", false),
            smtp: smtp.and_then(|smtp| Smtp::read(smtp, folder)),
        };
        section.finish();
        read
    }
}

impl Smtp {
    fn read(section: Section<'_>, folder: &Path) -> Option<Self> {
        // Everything is read before anything missing ends this, so that every problem shows.
        let server: Option<String> =
            section.required("server", "the name of a mail server").and_then(|item| item.text());
        let tls = section.text("tls").unwrap_or(SmtpTls::StartTls);
        let port = section.count("port", tls.port().into(), 1..=65_535);
        let login = login(&section, folder);
        let from = section.required("from", Mailbox::EXPECTED).and_then(|item| item.text());
        let to = to(&section);
        let events = section.item("events").map(|item| item.list("an array of kinds of events"));
        let events = events.iter().flatten().filter_map(Item::text).collect();
        let local = |server: &String| ["localhost", "127.0.0.1", "::1"].contains(&server.as_str());
        if login.is_some() && tls == SmtpTls::None && !server.as_ref().is_some_and(local) {
            let message =
                "sends the password in the clear; expected \"starttls\" or \"tls\" where there is a user";
            section.problem("tls", message.to_owned());
        }
        section.finish();
        let port = u16::try_from(port).ok()?;
        Some(Self { server: server?, port, tls, login, from: from?, to: to?, events })
    }
}

fn login(section: &Section<'_>, folder: &Path) -> Option<(String, Origin)> {
    let (user, password) = (section.item("user"), section.item("password"));
    match (user, password) {
        (None, None) => None,
        (Some(user), Some(password)) => {
            let (user, password) = (user.text(), password.text::<Origin>());
            Some((user?, password?.within(folder)))
        }
        (Some(_), None) => {
            section.problem("password", format!("is missing beside user; expected {}", Origin::EXPECTED));
            None
        }
        (None, Some(password)) => {
            password.problem("is given without a user; expected user = \"…\" too".to_owned())
        }
    }
}

fn to(section: &Section<'_>) -> Option<Vec<Mailbox>> {
    const EXPECTED: &str = "an array of addresses, such as [\"ops@example.org\"]";
    let item = section.required("to", EXPECTED)?;
    let items = item.list(EXPECTED);
    let mut to: Vec<Mailbox> = Vec::new();
    for item in &items {
        let Some(mailbox) = item.text::<Mailbox>() else { continue };
        if to.iter().any(|other| other.email == mailbox.email) {
            item.problem::<()>(format!(
                "{:?} stands here twice; expected it once",
                mailbox.email.to_string()
            ));
        } else {
            to.push(mailbox);
        }
    }
    if items.is_empty() && item.is_list() {
        item.problem::<()>(format!("is empty; expected {EXPECTED}"));
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Problems, reading};

    fn parse(text: &str) -> Result<Notifications, Problems> {
        let (read, problems) = reading::document(Path::new("b.toml"), text, |root| {
            Notifications::read(root.section("notifications"), Path::new(""))
        });
        Problems::unless_any(read, problems)
    }

    fn messages(text: &str) -> Vec<String> {
        parse(text).err().iter().flat_map(Problems::iter).map(ToString::to_string).collect()
    }

    #[test]
    fn mail_is_read_whole_and_is_not_sent_unless_it_stands_there() {
        let silent = Notifications { private_networks: false, smtp: None };
        assert_eq!(parse("").unwrap(), silent);
        let read = parse(
            r#"
            [notifications]
            private_networks = true
            [notifications.smtp]
            server = "mail.example.org"
            tls = "tls"
            user = "backfill"
            password = "file:smtp-password"
            from = "Backfill <backfill@example.org>"
            to = ["ops@example.org", "Night Shift <night@example.org>"]
            events = ["job-ended", "source-paused"]
            "#,
        )
        .unwrap();
        let smtp = Smtp {
            server: "mail.example.org".to_owned(),
            port: 465,
            tls: SmtpTls::Tls,
            login: Some(("backfill".to_owned(), Origin::File("smtp-password".into()))),
            from: "Backfill <backfill@example.org>".parse().unwrap(),
            to: vec!["ops@example.org".parse().unwrap(), "Night Shift <night@example.org>".parse().unwrap()],
            events: vec![EventKind::JobEnded, EventKind::SourcePaused],
        };
        assert_eq!(read, Notifications { private_networks: true, smtp: Some(smtp) });
    }

    #[test]
    fn what_is_wrong_with_mail_is_said_with_what_is_expected() {
        let about = |lines: &str| {
            let base = "[notifications.smtp]\nserver = \"m.org\"\nfrom = \"a@b.org\"\nto = [\"c@d.org\"]\n";
            messages(&format!("{base}{lines}"))
        };
        assert_eq!(about("port = 2525\ntls = \"none\""), [""; 0]);
        let cases = [
            (
                "tls = \"ssl\"",
                "smtp.tls: \"ssl\" is no way to encrypt mail; expected \"starttls\", \"tls\" or \"none\"",
            ),
            ("user = \"u\"", "smtp.password: is missing beside user; expected \"env:VAR\" or \"file:PATH\""),
            ("password = \"env:P\"", "smtp.password: is given without a user"),
            ("user = \"u\"\npassword = \"hush\"", "smtp.password: is neither a variable nor a file"),
            (
                "user = \"u\"\npassword = \"env:P\"\ntls = \"none\"",
                "smtp.tls: sends the password in the clear",
            ),
            ("port = 65536", "smtp.port: 65536 is out of range; expected a whole number from 1 to 65535"),
            ("events = [\"job-end\"]", "smtp.events[0]: \"job-end\" is none of job-created, "),
            ("events = [\"task-failed\"]", "smtp.events[0]: \"task-failed\" is none of job-created, "),
            ("event = []", "smtp.event: unknown key; did you mean \"events\"?"),
        ];
        for (lines, expected) in cases {
            let found = about(lines);
            let [message] = found.as_slice() else { panic!("{lines}: {found:?}") };
            assert!(message.contains(&format!(": notifications.{expected}")), "{lines}: {message}");
            assert!(!message.contains("hush"), "{message}");
        }
        let expected = [
            "b.toml:1:1: notifications.smtp.server: is missing; expected the name of a mail server",
            r#"b.toml:2:8: notifications.smtp.from: "me" is not a mail address; expected an address such as "ops@example.org" or "Backfill <ops@example.org>""#,
            r#"b.toml:3:18: notifications.smtp.to[1]: "a@b.org" stands here twice; expected it once"#,
        ];
        assert_eq!(
            messages("[notifications.smtp]\nfrom = \"me\"\nto = [\"a@b.org\", \"A <a@b.org>\"]\n"),
            expected
        );
        for to in ["", "to = []", "to = \"a@b.org\""] {
            let found = messages(&format!("[notifications.smtp]\nserver = \"m\"\nfrom = \"a@b.org\"\n{to}"));
            let [message] = found.as_slice() else { panic!("{to}: {found:?}") };
            assert!(
                message.ends_with("expected an array of addresses, such as [\"ops@example.org\"]"),
                "{message}"
            );
        }
    }
}
