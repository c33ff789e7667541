//! Documents of one processor, `<cpu>`: of a host as in its capabilities, or of a guest.

use super::{Error, Result};
use crate::capabilities::Arch;
use std::fmt::Write as _;
use virtxen_guest::{Element, FeaturePolicy, ParseOptions, parse_element};

/// A processor: a model and what it has beside it, or lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuDescription {
    /// Its architecture, of a host.
    pub arch: Option<Arch>,
    /// libvirt's name of the model.
    pub model: Option<String>,
    /// Its vendor: `Intel`, `AMD`.
    pub vendor: Option<String>,
    /// Features beside the model's.
    pub features: Vec<DescribedFeature>,
    /// A host with more features does not do (`match='strict'`).
    pub is_strict: bool,
    /// No other model will do (`fallback='forbid'`).
    pub is_exact: bool,
}

/// A feature, and in the processor of a guest what is to be done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribedFeature {
    /// libvirt's name.
    pub name: String,
    /// What is to be done about it.
    pub policy: Option<FeaturePolicy>,
}

impl CpuDescription {
    /// Reads a document.
    ///
    /// # Errors
    /// It is no XML or no `<cpu>`; words that are not known; a feature twice.
    pub fn parse(text: &str) -> Result<Self> {
        let root = parse_element(text, &ParseOptions::default());
        let root = root
            .map_err(|error| Error::Document(error.to_string()))?
            .value;
        if root.name != "cpu" {
            return wrong(format!("expected a <cpu> element, found <{}>", root.name));
        }
        let mut cpu = Self {
            is_strict: root.attribute("match") == Some("strict"),
            ..Self::default()
        };
        for part in root.elements() {
            let text = part.text();
            let text = text.trim();
            match &*part.name {
                "arch" => cpu.arch = Some(arch(text, &root)?),
                "model" => cpu.model = Some(text.to_owned()).filter(|it| !it.is_empty()),
                "vendor" => cpu.vendor = Some(text.to_owned()).filter(|it| !it.is_empty()),
                "feature" => cpu.add(part)?,
                _ => {}
            }
        }
        Ok(cpu)
    }

    fn add(&mut self, part: &Element) -> Result<()> {
        let Some(name) = part.attribute("name").filter(|name| !name.is_empty()) else {
            return wrong("invalid CPU feature name".to_owned());
        };
        if self.features.iter().any(|it| it.name == name) {
            return wrong(format!("CPU feature '{name}' specified more than once"));
        }
        let policy = match part.attribute("policy") {
            Some(word) => match word.parse() {
                Ok(policy) => Some(policy),
                Err(_) => return wrong("invalid CPU feature policy".to_owned()),
            },
            None => None,
        };
        self.features.push(DescribedFeature {
            name: name.to_owned(),
            policy,
        });
        Ok(())
    }

    /// As a guest's document has it.
    #[must_use]
    pub fn format(&self) -> String {
        let mut xml = "<cpu mode='custom' match='exact'>\n".to_owned();
        let fallback = if self.is_exact { "forbid" } else { "allow" };
        let model = self.model.as_deref().unwrap_or_default();
        let _ = writeln!(xml, "  <model fallback='{fallback}'>{model}</model>");
        if let Some(vendor) = &self.vendor {
            let _ = writeln!(xml, "  <vendor>{vendor}</vendor>");
        }
        for feature in &self.features {
            let policy = feature.policy.unwrap_or(FeaturePolicy::Require);
            let name = &feature.name;
            let _ = writeln!(xml, "  <feature policy='{policy}' name='{name}'/>");
        }
        xml.push_str("</cpu>\n");
        xml
    }
}

fn arch(name: &str, root: &Element) -> Result<Arch> {
    if root.attribute("match").is_some() {
        let why = "'arch' element cannot be used inside 'cpu' element with 'match' attribute";
        return wrong(why.to_owned());
    }
    let found = Arch::from_name(name);
    found.ok_or_else(|| Error::Document(format!("unknown architecture {name}")))
}

fn wrong<T>(why: String) -> Result<T> {
    Err(Error::Document(why))
}
