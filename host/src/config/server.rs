//! `[server]`: where the HTTP API listens, and who may reach it how.

use std::net::{Ipv4Addr, SocketAddr};

use url::Url;

use super::reading::{FromText, Item, Section};

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Address and port; loopback by default, since the API is for the machine's own user until told otherwise.
    pub listen: SocketAddr,
    /// So many tasks may be open, over all jobs, before new jobs are refused.
    pub max_open_tasks: u32,
    /// Whether `X-Forwarded-Proto` and `X-Forwarded-For` are a proxy's word; anybody can send them to a host without one.
    pub behind_proxy: bool,
    /// The web pages of other origins that may call the API.
    pub cors_origins: Vec<Origin>,
}

/// `https://app.example.org`: scheme, host and port, as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// As browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromText for Origin {
    const EXPECTED: &'static str = "an origin such as \"https://app.example.org\", without a path";

    fn from_text(text: &str) -> Result<Self, String> {
        let origin = Url::from_text(text)?.origin().ascii_serialization();
        if origin == text { Ok(Self(origin)) } else { Err(format!("{text:?} is more than {origin:?}")) }
    }
}

impl FromText for SocketAddr {
    const EXPECTED: &'static str = "an address and port such as \"127.0.0.1:8080\" or \"[::]:8080\"";

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("{text:?} is not an address and port"))
    }
}

impl Server {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let origins = section.item("cors_origins").map(|item| item.list("an array of origins"));
        let server = Self {
            listen: section.text("listen").unwrap_or(default),
            max_open_tasks: section.count("max_open_tasks", 5_000_000, 1..=1_000_000_000),
            behind_proxy: section.flag("behind_proxy", false),
            cors_origins: origins.iter().flatten().filter_map(Item::text).collect(),
        };
        section.finish();
        server
    }
}
