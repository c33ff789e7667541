//! Conversion cases of libvirt's test suite on the shelf.

use std::fs;
use virtxen_formats::sxpr::ConfigVersion;
use virtxen_testkit::shared;

/// One case.
pub(crate) struct Case {
    /// `name generation version`, unique.
    pub(crate) id: String,
    /// The capabilities that the upstream test assumed were those of the libxl driver.
    pub(crate) newer: bool,
    pub(crate) version: ConfigVersion,
    pub(crate) input: String,
    pub(crate) expected: String,
}

/// The cases of a folder of the corpus, none where there is no shelf.
pub(crate) fn cases(set: &str) -> Vec<Case> {
    let Some(folder) = shared(&format!("corpus/{set}")) else {
        return Vec::new();
    };
    let index = fs::read_to_string(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let all = index["cases"].as_array().unwrap().iter();
    all.map(|case| {
        // Data files break long lines with a backslash at the end.
        let read = |key: &str| {
            let text = fs::read_to_string(folder.join(case[key].as_str().unwrap())).unwrap();
            text.replace("\\\n", "")
        };
        let generation = case["generation"].as_str().unwrap();
        // Upstream did not run some files; they are of the newest version of their time.
        let number = case["params"]["xend_config_version"].as_u64();
        let number = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(4);
        Case {
            id: format!("{} {generation} {number}", case["name"].as_str().unwrap()),
            newer: generation != "v1.3.0",
            version: ConfigVersion::from_number(Some(number)),
            input: read("input"),
            expected: read("expected"),
        }
    })
    .collect()
}
