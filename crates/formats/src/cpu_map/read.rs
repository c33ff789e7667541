//! Reads the files of the map: `index.xml` names the others.
//!
//! What the bits are used for is in the other modules.

use super::bits::{Bits, REGISTERS, Source};
use super::{CpuMap, Error, Feature, Model, Result};
use virtxen_guest::{Element, ParseOptions, parse_element};

/// Most files of a map; libvirt 9.0 has 61 of x86.
const FILES_MAX: usize = 1024;

impl CpuMap {
    /// Reads the map of x86. `file` gives the text of a file by its name in the map's folder.
    ///
    /// # Errors
    /// A file is not there or wrong; there are too many.
    pub fn read(file: impl Fn(&str) -> std::io::Result<String>) -> Result<Self> {
        const INDEX: &str = "index.xml";
        let mut map = Self::default();
        let mut names: Vec<String> = Vec::new();
        in_file(&file, INDEX, |root| {
            let mut archs = root.elements().filter(|it| it.name == "arch");
            let x86 = archs.find(|it| it.attribute("name") == Some("x86"));
            let x86 = x86.ok_or("it has no models of x86")?;
            let includes = x86.elements().filter(|it| it.name == "include");
            names.extend(includes.filter_map(|it| it.attribute("filename").map(str::to_owned)));
            match names.len() > FILES_MAX {
                true => Err(format!("it names more than {FILES_MAX} files")),
                false => map.entries(x86),
            }
        })?;
        for name in &names {
            in_file(&file, name, |root| map.entries(root))?;
        }
        Ok(map)
    }

    fn entries(&mut self, parent: &Element) -> Found<()> {
        for entry in parent.elements() {
            match &*entry.name {
                "vendor" => self.vendors.push(own(entry, "name")?),
                "feature" => self.features.push(feature(entry)?),
                "model" => {
                    let model = self.read_model(entry)?;
                    self.models.push(model);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_model(&self, entry: &Element) -> Found<Model> {
        let mut model = Model {
            of_host: true,
            of_guest: true,
            ..Model::default()
        };
        for part in entry.elements() {
            let text = |name: &str| own(part, name);
            match &*part.name {
                // What another model has, to begin with.
                "model" => {
                    let parent = self.model(&text("name")?).map_err(|it| it.to_string())?;
                    model.bits.add(&parent.bits);
                    model.vendor.clone_from(&parent.vendor);
                }
                "decode" => {
                    model.of_host = part.attribute("host") != Some("off");
                    model.of_guest = part.attribute("guest") != Some("off");
                }
                "vendor" => model.vendor = Some(text("name")?),
                "feature" if part.attribute("removed") == Some("yes") => {
                    model.removed.push(text("name")?);
                }
                "feature" => {
                    let feature = self.feature(&text("name")?).map_err(|it| it.to_string())?;
                    model.bits.add(&feature.bits);
                }
                _ => {}
            }
        }
        model.name = own(entry, "name")?;
        Ok(model)
    }
}

/// What is wrong with a file.
type Found<T> = std::result::Result<T, String>;

fn in_file(
    file: &impl Fn(&str) -> std::io::Result<String>,
    name: &str,
    read: impl FnOnce(&Element) -> Found<()>,
) -> Result<()> {
    let failed = |reason: String| Error::Map {
        file: name.to_owned(),
        reason,
    };
    if name.contains('/') {
        return Err(failed("it is not in the map's folder".to_owned()));
    }
    let text = file(name).map_err(|error| failed(error.to_string()))?;
    let document = parse_element(&text, &ParseOptions::default());
    let document = document.map_err(|error| failed(error.to_string()))?;
    read(&document.value).map_err(failed)
}

fn own(node: &Element, name: &str) -> Found<String> {
    let value = node.attribute(name).map(str::to_owned);
    value.ok_or_else(|| format!("a <{}> has no {name}", node.name))
}

fn feature(entry: &Element) -> Found<Feature> {
    let mut bits = Bits::default();
    for part in entry.elements() {
        let number = |name: &str| match part.attribute(name) {
            Some(text) => hexadecimal(text),
            None => Ok(0),
        };
        let source = match &*part.name {
            "cpuid" => Source::Cpuid(number("eax_in")?, number("ecx_in")?),
            "msr" => Source::Msr(number("index")?),
            _ => continue,
        };
        for (name, register) in REGISTERS {
            bits.insert((source, register), number(name)?);
        }
    }
    Ok(Feature {
        name: own(entry, "name")?,
        bits,
        is_migratable: entry.attribute("migratable") != Some("no"),
    })
}

fn hexadecimal(text: &str) -> Found<u32> {
    let digits = text.strip_prefix("0x");
    let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    number.ok_or_else(|| format!("'{text}' is no word of 32 bits"))
}
