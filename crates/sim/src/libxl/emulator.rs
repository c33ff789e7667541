//! A guest's emulator: what QEMU's human monitor answers. That a keyboard ends a newer one is
//! not simulated.

use crate::state::SimHost;

/// QEMU's version by the release of Xen that it runs beside: of Debian 11, 12 and 13.
const VERSIONS: [(u8, &str); 3] = [
    (20, "10.0.13Debian 1:10.0.13+ds-0+deb13u1"),
    (17, "7.2.22Debian 1:7.2+dfsg-7+deb12u18+b3"),
    (0, "5.2.0Debian 1:5.2+dfsg-11+deb11u5"),
];

/// What a command is answered.
pub(super) fn answer(host: &SimHost, command: &str) -> String {
    match command {
        "info version" => format!("{}\r\n", version(host)),
        _ => format!("unknown command: '{command}'\r\n"),
    }
}

fn version(host: &SimHost) -> &'static str {
    let minor = host.xen().minor;
    let known = VERSIONS.iter().find(|(from, _)| minor >= *from);
    known.map_or("", |(_, version)| version)
}
