//! `cargo xtask gen-abi`: Xen's toolstack ABI of every release as Rust data.
//!
//! Reads the facts of the shelf and writes `crates/hypercall/src/abi/table.rs`
//! with the operations that virtxen uses. The table is committed: a build needs
//! no shelf, and a test compares the two where the shelf is.

use crate::{Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Where the table is, from the root of the workspace.
pub const TABLE: &str = "crates/hypercall/src/abi/table.rs";

/// The operations of each family that virtxen uses.
const OPERATIONS: &[(&str, &[&str])] = &[
    (
        "dom0_op",
        &[
            "adjustdom",
            "destroydomain",
            "getdomaininfo",
            "getdomaininfolist",
            "getvcpuinfo",
            "max_vcpus",
            "pausedomain",
            "physinfo",
            "sched_id",
            "setdomainmaxmem",
            "setvcpuaffinity",
            "unpausedomain",
        ],
    ),
    (
        "sysctl",
        &[
            "availheap",
            "cpupool_op",
            "cputopoinfo",
            "getcpuinfo",
            "getdomaininfolist",
            "numainfo",
            "physinfo",
            "sched_id",
            "topologyinfo",
        ],
    ),
    (
        "domctl",
        &[
            "destroydomain",
            "getdomaininfo",
            "getvcpuinfo",
            "max_mem",
            "max_vcpus",
            "pausedomain",
            "scheduler_op",
            "sendtrigger",
            "unpausedomain",
            "vcpuaffinity",
        ],
    ),
    (
        "structs",
        &[
            "domaininfo_element",
            "domctl_schedparam_vcpu",
            "sysctl_cpuinfo",
            "sysctl_cputopo",
            "sysctl_meminfo",
        ],
    ),
];

/// Flag bits of a domain and numbers of schedulers, with their releases.
const CONSTANTS: &[(&str, &str)] = &[("dominf", "XEN_DOMINF_"), ("scheduler_ids", "")];

/// Writes the table.
///
/// # Errors
/// When the facts are not there or not of their form.
pub fn write(root: &Path, facts: &Path) -> Result<()> {
    let table = root.join(TABLE);
    let text = render(facts)?;
    std::fs::write(&table, text).map_err(Error::file(table))
}

/// The table's text.
///
/// # Errors
/// As [`write()`].
pub fn render(facts: &Path) -> Result<String> {
    let text = std::fs::read_to_string(facts).map_err(Error::file(facts))?;
    let facts: Value = serde_json::from_str(&text).map_err(|error| malformed(error.to_string()))?;
    let mut out = String::from(HEAD);
    releases(&facts, &mut out)?;
    let mut shared = BTreeMap::new();
    let mut families = String::new();
    for (family, operations) in OPERATIONS {
        let _ = writeln!(
            families,
            "\n/// `{family}`.\npub static {}: &[Operation] = &[",
            family.to_uppercase()
        );
        for operation in *operations {
            self::operation(&facts, family, operation, &mut shared, &mut families)?;
        }
        families.push_str("];\n");
    }
    for (fields, name) in sorted(&shared) {
        let _ = writeln!(out, "static {name}: &[Field] = &[{fields}];");
    }
    out.push_str(&families);
    constants(&facts, &mut out)?;
    Ok(out)
}

const HEAD: &str = "\
//! Xen's toolstack ABI, release by release, as data. Made by `cargo xtask gen-abi`
//! from probes of each release's public headers; not edited by hand.
//!
//! Offsets of operations count from the start of the union in the envelope.

#![cfg_attr(rustfmt, rustfmt_skip)]

use super::layout::{ARM64, Constant, Field, Layout, Operation, Release, ReleaseRow, Variant, X86_32, X86_64};

const fn r(major: u8, minor: u8, point: u8) -> Release {
    Release { major, minor, point }
}

const fn f(name: &'static str, offset: u16, size: u16) -> Field {
    Field { name, offset, size }
}

";

fn releases(facts: &Value, out: &mut String) -> Result<()> {
    out.push_str(
        "/// Every release with the interface versions that it demands: dom0_op, sysctl, domctl.\n",
    );
    out.push_str("pub static RELEASES: &[ReleaseRow] = &[\n");
    for row in list(&facts["releases"], "releases")? {
        let name = text(&row["rel"], "rel")?;
        let range = range_end(name)?;
        let number = |key: &str| match &row[key] {
            Value::Null => "None".to_owned(),
            Value::Number(number) => format!("Some({number})"),
            other => format!("Some({})", other.as_str().unwrap_or("0")),
        };
        let (dom0, sysctl, domctl) = (number("dom0"), number("sysctl"), number("domctl"));
        let _ = writeln!(
            out,
            "    ReleaseRow {{ releases: {range}, dom0: {dom0}, sysctl: {sysctl}, domctl: {domctl} }},"
        );
    }
    out.push_str("];\n\n");
    Ok(())
}

fn operation(
    facts: &Value,
    family: &str,
    name: &str,
    shared: &mut BTreeMap<String, String>,
    out: &mut String,
) -> Result<()> {
    let variants = list(&facts[family][name], name)?;
    let _ = writeln!(out, "    Operation {{ name: \"{name}\", variants: &[");
    for variant in variants {
        // Structs that follow no interface have no versions.
        let versions = variant["ver"].as_array().map_or(&[][..], Vec::as_slice);
        let versions: Vec<String> = versions.iter().map(Value::to_string).collect();
        let command = variant["cmd"]
            .as_object()
            .and_then(|commands| commands.values().next())
            .map_or("0".to_owned(), Value::to_string);
        let _ = write!(
            out,
            "        Variant {{ releases: {}, versions: &[{}], command: {command}, layouts: &[",
            ranges(text(&variant["rel"], "rel")?)?,
            versions.join(", ")
        );
        let mut layouts = Vec::new();
        for (arches, layout) in variant.as_object().into_iter().flatten() {
            let Some(size) = layout.get("size").filter(|_| layout.is_object()) else {
                continue;
            };
            let next = format!("F{}", shared.len());
            let name = shared.entry(fields(layout)?).or_insert(next);
            let arches = arch_mask(arches)?;
            layouts.push(format!(
                "({arches}, Layout {{ size: {size}, fields: {name} }})"
            ));
        }
        if layouts.is_empty() {
            // An operation that carries nothing but its envelope.
            layouts.push("(X86_64 | X86_32 | ARM64, Layout { size: 0, fields: &[] })".to_owned());
        }
        let _ = writeln!(out, "{}] }},", layouts.join(", "));
    }
    out.push_str("    ] },\n");
    Ok(())
}

fn fields(layout: &Value) -> Result<String> {
    let mut fields = Vec::new();
    for field in list(&layout["f"], "f")? {
        let name = text(&field[0], "field name")?;
        fields.push(format!("f(\"{name}\", {}, {})", field[1], field[2]));
    }
    Ok(fields.join(", "))
}

fn constants(facts: &Value, out: &mut String) -> Result<()> {
    out.push_str(
        "\n/// Flag bits and numbers that have a name, with the releases of each value.\n",
    );
    out.push_str("pub static CONSTANTS: &[Constant] = &[\n");
    for (group, prefix) in CONSTANTS {
        let group = facts["constants"][group].as_object();
        for (name, values) in group.into_iter().flatten() {
            if !name.starts_with(prefix) {
                continue;
            }
            for pair in list(values, name)? {
                let releases = ranges(text(&pair[1], name)?)?;
                let value = &pair[0];
                let _ = writeln!(
                    out,
                    "    Constant {{ name: \"{name}\", value: {value}, releases: {releases} }},"
                );
            }
        }
    }
    out.push_str("];\n");
    Ok(())
}

/// Field lists in the order in which they were named.
fn sorted(shared: &BTreeMap<String, String>) -> Vec<(&String, &String)> {
    let mut all: Vec<_> = shared.iter().collect();
    let number = |name: &str| name.trim_start_matches('F').parse::<u32>().unwrap_or(0);
    all.sort_by_key(|(_, name)| number(name));
    all
}

fn arch_mask(arches: &str) -> Result<String> {
    if arches == "all" {
        return Ok("X86_64 | X86_32 | ARM64".to_owned());
    }
    let names: Vec<String> = arches.split('+').map(str::to_uppercase).collect();
    let known = |name: &String| matches!(name.as_str(), "X86_64" | "X86_32" | "ARM64");
    if names.iter().all(known) {
        Ok(names.join(" | "))
    } else {
        Err(malformed(format!("unknown architecture '{arches}'")))
    }
}

/// `3.0.0..3.0.2 4.1.0` as a list of inclusive ranges.
fn ranges(text: &str) -> Result<String> {
    let all: Result<Vec<String>> = text.split(' ').map(range_end).collect();
    Ok(format!("&[{}]", all?.join(", ")))
}

fn range_end(text: &str) -> Result<String> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    Ok(format!("({}, {})", release(from)?, release(to)?))
}

fn release(text: &str) -> Result<String> {
    if text == "staging" {
        return Ok("Release::NEWEST".to_owned());
    }
    let mut parts = text.split('.');
    let mut part = || parts.next().unwrap_or("0").parse::<u8>();
    match (part(), part(), part()) {
        (Ok(major), Ok(minor), Ok(point)) => Ok(format!("r({major}, {minor}, {point})")),
        _ => Err(malformed(format!("'{text}' is no release"))),
    }
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a Vec<Value>> {
    value
        .as_array()
        .ok_or_else(|| malformed(format!("{what} is no list")))
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str> {
    value
        .as_str()
        .ok_or_else(|| malformed(format!("{what} is no text")))
}

fn malformed(reason: String) -> Error {
    Error::Output {
        program: "xen-abi.json",
        reason,
    }
}
