//! The disks and interfaces of a domain as the host sees them: how large an image is
//! and what is in it, which addresses a guest has answered from.

use crate::{Domain, DomainKey, Driver, Error, Operation, Result};
use std::net::Ipv4Addr;
use virtxen_guest::{Disk, DiskSource};
use virtxen_host::DiskImage;

/// An interface with the addresses that its guest has answered from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// Its name on the host, as far as it is known.
    pub name: Option<String>,
    /// Its hardware address.
    pub mac: String,
    /// The addresses.
    pub addresses: Vec<Ipv4Addr>,
}

impl Driver {
    /// How large a disk is; it is named by its target or its source.
    ///
    /// # Errors
    /// No such disk; it is no file and no block device; it cannot be read.
    pub async fn block_info(&self, key: &DomainKey, disk: &str) -> Result<DiskImage> {
        let operation = Operation::BlockInfo;
        let domain = self.readable(operation, key).await?;
        let path = self.path_of(operation, &domain, disk).await?;
        let answer = self.inner.host.disk_image(&path);
        self.read(operation, &domain.name, answer).await
    }

    /// Bytes of a disk as they lie on the host: of an image with a format also its
    /// headers.
    ///
    /// # Errors
    /// As [`Driver::block_info`]; fewer bytes are there.
    pub async fn block_peek(
        &self,
        key: &DomainKey,
        disk: &str,
        offset: u64,
        size: usize,
    ) -> Result<Vec<u8>> {
        let operation = Operation::BlockPeek;
        let domain = self.readable(operation, key).await?;
        let path = self.path_of(operation, &domain, disk).await?;
        let answer = self.inner.host.peek_disk(&path, offset, size);
        let bytes = self.read(operation, &domain.name, answer).await?;
        if bytes.len() < size {
            return Err(Error::Argument(format!(
                "disk '{disk}' ends before {size} bytes from {offset} on"
            )));
        }
        Ok(bytes)
    }

    /// The interfaces of a running domain with the addresses from which the host has
    /// been answered lately.
    ///
    /// # Errors
    /// The domain is not running; the host's table cannot be read.
    pub async fn interface_addresses(&self, key: &DomainKey) -> Result<Vec<InterfaceAddress>> {
        let operation = Operation::InterfaceAddresses;
        let domain = self.readable(operation, key).await?;
        crate::call::allowed_now(operation, &domain)?;
        let answer = self.inner.host.guest(&domain.name);
        let guest = self.read(operation, &domain.name, answer).await?;
        let answer = self.inner.host.neighbours();
        let neighbours = self.read(operation, &domain.name, answer).await?;
        let interfaces = guest.devices.interfaces.into_iter();
        Ok(interfaces
            .filter_map(|interface| {
                let mac = interface.mac?.to_string().to_ascii_lowercase();
                let own = neighbours.iter().filter(|it| it.mac == mac);
                Some(InterfaceAddress {
                    name: interface.target,
                    addresses: own.map(|it| it.address).collect(),
                    mac,
                })
            })
            .collect())
    }

    /// The file or block device of a disk.
    async fn path_of(&self, operation: Operation, domain: &Domain, wanted: &str) -> Result<String> {
        let answer = self.inner.host.guest(&domain.name);
        let guest = self.read(operation, &domain.name, answer).await?;
        let is_wanted = |disk: &&Disk| disk.target == wanted || disk.source.path() == Some(wanted);
        let disk = guest.devices.disks.iter().find(is_wanted);
        let Some(disk) = disk.filter(|_| !wanted.is_empty()) else {
            return Err(Error::Argument(format!(
                "invalid path '{wanted}': it is no disk of domain '{}'",
                domain.name
            )));
        };
        let path = match &disk.source {
            DiskSource::File { .. } | DiskSource::Block { .. } => disk.source.path(),
            _ => None,
        };
        path.map(str::to_owned).ok_or_else(|| Error::Invalid {
            name: domain.name.clone(),
            operation: operation.verb(),
            reason: format!("disk '{}' is empty or no file of this host", disk.target),
        })
    }
}
