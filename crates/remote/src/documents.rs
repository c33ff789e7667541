//! Calls about documents. One that goes to the daemon is read here first, so that
//! what is wrong with it is told with every place, as the driver tells it.

use crate::Remote;
use virtxen_driver::{
    Accepted, Converted, CreateFlags, DefineFlags, DomainKey, NativeFormat, Operation, Result,
    XmlFlags, read_guest,
};
use virtxen_guest::Guest;
use virtxen_rpc::calls::{
    ConnectDomainXMLFromNative, ConnectDomainXMLToNative, DomainCreateXML, DomainDefineXMLFlags,
    DomainGetMessages, DomainGetXMLDesc, NativeArguments, XmlFlags as Arguments,
};

/// `VIR_DOMAIN_START_PAUSED` and `VIR_DOMAIN_START_VALIDATE`.
const PAUSED: u32 = 1;
const START_VALIDATE: u32 = 1 << 4;
/// `VIR_DOMAIN_DEFINE_VALIDATE`.
const DEFINE_VALIDATE: u32 = 1;

impl Remote {
    pub(crate) async fn xml_desc(&self, key: &DomainKey, flags: XmlFlags) -> Result<String> {
        let operation = match flags.secure || flags.migratable {
            true => Operation::XmlDescSecure,
            false => Operation::XmlDesc,
        };
        let bits = u32::from(flags.secure)
            | u32::from(flags.inactive) << 1
            | u32::from(flags.migratable) << 3;
        let arguments = self.flags(key, bits).await?;
        self.ask::<DomainGetXMLDesc>(operation, arguments).await
    }

    pub(crate) async fn guest(&self, key: &DomainKey, secure: bool) -> Result<Guest> {
        self.guest_of(key, secure, false).await
    }

    pub(crate) async fn guest_of(
        &self,
        key: &DomainKey,
        secure: bool,
        inactive: bool,
    ) -> Result<Guest> {
        let flags = XmlFlags {
            secure,
            inactive,
            migratable: false,
        };
        let xml = self.xml_desc(key, flags).await?;
        Ok(read_guest(&xml, false)?.0)
    }

    pub(crate) async fn messages(&self, key: &DomainKey) -> Result<Vec<String>> {
        let arguments = self.flags(key, 0).await?;
        let messages = self.ask::<DomainGetMessages>(Operation::XmlDesc, arguments);
        Ok(messages.await?.0)
    }

    pub(crate) async fn create_xml(&self, xml: &str, flags: CreateFlags) -> Result<Accepted> {
        let (_, warnings) = read_guest(xml, flags.strict)?;
        let paused = if flags.paused { PAUSED } else { 0 };
        let strict = if flags.strict { START_VALIDATE } else { 0 };
        let arguments = Arguments {
            xml: xml.to_owned(),
            flags: paused | strict,
        };
        let made = self.ask::<DomainCreateXML>(Operation::Create, arguments);
        let domain = self.made(&made.await?).await?;
        Ok(Accepted { domain, warnings })
    }

    pub(crate) async fn define_xml(&self, xml: &str, flags: DefineFlags) -> Result<Accepted> {
        let (_, warnings) = read_guest(xml, flags.strict)?;
        let arguments = Arguments {
            xml: xml.to_owned(),
            flags: if flags.strict { DEFINE_VALIDATE } else { 0 },
        };
        let made = self.ask::<DomainDefineXMLFlags>(Operation::Define, arguments);
        let domain = self.made(&made.await?).await?;
        Ok(Accepted { domain, warnings })
    }

    async fn made(&self, dom: &virtxen_rpc::Domain) -> Result<virtxen_driver::Domain> {
        let key = DomainKey::Uuid(virtxen_guest::Uuid(dom.uuid));
        self.lookup(&key).await
    }

    pub(crate) async fn xml_from_native(
        &self,
        format: NativeFormat,
        text: &str,
    ) -> Result<Converted> {
        let arguments = native(format, text);
        let converted = self.ask::<ConnectDomainXMLFromNative>(Operation::FromNative, arguments);
        converted.await.map(without_warnings)
    }

    pub(crate) async fn xml_to_native(&self, format: NativeFormat, xml: &str) -> Result<Converted> {
        let (_, warnings) = read_guest(xml, false)?;
        let arguments = native(format, xml);
        let converted = self.ask::<ConnectDomainXMLToNative>(Operation::ToNative, arguments);
        let text = converted.await?;
        Ok(Converted { text, warnings })
    }
}

fn native(format: NativeFormat, config: &str) -> NativeArguments {
    NativeArguments {
        native_format: format.to_string(),
        config: config.to_owned(),
        flags: 0,
    }
}

/// The protocol has no place for them: they are in the daemon's log.
fn without_warnings(text: String) -> Converted {
    let warnings = Vec::new();
    Converted { text, warnings }
}
