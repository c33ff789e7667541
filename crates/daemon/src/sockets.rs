//! Which sockets the daemon has: those that it was given, those that libvirt's clients
//! look for, or those that the command line and the settings ask for.
//!
//! How they are made is in `listen`, how they are given in `inherit`.

use crate::auth::Method;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::inherit::{Inherited, Origin};
use crate::listen::{Place, Rights, Service, Socket};
use crate::options::Options;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

/// Where libvirt's clients look: the daemon of the Xen driver, and the one that had
/// all drivers.
const DAEMONS: [&str; 2] = ["virtxend", "libvirt"];
const FOLDER: &str = "/run/libvirt";

/// Opens all sockets. What systemd gives is all that there is; what the program had
/// that this one replaces is taken over where it is still wanted.
///
/// # Errors
/// Names what is in the way.
pub(crate) fn open(
    options: &Options,
    config: &Config,
    inherited: Vec<Inherited>,
) -> Result<Vec<Socket>> {
    let (mut own, given): (Vec<_>, Vec<_>) = inherited
        .into_iter()
        .partition(|socket| socket.origin == Origin::Own);
    if !given.is_empty() {
        if options.listen {
            tracing::warn!("--listen has no effect: the sockets are systemd's");
        }
        return given.into_iter().map(Socket::given).collect();
    }
    let mut sockets = Vec::new();
    for (place, service) in wanted(options, config)? {
        let is_same = |socket: &Inherited| socket.service == service && place.is_of(socket);
        if let Some(found) = own.iter().position(is_same) {
            sockets.push(Socket::taken(own.swap_remove(found), &place)?);
            continue;
        }
        match Socket::bind(&place, service) {
            Ok(socket) => sockets.push(socket),
            // Not every machine has IPv6.
            Err(error) if place.is_any_v6() && error.is_unsupported() => {}
            Err(error) => return Err(error),
        }
    }
    // What is left goes, and its file with it.
    own.into_iter()
        .try_for_each(|socket| Socket::given(socket).map(drop))?;
    Ok(sockets)
}

fn wanted(options: &Options, config: &Config) -> Result<Vec<(Place, Service)>> {
    let mut places = Vec::new();
    if options.listen {
        places.extend(network(config)?);
    }
    // Last: who waits for their files finds the others too.
    places.extend(unix(options, config)?);
    Ok(places)
}

/// The UNIX sockets: for each that may do everything one for those who only read, and
/// one for the administration.
fn unix(options: &Options, config: &Config) -> Result<Vec<(Place, Service)>> {
    let group = config.group.as_deref().map(group).transpose()?;
    let folder = config.folder.as_deref().unwrap_or(Path::new(FOLDER));
    let families: Vec<[PathBuf; 3]> = match &options.socket {
        Some(path) => vec![["", "-ro", "-admin"].map(|ending| {
            let mut path = path.clone().into_os_string();
            path.push(ending);
            path.into()
        })],
        None => DAEMONS
            .map(|daemon| {
                ["sock", "sock-ro", "admin-sock"]
                    .map(|ending| folder.join(format!("{daemon}-{ending}")))
            })
            .to_vec(),
    };
    let services = [
        (Service::Full, config.full_mode()),
        (Service::ReadOnly, config.read_only_mode),
        (Service::Admin, config.admin_mode),
    ];
    let places = families
        .into_iter()
        .flatten()
        .zip(services.into_iter().cycle());
    let places =
        places.map(|(path, (service, mode))| (Place::Unix(path, Rights { group, mode }), service));
    Ok(places.collect())
}

/// The sockets for other machines.
fn network(config: &Config) -> Result<Vec<(Place, Service)>> {
    let mut places = Vec::new();
    if config.listen_tcp {
        if config.auth_tcp != Some(Method::None) {
            return Err(Error::Usage(PLAIN.to_owned()));
        }
        places.extend(ports(config, config.tcp_port, Service::Tcp)?);
    }
    if config.listen_tls {
        places.extend(ports(config, config.tls_port, Service::Tls)?);
    }
    Ok(places)
}

const PLAIN: &str = "listen_tcp: what is sent over TCP is not encrypted, and the mechanisms of SASL \
     that virtxend has do not encrypt it either; listen_tls is safe, auth_tcp = \"none\" lets \
     everybody in who reaches the port";

/// A port on the address that the settings name, or on all.
fn ports(config: &Config, port: u16, service: Service) -> Result<Vec<(Place, Service)>> {
    let addresses: Vec<SocketAddr> = match &config.listen_addr {
        Some(name) => {
            let addresses = (name.as_str(), port).to_socket_addrs();
            let failed = |cause| Error::Listen {
                place: name.clone(),
                cause,
            };
            addresses.map_err(failed)?.collect()
        }
        None => vec![
            (Ipv4Addr::UNSPECIFIED, port).into(),
            (Ipv6Addr::UNSPECIFIED, port).into(),
        ],
    };
    let places = addresses
        .into_iter()
        .map(|address| (Place::Tcp(address), service));
    Ok(places.collect())
}

/// The number of a group in `/etc/group`.
fn group(name: &str) -> Result<u32> {
    const GROUPS: &str = "/etc/group";
    let missing = |why: String| Error::Usage(format!("group '{name}' of the sockets: {why}"));
    let groups = std::fs::read_to_string(GROUPS).map_err(|error| missing(error.to_string()))?;
    let id = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        fields.nth(1).filter(|_| found)?.parse().ok()
    });
    id.ok_or_else(|| missing(format!("it is not in {GROUPS}")))
}
