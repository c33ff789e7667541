//! How a connection begins: proofs of who one is, signs of life, opening, and what
//! is asked once: version, URI.

use crate::credentials::Credentials;
use crate::{Client, Error, Result, Transport, Uri, sasl, transport};
use std::time::Duration;
use virtxen_host::XenVersion;
use virtxen_rpc::calls::{
    AuthList, AuthPolkit, ConnectGetURI, ConnectGetVersion, ConnectOpen, ConnectSupportsFeature,
    OpenArguments,
};
use virtxen_rpc::{RemoteError, code, origin};

/// Longest time for one answer; somebody may have to type a password for ssh or polkit.
const ANSWER: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// What the driver is called, whatever the transport.
const NAME: &str = "xen:///system";
/// `VIR_CONNECT_RO`.
const READ_ONLY: u32 = 1;
/// `VIR_DRV_FEATURE_PROGRAM_KEEPALIVE`.
const KEEPALIVE: i32 = 10;

/// Kinds of proofs (`remote_auth_type`).
const AUTH_NONE: i32 = 0;
const AUTH_SASL: i32 = 1;
const AUTH_POLKIT: i32 = 2;

/// An open connection and what was learned at its beginning.
pub(crate) struct Opened {
    pub(crate) client: Client,
    pub(crate) version: XenVersion,
    /// The host exists in memory only.
    pub(crate) simulated: bool,
}

/// Connects to the daemon of a URI and opens its driver.
pub(crate) async fn open(uri: &Uri, credentials: &Credentials) -> Result<Opened> {
    let client = Client::start(uri.place(), transport::connect(uri).await?);
    begin(uri, &client, credentials)
        .await
        .map_err(|error| match error {
            // Nothing was begun that could be lost.
            Error::Lost { place, reason } => Error::Connect {
                place,
                reason: match uri.transport {
                    Transport::Ssh { .. } => format!("{reason}; ssh may have said why"),
                    _ => reason,
                },
            },
            error => error,
        })
}

async fn begin(uri: &Uri, client: &Client, credentials: &Credentials) -> Result<Opened> {
    prove(uri, client, credentials).await?;
    if client
        .call::<ConnectSupportsFeature>(KEEPALIVE, ANSWER)
        .await?
        == 1
    {
        client.keep_alive().await;
    }
    let arguments = OpenArguments {
        name: Some(NAME.to_owned()),
        flags: if uri.read_only { READ_ONLY } else { 0 },
    };
    client.call::<ConnectOpen>(arguments, ANSWER).await?;
    let (version, served) = tokio::try_join!(
        client.call::<ConnectGetVersion>((), ANSWER),
        client.call::<ConnectGetURI>((), ANSWER),
    )?;
    Ok(Opened {
        client: client.clone(),
        version: XenVersion {
            major: part(version / 1_000_000),
            minor: part(version / 1_000 % 1_000),
            extra: match version % 1_000 {
                0 => String::new(),
                release => format!(".{release}"),
            },
        },
        simulated: served.contains("simulated=sim:"),
    })
}

fn part(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

async fn prove(uri: &Uri, client: &Client, credentials: &Credentials) -> Result<()> {
    let wanted = match client.call::<AuthList>((), PATIENCE).await {
        Ok(wanted) => wanted.0,
        // Daemons without proofs.
        Err(Error::Daemon(error)) if error.code == code::NO_SUPPORT => return Ok(()),
        Err(error) => return Err(error),
    };
    if wanted.is_empty() || wanted.contains(&AUTH_NONE) {
        return Ok(());
    }
    if wanted.contains(&AUTH_POLKIT) {
        client.call::<AuthPolkit>((), PATIENCE).await?;
        return Ok(());
    }
    if wanted.contains(&AUTH_SASL) {
        return sasl::prove(uri, client, credentials, PATIENCE).await;
    }
    let message = format!(
        "authentication failed: {} wants a proof of kind {wanted:?}, and virtxen's client has \
         certificates (tls), names with passwords, ssh and polkit",
        uri.place()
    );
    Err(RemoteError::new(code::AUTH_FAILED, origin::RPC, message).into())
}
