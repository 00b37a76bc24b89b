//! Name resolution that gives only addresses which may be reached. It stands inside the HTTP client, so the
//! connection goes to the very address that was checked; no second lookup can give another one (DNS rebinding).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::grant::Opens;

/// Resolves names.
pub trait Lookup: Send + Sync {
    /// All addresses of a host.
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    }
}

/// A name that leads to an address which its grant does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` resolves to {address}, which is not public ({what})")]
pub(super) struct AddressDenied {
    pub(super) host: String,
    pub(super) address: IpAddr,
    pub(super) what: &'static str,
}

/// Refuses a name if *any* of its addresses is closed. A public name with one foot in a private network is
/// either an attack or a mistake, and picking the good addresses would make it depend on chance which one shows.
pub(super) struct CheckedResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) opens: Opens,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, opens) = (name.as_str().to_owned(), self.opens);
        let found = self.lookup.lookup(host.clone());
        Box::pin(async move {
            let not_found = |e: io::Error| io::Error::new(e.kind(), format!("{host} is not found ({e})"));
            let addresses = found.await.map_err(not_found)?;
            for address in &addresses {
                opens.admits(*address).map_err(|what| AddressDenied {
                    host: host.clone(),
                    address: *address,
                    what,
                })?;
            }
            // Port 0 stands for the URL's own.
            let sockets = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}
