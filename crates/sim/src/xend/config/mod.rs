//! What XenD remembers of a domain's configuration.
//!
//! [`Config::read`] does to a create or new expression what XenD does:
//! defaults, conversions, checks, with XenD's words when one fails. How it is
//! shown is in `document`.

mod check;
mod device;
mod early;
mod keys;
mod read;

pub(crate) use device::{Device, Devices};
pub(crate) use keys::orders;
pub(crate) use read::{all_vcpus, int_of, python_int};

use virtxen_formats::sxpr::Sxpr;

use crate::xend::dict::PyDict;

/// XenD's own words for why something failed.
pub(crate) type Words = String;

/// A domain's configuration. Memory is in MiB.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) uuid: String,
    pub(crate) name: String,
    pub(crate) vcpus: i64,
    /// The cpus of each vcpu; none means any.
    pub(crate) cpus: Vec<Vec<i64>>,
    pub(crate) weight: i64,
    pub(crate) cap: i64,
    pub(crate) on_poweroff: String,
    pub(crate) on_reboot: String,
    pub(crate) on_crash: String,
    pub(crate) bootloader: String,
    pub(crate) bootloader_args: String,
    /// Absent in a domain that was not made from an expression.
    pub(crate) description: Option<String>,
    pub(crate) pool: String,
    pub(crate) static_max: i64,
    pub(crate) dynamic_min: i64,
    pub(crate) dynamic_max: i64,
    pub(crate) shadow_memory: i64,
    pub(crate) vcpu_avail: i64,
    /// `vcpu_avail` came from an expression: a Python long.
    pub(crate) vcpu_avail_given: bool,
    /// Vcpus that are up, as far as an inactive domain of 3.0.4 knows.
    pub(crate) online: i64,
    /// How often 3.0.4 lists the cpus after the status of the vcpus.
    pub(crate) listings: u32,
    pub(crate) features: String,
    pub(crate) on_xend_start: String,
    pub(crate) on_xend_stop: String,
    /// Seconds since 1970 when it was started last.
    pub(crate) start_time: Option<f64>,
    /// When it booted again last, in seconds since 1970.
    pub(crate) restarted: Option<f64>,
    /// Why it cannot be built, known when it is read.
    pub(crate) build_words: Option<&'static str>,
    /// Fully virtualised.
    pub(crate) hvm: bool,
    pub(crate) kernel: String,
    pub(crate) ramdisk: String,
    pub(crate) args: String,
    pub(crate) superpages: Sxpr,
    /// An image of a kind that XenD does not know.
    pub(crate) image_type: Option<String>,
    pub(crate) platform: PyDict<Sxpr>,
    /// It was built once, so the notes of its kernel are known.
    pub(crate) notes: bool,
    pub(crate) devices: Devices,
    /// The image as it came (up to 3.0.4).
    pub(crate) image: Option<Sxpr>,
    /// XenD's words for the first device of a class that it does not know (up to
    /// 3.0.3, which tells it after the name).
    pub(crate) wrong_device: Option<Words>,
}

impl Config {
    /// What every configuration starts from.
    pub(crate) fn new() -> Self {
        Self {
            uuid: String::new(),
            name: "Domain-Unnamed".to_owned(),
            vcpus: 1,
            cpus: Vec::new(),
            weight: 256,
            cap: 0,
            on_poweroff: "destroy".to_owned(),
            on_reboot: "restart".to_owned(),
            on_crash: "restart".to_owned(),
            bootloader: String::new(),
            bootloader_args: String::new(),
            description: None,
            pool: "Pool-0".to_owned(),
            static_max: 0,
            dynamic_min: 0,
            dynamic_max: 0,
            shadow_memory: 0,
            vcpu_avail: 1,
            vcpu_avail_given: false,
            online: 1,
            listings: 1,
            features: String::new(),
            on_xend_start: "ignore".to_owned(),
            on_xend_stop: "ignore".to_owned(),
            start_time: None,
            restarted: None,
            build_words: None,
            hvm: false,
            kernel: String::new(),
            ramdisk: String::new(),
            args: String::new(),
            superpages: Sxpr::atom("0"),
            image_type: None,
            platform: PyDict::default(),
            notes: false,
            devices: Devices::default(),
            image: None,
            wrong_device: None,
        }
    }

    /// Whether this is Domain-0, which nobody configured.
    pub(crate) fn is_control_domain(&self) -> bool {
        self.uuid == "00000000-0000-0000-0000-000000000000"
    }

    /// A setting of the platform as text.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        self.platform.get(name)?.as_atom()
    }
}
