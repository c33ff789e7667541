//! Calls of libvirt's protocol through both of its ends, in memory: what the protocol
//! alone costs.
//!
//! Sockets, drivers and hosts are not in it.

use crate::measure::{repeat, verdict};
use crate::{Error, Result};
use std::time::{Duration, Instant};
use virtxen_rpc::calls::{
    ConnectListAllDomains, ConnectOpen, DomainFlags, DomainGetInfo, DomainGetXMLDesc, DomainInfo,
    ListAll, Listed, OpenArguments,
};
use virtxen_rpc::server::{ServerRequest, ServerSession, ServerSettings};
use virtxen_rpc::{Call, ClientEvent, ClientSession, Domain, Keepalive, RemoteError};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long each call is repeated
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    seconds: f64,
}

pub(crate) fn measure(options: &Options) -> Result<()> {
    let span = Duration::try_from_secs_f64(options.seconds).unwrap_or_default();
    let mut ends = Ends::new();
    ends.call::<ConnectOpen>(&OpenArguments::default(), |_| Ok(()))?;
    println!("{:<28}{:>12}{:>12}", "call", "µs", "target");
    let info = Domain::default();
    ends.report::<DomainGetInfo>("info", 5.0, span, &info, |_| Ok(DomainInfo::default()))?;
    let flags = DomainFlags::default();
    let xml = "<domain/>".repeat(1000);
    ends.report::<DomainGetXMLDesc>("dumpxml, 9 kB", 20.0, span, &flags, |_| Ok(xml.clone()))?;
    let list = ListAll {
        need_results: 1,
        flags: 0,
    };
    for (count, target) in [(1, 5.0), (300, 100.0), (3000, 1000.0)] {
        let name = format!("list of {count}");
        let all = domains(count);
        ends.report::<ConnectListAllDomains>(&name, target, span, &list, |list| {
            Ok(Listed::answer(list.need_results, all.clone()))
        })?;
    }
    Ok(())
}

fn domains(count: i32) -> Vec<Domain> {
    let domain = |id: i32| Domain {
        name: format!("guest-{id:05}"),
        uuid: [7; 16],
        id,
    };
    (0..count).map(domain).collect()
}

/// A client and a server without a socket between them.
struct Ends {
    client: ClientSession,
    server: ServerSession,
    now: Instant,
}

impl Ends {
    fn new() -> Self {
        Self {
            client: ClientSession::new(Keepalive::default()),
            server: ServerSession::new(ServerSettings::default()),
            now: Instant::now(),
        }
    }

    fn report<C: Call>(
        &mut self,
        name: &str,
        target: f64,
        span: Duration,
        arguments: &C::Arguments,
        act: impl Fn(&C::Arguments) -> std::result::Result<C::Reply, RemoteError>,
    ) -> Result<()> {
        let mut failed = None;
        let times = repeat(span, || {
            if let Err(error) = self.call::<C>(arguments, &act) {
                failed = Some(error);
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let micros = times.median().as_secs_f64() * 1e6;
        let met = verdict(micros <= target);
        println!("{name:<28}{micros:>12.2}{target:>12.0} {met}");
        Ok(())
    }

    /// One call there and back.
    fn call<C: Call>(
        &mut self,
        arguments: &C::Arguments,
        act: impl Fn(&C::Arguments) -> std::result::Result<C::Reply, RemoteError>,
    ) -> Result<()> {
        self.client.call::<C>(arguments).map_err(failure)?;
        self.server.receive(self.client.output(), self.now);
        self.client.sent(usize::MAX);
        while let Some(request) = self.server.next_request(self.now).map_err(failure)? {
            if let ServerRequest::Call(call) = request {
                let result = call.arguments::<C>().and_then(|arguments| act(&arguments));
                let ticket = call.into_ticket();
                self.server.reply::<C>(ticket, result).map_err(failure)?;
            }
        }
        self.client.receive(self.server.output(), self.now);
        self.server.sent(usize::MAX);
        match self.client.next_event().map_err(failure)? {
            Some(ClientEvent::Reply(_, Ok(bytes))) => {
                let reply = virtxen_rpc::xdr::from_bytes::<C::Reply>(&bytes);
                std::hint::black_box(reply.map_err(failure)?);
                Ok(())
            }
            other => Err(failure(format!("{other:?}"))),
        }
    }
}

fn failure(reason: impl std::fmt::Display) -> Error {
    Error::Document {
        name: "protocol".to_owned(),
        reason: reason.to_string(),
    }
}
