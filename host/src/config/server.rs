//! `[server]`: where the HTTP API listens.

use std::net::{Ipv4Addr, SocketAddr};

use super::reading::{FromText, Section};

/// `[server]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Address and port; loopback by default, since the API is for the machine's own user until told otherwise.
    pub listen: SocketAddr,
    /// So many tasks may be open, over all jobs, before new jobs are refused.
    pub max_open_tasks: u32,
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
        let server = Self {
            listen: section.text("listen").unwrap_or(default),
            max_open_tasks: section.count("max_open_tasks", 5_000_000, 1..=1_000_000_000),
        };
        section.finish();
        server
    }
}
