//! Which sockets the daemon has: those that libvirt's clients look for, or those
//! that the command line and the settings ask for.
//!
//! How they are made is in `listen`.

use crate::auth::Method;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::listen::{Rights, Service, Socket};
use crate::options::Options;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

/// Where libvirt's clients look: the daemon of the Xen driver, and the one that had
/// all drivers.
const SOCKETS: [&str; 2] = ["virtxend-sock", "libvirt-sock"];
const FOLDER: &str = "/run/libvirt";

/// Opens all sockets.
///
/// # Errors
/// Names what is in the way.
pub(crate) fn open(options: &Options, config: &Config) -> Result<Vec<Socket>> {
    let mut sockets = unix(options, config)?;
    if options.listen {
        sockets.extend(network(config)?);
    }
    Ok(sockets)
}

/// The UNIX sockets, each with one for those who only read.
fn unix(options: &Options, config: &Config) -> Result<Vec<Socket>> {
    let group = config.group.as_deref().map(group).transpose()?;
    let folder = config.folder.as_deref().unwrap_or(Path::new(FOLDER));
    let paths = match &options.socket {
        Some(path) => vec![path.clone()],
        None => SOCKETS.map(|name| folder.join(name)).to_vec(),
    };
    let mut sockets = Vec::new();
    for path in paths {
        for (ending, service, mode) in [
            ("", Service::Full, config.full_mode()),
            ("-ro", Service::ReadOnly, config.read_only_mode),
        ] {
            let mut path = path.clone().into_os_string();
            path.push(ending);
            let rights = Rights { group, mode };
            sockets.push(Socket::unix(&PathBuf::from(path), rights, service)?);
        }
    }
    Ok(sockets)
}

/// The sockets for other machines.
fn network(config: &Config) -> Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    if config.listen_tcp {
        if config.auth_tcp != Some(Method::None) {
            return Err(Error::Usage(PLAIN.to_owned()));
        }
        sockets.extend(ports(config, config.tcp_port, Service::Tcp)?);
    }
    if config.listen_tls {
        sockets.extend(ports(config, config.tls_port, Service::Tls)?);
    }
    Ok(sockets)
}

const PLAIN: &str = "listen_tcp: what is sent over TCP is not encrypted, and the mechanisms of SASL \
     that virtxend has do not encrypt it either; listen_tls is safe, auth_tcp = \"none\" lets \
     everybody in who reaches the port";

/// Sockets for a port on the address that the settings name, or on all.
fn ports(config: &Config, port: u16, service: Service) -> Result<Vec<Socket>> {
    let Some(name) = &config.listen_addr else {
        return everywhere(port, service);
    };
    let addresses = (name.as_str(), port).to_socket_addrs();
    let addresses = addresses.map_err(|cause| Error::Listen {
        place: name.clone(),
        cause,
    })?;
    addresses
        .map(|address| Socket::tcp(address, service))
        .collect()
}

fn everywhere(port: u16, service: Service) -> Result<Vec<Socket>> {
    let four = Socket::tcp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), service);
    let six = Socket::tcp(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), service);
    match (four, six) {
        (Ok(four), Ok(six)) => Ok(vec![four, six]),
        // A machine may have only one of both.
        (Ok(one), Err(error)) | (Err(error), Ok(one)) if error.is_unsupported() => Ok(vec![one]),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
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
