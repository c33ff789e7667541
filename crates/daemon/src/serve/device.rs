//! Calls about the devices of a domain: attaching, and what went through them.

use super::{Caller, lookup, wire};
use crate::error::Result;
use std::sync::Arc;
use virtxen_driver::{Affect, DomainKey, InterfaceAddress, Operation, block_parameters};
use virtxen_rpc::calls::{
    AddressesArguments, BlockInfo, BlockPeekArguments, BlockStats, DeviceArguments,
    DomainInterface, DomainXml, DomainXmlFlags, IPAddress, InterfaceStats, PEEK_MAX, Params,
    PathArguments, PathFlags, PathParams,
};
use virtxen_rpc::xdr::{List, Opaque};
use virtxen_rpc::{RemoteError, code, origin};

super::rows! {
    DomainAttachDevice => attach;
    DomainAttachDeviceFlags => attach_flags;
    DomainDetachDevice => detach;
    DomainDetachDeviceFlags => detach_flags;
    DomainUpdateDeviceFlags => update;
    DomainBlockStats => block_stats;
    DomainBlockStatsFlags => block_stats_flags;
    DomainGetBlockInfo => block_info;
    DomainBlockPeek => block_peek;
    DomainInterfaceStats => interface_stats;
    DomainInterfaceAddresses => addresses;
}

async fn attach(caller: Arc<Caller>, arguments: DomainXml) -> Result<()> {
    let key = lookup::running(&caller, &arguments.dom, Operation::AttachDevice).await?;
    Ok(caller
        .driver
        .attach_device(&key, &arguments.xml, Affect::CURRENT)
        .await?)
}

async fn attach_flags(caller: Arc<Caller>, arguments: DomainXmlFlags) -> Result<()> {
    let (key, affect) = of(&arguments, "virDomainAttachDeviceFlags", wire::AFFECT)?;
    Ok(caller
        .driver
        .attach_device(&key, &arguments.xml, affect)
        .await?)
}

async fn detach(caller: Arc<Caller>, arguments: DomainXml) -> Result<()> {
    let key = lookup::running(&caller, &arguments.dom, Operation::DetachDevice).await?;
    Ok(caller
        .driver
        .detach_device(&key, &arguments.xml, Affect::CURRENT)
        .await?)
}

async fn detach_flags(caller: Arc<Caller>, arguments: DomainXmlFlags) -> Result<()> {
    let (key, affect) = of(&arguments, "virDomainDetachDeviceFlags", wire::AFFECT)?;
    Ok(caller
        .driver
        .detach_device(&key, &arguments.xml, affect)
        .await?)
}

async fn update(caller: Arc<Caller>, arguments: DomainXmlFlags) -> Result<()> {
    // 4 asks to do it by force; there is no other way here.
    let (key, affect) = of(&arguments, "virDomainUpdateDeviceFlags", wire::AFFECT | 4)?;
    Ok(caller
        .driver
        .update_device(&key, &arguments.xml, affect)
        .await?)
}

fn of(arguments: &DomainXmlFlags, function: &str, known: u32) -> Result<(DomainKey, Affect)> {
    wire::only(function, arguments.flags, known)?;
    Ok((wire::key(&arguments.dom), wire::affect(arguments.flags)))
}

async fn block_stats(caller: Arc<Caller>, arguments: PathArguments) -> Result<BlockStats> {
    let key = wire::key(&arguments.dom);
    let counters = caller.driver.block_stats(&key, &arguments.path).await?;
    Ok(BlockStats {
        rd_req: count(counters.read_requests),
        rd_bytes: count(counters.read_bytes),
        wr_req: count(counters.write_requests),
        wr_bytes: count(counters.write_bytes),
        errs: -1,
    })
}

async fn block_stats_flags(caller: Arc<Caller>, arguments: PathParams) -> Result<Params> {
    wire::only("virDomainBlockStatsFlags", arguments.flags, wire::STRINGS)?;
    let key = wire::key(&arguments.dom);
    let counters = caller.driver.block_stats(&key, &arguments.path).await?;
    let params = block_parameters(&counters).into_iter().map(wire::parameter);
    Ok(Params::answer(
        params.collect(),
        arguments.nparams,
        arguments.flags,
    ))
}

async fn interface_stats(
    caller: Arc<Caller>,
    arguments: DeviceArguments,
) -> Result<InterfaceStats> {
    let key = wire::key(&arguments.dom);
    let counters = caller
        .driver
        .interface_stats(&key, &arguments.device)
        .await?;
    let (received, sent) = (counters.received, counters.sent);
    let known = |number| count(Some(number));
    Ok(InterfaceStats {
        rx_bytes: known(received.bytes),
        rx_packets: known(received.packets),
        rx_errs: known(received.errors),
        rx_drop: known(received.dropped),
        tx_bytes: known(sent.bytes),
        tx_packets: known(sent.packets),
        tx_errs: known(sent.errors),
        tx_drop: known(sent.dropped),
    })
}

/// −1 stands for what nobody counts.
fn count(count: Option<u64>) -> i64 {
    count.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX))
}

async fn block_info(caller: Arc<Caller>, arguments: PathFlags) -> Result<BlockInfo> {
    wire::only("virDomainGetBlockInfo", arguments.flags, 0)?;
    let key = wire::key(&arguments.dom);
    let image = caller.driver.block_info(&key, &arguments.path).await?;
    Ok(BlockInfo {
        allocation: image.allocation,
        capacity: image.capacity,
        physical: image.physical,
    })
}

async fn block_peek(caller: Arc<Caller>, arguments: BlockPeekArguments) -> Result<Peeked> {
    wire::only("virDomainBlockPeek", arguments.flags, 0)?;
    let size = usize::try_from(arguments.size).unwrap_or(usize::MAX);
    if size > PEEK_MAX {
        let message = format!("invalid argument: {size} bytes are too many, {PEEK_MAX} at most");
        return Err(RemoteError::new(code::INVALID_ARG, origin::DOMAIN, message).into());
    }
    let (key, path) = (wire::key(&arguments.dom), &arguments.path);
    let peeked = caller.driver.block_peek(&key, path, arguments.offset, size);
    Ok(Opaque(peeked.await?))
}

/// What a client may look at of a disk at once.
type Peeked = Opaque<PEEK_MAX>;

/// Domain-0's kernel knows who has answered it; leases are the network's, and there is
/// no agent.
async fn addresses(
    caller: Arc<Caller>,
    arguments: AddressesArguments,
) -> Result<List<DomainInterface, 2048>> {
    const ARP: u32 = 2;
    wire::only("virDomainInterfaceAddresses", arguments.flags, 0)?;
    if arguments.source != ARP {
        let message = "argument unsupported: domifaddr: addresses are those that the host has \
                       been answered from, --source arp";
        return Err(RemoteError::new(code::ARGUMENT_UNSUPPORTED, origin::LIBXL, message).into());
    }
    let key = wire::key(&arguments.dom);
    let interfaces = caller.driver.interface_addresses(&key).await?;
    let interfaces = interfaces.into_iter().filter(|it| !it.addresses.is_empty());
    let interface = |it: InterfaceAddress| DomainInterface {
        name: it.name.unwrap_or_default(),
        hwaddr: Some(it.mac),
        addrs: List(it.addresses.iter().map(address).collect()),
    };
    Ok(List(interfaces.map(interface).collect()))
}

/// The table has no prefixes: libvirt says 0 as well.
fn address(address: &std::net::Ipv4Addr) -> IPAddress {
    IPAddress {
        kind: 0,
        addr: address.to_string(),
        prefix: 0,
    }
}
