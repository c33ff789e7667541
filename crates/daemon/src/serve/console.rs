//! The call that opens a console. The stream that it starts is `crate::console`'s.

use super::{Answer, Caller, Reply, Row, wire};
use crate::console::Console;
use crate::error::Result;
use std::sync::Arc;
use virtxen_rpc::calls::{DomainOpenConsole, OpenDeviceArguments};
use virtxen_rpc::server::ServerCall;
use virtxen_rpc::{Call, RemoteError, code, origin};

/// `VIR_DOMAIN_CONSOLE_FORCE`: whoever has the console loses it.
const FORCE: u32 = 1;
/// `VIR_DOMAIN_CONSOLE_SAFE`: only if nobody else can have it.
const SAFE: u32 = 2;

/// Names of the first console, the only one that Xen's daemon of consoles serves.
const FIRST: [&str; 3] = ["", "console0", "serial0"];

/// The one row of the table whose reply is more than bytes.
pub(super) const ROWS: &[Row] = &[Row {
    number: DomainOpenConsole::PROCEDURE.number,
    serve,
}];

fn serve(caller: Arc<Caller>, call: ServerCall) -> Answer {
    Box::pin(async move {
        let opened = match super::permitted::<DomainOpenConsole>(&caller, &call).await {
            Ok(arguments) => open(&caller, arguments).await,
            Err(error) => Err(error),
        };
        let reply = opened.map(Reply::Console);
        (
            call.into_ticket(),
            reply.map_err(crate::error::Error::into_remote),
        )
    })
}

async fn open(caller: &Caller, arguments: OpenDeviceArguments) -> Result<Console> {
    wire::only("virDomainOpenConsole", arguments.flags, FORCE | SAFE)?;
    let refused =
        |code, message: String| Err(RemoteError::new(code, origin::LIBXL, message).into());
    if arguments.flags & SAFE != 0 {
        let message = "argument unsupported: other programs of Xen can open a console at any \
                       time, so that it cannot be opened safely";
        return refused(code::ARGUMENT_UNSUPPORTED, message.to_owned());
    }
    let name = arguments.name.unwrap_or_default();
    if !FIRST.contains(&name.as_str()) {
        let message = format!("invalid argument: there is no console '{name}', only the first");
        return refused(code::INVALID_ARG, message);
    }
    let tty = caller.driver.console(&wire::key(&arguments.dom)).await?;
    let force = arguments.flags & FORCE != 0;
    Ok(Console::open(&tty, &caller.consoles, force)?)
}
