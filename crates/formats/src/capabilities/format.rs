//! Writer of the `<capabilities>` and `<domainCapabilities>` documents, in libvirt's
//! layout.
//!
//! What the elements mean is in the parent module.

use super::{
    Capabilities, DeviceCapabilities, DomainCapabilities, GuestCapabilities, HostCapabilities,
    HostCpuModel, NumaCell,
};
use std::fmt::Write;

impl Capabilities {
    /// The document, as libvirt lays it out.
    #[must_use]
    pub fn format(&self) -> String {
        let mut xml = Writer::default();
        xml.open("capabilities", "");
        xml.blank();
        host(&mut xml, &self.host);
        for one in &self.guests {
            xml.blank();
            guest(&mut xml, one);
        }
        xml.blank();
        xml.close("capabilities");
        xml.text
    }
}

impl DomainCapabilities {
    /// The document, as libvirt lays it out.
    #[must_use]
    pub fn format(&self) -> String {
        let mut xml = Writer::default();
        xml.open("domainCapabilities", "");
        xml.leaf("path", &self.emulator);
        xml.leaf("domain", "xen");
        xml.leaf("machine", self.guest_type.machine());
        xml.leaf("arch", self.arch.name());
        xml.empty("vcpu", &format!(" max='{}'", self.max_vcpus));
        xml.empty("iothreads", NO);
        firmware(&mut xml, self);
        xml.open("cpu", "");
        for mode in ["host-passthrough", "maximum", "host-model", "custom"] {
            xml.empty("mode", &format!(" name='{mode}'{NO}"));
        }
        xml.close("cpu");
        xml.open("devices", "");
        for one in &self.devices {
            device(&mut xml, one);
        }
        xml.close("devices");
        xml.open("features", "");
        for feature in ["gic", "vmcoreinfo", "genid", "sev", "sgx"] {
            xml.empty(feature, NO);
        }
        xml.close("features");
        xml.close("domainCapabilities");
        xml.text
    }
}

const YES: &str = " supported='yes'";
const NO: &str = " supported='no'";

fn firmware(xml: &mut Writer, guest: &DomainCapabilities) {
    xml.open("os", YES);
    if guest.loaders.is_empty() {
        xml.empty("loader", NO);
    } else {
        xml.open("loader", YES);
        for loader in &guest.loaders {
            xml.leaf("value", loader);
        }
        choice(xml, "type", &guest.loader_types);
        choice(xml, "readonly", &["yes"]);
        xml.close("loader");
    }
    xml.close("os");
}

fn device(xml: &mut Writer, device: &DeviceCapabilities) {
    xml.open(device.name, YES);
    for (name, words) in &device.choices {
        choice(xml, name, words);
    }
    xml.close(device.name);
}

fn choice(xml: &mut Writer, name: &str, words: &[&str]) {
    let name = format!(" name='{name}'");
    if words.is_empty() {
        return xml.empty("enum", &name);
    }
    xml.open("enum", &name);
    for word in words {
        xml.leaf("value", word);
    }
    xml.close("enum");
}

fn host(xml: &mut Writer, host: &HostCapabilities) {
    xml.open("host", "");
    if let Some(uuid) = host.uuid {
        xml.leaf("uuid", &uuid.to_string());
    }
    xml.open("cpu", "");
    xml.leaf("arch", host.arch.name());
    if !host.cpu_features.is_empty() {
        xml.open("features", "");
        for feature in &host.cpu_features {
            xml.empty(feature, "");
        }
        xml.close("features");
    }
    if let Some(model) = &host.cpu_model {
        cpu_model(xml, model);
    }
    xml.close("cpu");
    xml.empty("power_management", "");
    if let Some(has) = host.has_iommu {
        xml.empty(
            "iommu",
            if has {
                " support='yes'"
            } else {
                " support='no'"
            },
        );
    }
    xml.open("migration_features", "");
    xml.empty("live", "");
    if !host.migration_transports.is_empty() {
        xml.open("uri_transports", "");
        for transport in &host.migration_transports {
            xml.leaf("uri_transport", transport);
        }
        xml.close("uri_transports");
    }
    xml.close("migration_features");
    if let Some(prefix) = host.net_prefix {
        xml.leaf("netprefix", prefix);
    }
    if !host.cells.is_empty() {
        topology(xml, &host.cells);
    }
    xml.close("host");
}

fn cpu_model(xml: &mut Writer, cpu: &HostCpuModel) {
    let HostCpuModel {
        description,
        sockets,
        cores,
        threads,
    } = cpu;
    xml.leaf("model", description.model.as_deref().unwrap_or_default());
    if let Some(vendor) = &description.vendor {
        xml.leaf("vendor", vendor);
    }
    let counts = format!(" sockets='{sockets}' dies='1' cores='{cores}' threads='{threads}'");
    xml.empty("topology", &counts);
    for feature in &description.features {
        xml.empty("feature", &format!(" name='{}'", feature.name));
    }
}

fn topology(xml: &mut Writer, cells: &[NumaCell]) {
    xml.open("topology", "");
    xml.open("cells", &format!(" num='{}'", cells.len()));
    for cell in cells {
        xml.open("cell", &format!(" id='{}'", cell.id));
        if let Some(memory) = cell.memory {
            xml.line(&format!("<memory unit='KiB'>{}</memory>", memory.0));
        }
        xml.open("cpus", &format!(" num='{}'", cell.cpus.len()));
        for cpu in &cell.cpus {
            let mut attributes = format!(" id='{}'", cpu.id);
            if let Some(place) = &cpu.place {
                let siblings: Vec<_> = place.siblings.iter().map(u32::to_string).collect();
                let _ = write!(
                    attributes,
                    " socket_id='{}' die_id='0' core_id='{}' siblings='{}'",
                    place.socket,
                    place.core,
                    siblings.join(",")
                );
            }
            xml.empty("cpu", &attributes);
        }
        xml.close("cpus");
        xml.close("cell");
    }
    xml.close("cells");
    xml.close("topology");
}

fn guest(xml: &mut Writer, guest: &GuestCapabilities) {
    xml.open("guest", "");
    xml.leaf("os_type", guest.guest_type.os_type());
    xml.open("arch", &format!(" name='{}'", guest.arch.name()));
    xml.leaf("wordsize", &guest.arch.word_size().to_string());
    xml.leaf("emulator", &guest.emulator);
    if let Some(loader) = &guest.loader {
        xml.leaf("loader", loader);
    }
    xml.leaf("machine", guest.guest_type.machine());
    xml.empty("domain", " type='xen'");
    xml.close("arch");
    let plain = [
        ("pae", guest.pae),
        ("nonpae", guest.non_pae),
        ("ia64_be", guest.ia64_be),
    ];
    if !guest.features.is_empty() || plain.iter().any(|(_, there)| *there) {
        xml.open("features", "");
        for (name, _) in plain.iter().filter(|(_, there)| *there) {
            xml.empty(name, "");
        }
        for feature in &guest.features {
            let default = if feature.default_on { "on" } else { "off" };
            let toggle = if feature.toggle { "yes" } else { "no" };
            let attributes = format!(" default='{default}' toggle='{toggle}'");
            xml.empty(feature.name, &attributes);
        }
        xml.close("features");
    }
    xml.close("guest");
}

/// Lines of XML, two spaces a level.
#[derive(Default)]
struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn open(&mut self, name: &str, attributes: &str) {
        self.line(&format!("<{name}{attributes}>"));
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.line(&format!("</{name}>"));
    }

    fn empty(&mut self, name: &str, attributes: &str) {
        self.line(&format!("<{name}{attributes}/>"));
    }

    fn leaf(&mut self, name: &str, value: &str) {
        let value = value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        self.line(&format!("<{name}>{value}</{name}>"));
    }

    fn line(&mut self, line: &str) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }
}
