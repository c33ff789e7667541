//! The calls about what a guest shows: its console and its screen. The streams that they
//! start are `crate::streams`'.

use super::{Caller, wire};
use crate::console::Console;
use crate::error::Result;
use crate::streams::Joined;
use std::sync::Arc;
use virtxen_rpc::calls::{OpenDeviceArguments, ScreenshotArguments};
use virtxen_rpc::{RemoteError, code, origin};

/// `VIR_DOMAIN_CONSOLE_FORCE`: whoever has the console loses it.
const FORCE: u32 = 1;
/// `VIR_DOMAIN_CONSOLE_SAFE`: only if nobody else can have it.
const SAFE: u32 = 2;

/// Names of the first console, the only one that Xen's daemon of consoles serves.
const FIRST: [&str; 3] = ["", "console0", "serial0"];

super::rows! {
    [streams]
    DomainOpenConsole => open;
    DomainScreenshot => screenshot;
}

async fn open(caller: Arc<Caller>, arguments: OpenDeviceArguments) -> Result<((), Joined)> {
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
    let console = Console::open(&tty, &caller.consoles, force)?;
    Ok(((), Joined::Console(console)))
}

/// Names the kind of the picture that the stream carries.
async fn screenshot(
    caller: Arc<Caller>,
    arguments: ScreenshotArguments,
) -> Result<(Option<String>, Joined)> {
    wire::only("virDomainScreenshot", arguments.flags, 0)?;
    let key = wire::key(&arguments.dom);
    let picture = caller.driver.screenshot(&key, arguments.screen).await?;
    Ok((Some("image/png".to_owned()), Joined::picture(&picture)))
}
