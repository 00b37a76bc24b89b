//! Sending mail: one message to one recipient over one connection.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use super::{LookupEnv, text};
use crate::{
    config::{Secret, Smtp, SmtpTls},
    domain::Notice,
};

/// How long a server may take for one message in all.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Sends mail by the server of the configuration.
#[derive(Debug)]
pub(super) struct Mailer {
    smtp: Smtp,
    env: LookupEnv,
}

impl Mailer {
    pub(super) const fn new(smtp: Smtp, env: LookupEnv) -> Self {
        Self { smtp, env }
    }

    /// Sends a notice; `key` is the same for every attempt, so that a mailbox may tell a second copy.
    ///
    /// # Errors
    /// Says what the server said, or why it said nothing; never with the password.
    pub(super) async fn send(
        &self,
        key: &str,
        to: &str,
        notice: &Notice,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let mail = self.compose(key, to, notice, now)?;
        let login = match &self.smtp.login {
            Some((user, password)) => {
                let password = password.resolve(&self.env);
                Some((
                    user.as_str(),
                    password.map_err(|wrong| format!("the password of the mail server: {wrong}"))?,
                ))
            }
            None => None,
        };
        let transport = self.transport(login.as_ref())?;
        let place = format!("mail server {}:{}", self.smtp.server, self.smtp.port);
        let hide = |said: String| login.as_ref().map_or(said.clone(), |login| hide(said, login));
        match tokio::time::timeout(TIMEOUT, transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(hide(format!("{place}: {error}"))),
            Err(_) => Err(format!("{place} took longer than {} s", TIMEOUT.as_secs())),
        }
    }

    fn compose(&self, key: &str, to: &str, notice: &Notice, now: DateTime<Utc>) -> Result<Message, String> {
        let to: Mailbox = to.parse().map_err(|error| format!("{to:?} is not a mail address ({error})"))?;
        let id = format!("<{key}@{}>", self.smtp.from.email.domain());
        Message::builder()
            .from(self.smtp.from.clone())
            .to(to)
            .date(SystemTime::from(now))
            .message_id(Some(id))
            .subject(text::subject(notice))
            // So that nobody's absence is answered to a machine (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN)
            .body(text::body(notice))
            .map_err(|error| format!("the mail can't be written: {error}"))
    }

    fn transport(
        &self,
        login: Option<&(&str, Secret)>,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
        let Smtp { server, port, tls, .. } = &self.smtp;
        let parameters = || {
            TlsParameters::new(server.clone()).map_err(|error| {
                format!("TLS to mail server {server} can't be prepared: {error}; check that CA certificates are installed")
            })
        };
        let tls = match tls {
            SmtpTls::StartTls => Tls::Required(parameters()?),
            SmtpTls::Tls => Tls::Wrapper(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server)
            .port(*port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = login {
            builder = builder.credentials(Credentials::new((*user).to_owned(), password.expose().to_owned()));
        }
        Ok(builder.build())
    }
}

/// Takes the password out of what a server said: some repeat the command that they refuse.
fn hide(said: String, (user, password): &(&str, Secret)) -> String {
    let password = password.expose();
    let forms =
        [STANDARD.encode(format!("\0{user}\0{password}")), STANDARD.encode(password), password.to_owned()];
    forms.iter().fold(said, |said, form| said.replace(form, "[hidden]"))
}
