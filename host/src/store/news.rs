//! What idle workers are woken with. Looking into the tables is the truth; news only shorten the wait.

use sqlx::postgres::{PgListener, PgNotification};
use tokio::sync::broadcast;

use super::{Store, StoreError, connection::Db, error::Doing};

/// The channel on which work is announced in Postgres.
const WORK: &str = "backfill_work";

/// The channel on which cancelled jobs are named.
const CANCELLED: &str = "backfill_cancelled";

/// Something that workers should look at now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Tasks have become ready.
    Work,
    /// A job was cancelled, or its tasks were taken away otherwise.
    Cancelled(i64),
    /// Some news may have been missed: look at everything.
    Missed,
}

impl News {
    /// Channel and payload in Postgres.
    pub(super) fn notification(self) -> (&'static str, String) {
        match self {
            Self::Work | Self::Missed => (WORK, String::new()),
            Self::Cancelled(job) => (CANCELLED, job.to_string()),
        }
    }

    fn of(notification: &PgNotification) -> Self {
        match (notification.channel(), notification.payload().parse()) {
            (CANCELLED, Ok(job)) => Self::Cancelled(job),
            _ => Self::Work,
        }
    }
}

/// Hears news from the moment it is made.
pub struct Listener(Channel);

enum Channel {
    Process(broadcast::Receiver<News>),
    Server(Box<PgListener>),
}

impl Store {
    /// Listens for news: of this process where the database is a file, of all hosts where it is a server.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        const DOING: &str = "listening for work";
        Ok(Listener(match &self.db {
            Db::Sqlite { news, .. } => Channel::Process(news.subscribe()),
            Db::Postgres(pool) => {
                let mut listener = PgListener::connect_with(pool).await.doing(DOING)?;
                listener.listen_all([WORK, CANCELLED]).await.doing(DOING)?;
                Channel::Server(Box::new(listener))
            }
        }))
    }
}

impl Listener {
    /// Waits for the next news. An error means that the connection is gone and could not be made again yet.
    pub async fn next(&mut self) -> Result<News, StoreError> {
        const DOING: &str = "listening for work";
        match &mut self.0 {
            Channel::Process(receiver) => match receiver.recv().await {
                Ok(news) => Ok(news),
                Err(broadcast::error::RecvError::Lagged(_)) => Ok(News::Missed),
                // The store, which holds the sender, is gone with everything else.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            },
            // None says that the connection was lost and made again.
            Channel::Server(listener) => {
                Ok(listener.try_recv().await.doing(DOING)?.map_or(News::Missed, |heard| News::of(&heard)))
            }
        }
    }
}
