//! libxl's language: `libxl_domain_config` as JSON, Xen 4.5 and later.
//!
//! [`guest_to_libxl`] writes what a release of libxl reads, [`libxl_to_guest`] reads
//! what any of them wrote: `xl create -n`, `xl list -l`, and the files that libxl
//! keeps of running domains (`/var/lib/xen/userdata-d.….libxl-json`). One file a
//! device family, with the names of the guest model's files. Nothing here calls libxl.

mod channel;
mod chardev;
mod clock;
mod controller;
mod cpu;
mod cpuid;
mod device;
mod dialect;
mod disk;
mod emulator;
mod features;
mod filesystem;
mod graphics;
mod guest;
mod hostdev;
mod input;
mod interface;
mod lifecycle;
mod numa;
mod os;
mod place;
mod quiet;
mod schema;
mod section;
mod sound;
mod text;
mod types;
mod usb;
mod video;
mod write;

pub use device::{DeviceConfig, device_to_libxl, plugged_device};
pub use dialect::{Release, Target};
pub use guest::{guest_to_libxl, libxl_to_guest};
pub use text::{TextError, text_to_guest, text_to_guests, to_text};
