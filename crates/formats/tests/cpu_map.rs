//! Models of processors: by a small map of our own, and by libvirt's where it is installed,
//! beside what libvirt itself says.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use virtxen_formats::capabilities::Arch;
use virtxen_formats::cpu_map::{Comparison, CpuDescription, CpuMap, Error};

const INDEX: &str = "<cpus>
  <arch name='ppc64'><include filename='none.xml'/></arch>
  <arch name='x86'><include filename='all.xml'/></arch>
</cpus>";

const ALL: &str = "<cpus>
  <vendor name='Maker' string='GenuineMaker'/>
  <feature name='fpu'><cpuid eax_in='0x01' edx='0x00000001'/></feature>
  <feature name='vme'><cpuid eax_in='0x01' edx='0x00000002'/></feature>
  <feature name='fast'><cpuid eax_in='0x01' ecx='0x00000001'/></feature>
  <feature name='deep'><cpuid eax_in='0x07' ecx_in='0x00' ebx='0x00000003'/></feature>
  <feature name='stuck' migratable='no'><cpuid eax_in='0x80000007' edx='0x00000100'/></feature>
  <model name='old'><vendor name='Maker'/><feature name='fpu'/></model>
  <model name='new'><model name='old'/><feature name='fast'/><feature name='vme' removed='yes'/>
  </model>
  <model name='never'><decode host='off' guest='off'/><feature name='fpu'/><feature name='fast'/>
  </model>
</cpus>";

fn map() -> CpuMap {
    CpuMap::read(|name| match name {
        "index.xml" => Ok(INDEX.to_owned()),
        "all.xml" => Ok(ALL.to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    })
    .unwrap()
}

fn cpu(text: &str) -> CpuDescription {
    CpuDescription::parse(text).unwrap()
}

#[test]
fn a_host_is_the_model_with_the_fewest_features_beside_it() {
    let map = map();
    assert_eq!(map.models().collect::<Vec<_>>(), ["old", "new", "never"]);
    let host = |words, xen| map.of_host(Arch::X86_64, words, xen);
    let names = |cpu: &CpuDescription| {
        let features = cpu.features.iter().map(|it| it.name.as_str());
        (
            cpu.model.clone().unwrap(),
            features.collect::<Vec<_>>().join(" "),
        )
    };
    let new = host("00000003:00000001:0:0:0:00000003:0:00000100:0", (4, 17)).unwrap();
    assert_eq!(names(&new), ("new".into(), "vme deep stuck".into()));
    assert_eq!(new.arch, Some(Arch::X86_64));
    // The same processor without what it could tell before 4.7, in the order of then.
    let old = host("00000003:0:0:0:00000001:0:0:00000003", (4, 6)).unwrap();
    assert_eq!(names(&old), ("new".into(), "vme deep".into()));
    let old = host("00000001:0", (4, 17)).unwrap();
    assert_eq!(names(&old), ("old".into(), String::new()));
    assert_eq!(host("0:0", (4, 17)), None);
    assert_eq!(host("words", (4, 17)), None);
    assert_eq!(map.of_host(Arch::Aarch64, "1:1", (4, 17)), None);
}

#[test]
fn a_host_that_lacks_something_says_what() {
    let map = map();
    let host = map.of_host(Arch::X86_64, "3:1", (4, 17)).unwrap();
    let compared = |text: &str| map.compare(&host, &cpu(text)).unwrap();
    let not = |why: &str| Comparison::Incompatible(why.to_owned());
    assert_eq!(compared("<cpu/>"), Comparison::Superset);
    assert_eq!(
        compared("<cpu><model>old</model></cpu>"),
        Comparison::Superset
    );
    assert_eq!(
        compared("<cpu><model>new</model><feature name='vme'/></cpu>"),
        Comparison::Identical
    );
    assert_eq!(
        compared("<cpu><model>new</model><feature name='deep' policy='require'/></cpu>"),
        not("Host CPU does not provide required features: deep")
    );
    assert_eq!(
        compared("<cpu><model>new</model><feature name='deep' policy='optional'/></cpu>"),
        Comparison::Superset
    );
    assert_eq!(
        compared("<cpu><model>new</model><feature name='vme' policy='forbid'/></cpu>"),
        not("Host CPU provides forbidden features: vme")
    );
    assert_eq!(
        compared("<cpu match='strict'><model>new</model></cpu>"),
        not("Host CPU does not strictly match guest CPU: Extra features: vme")
    );
    assert_eq!(
        compared(
            "<cpu match='strict'><model>new</model><feature name='vme' policy='disable'/></cpu>"
        ),
        Comparison::Identical
    );
    assert_eq!(
        compared("<cpu><vendor>Maker</vendor></cpu>"),
        not("host CPU vendor does not match required CPU vendor Maker")
    );
    assert_eq!(
        compared("<cpu><arch>aarch64</arch></cpu>"),
        not("CPU arch aarch64 does not match host arch")
    );
    let failed = map.compare(&host, &cpu("<cpu><model>x</model></cpu>"));
    assert_eq!(failed.unwrap_err().to_string(), "unknown CPU model x");
}

#[test]
fn a_baseline_is_what_all_hosts_have() {
    let map = map();
    let baseline = |texts: &[&str], expand, migratable| {
        let hosts: Vec<_> = texts.iter().map(|text| cpu(text)).collect();
        map.baseline(&hosts, expand, migratable)
            .map(|it| it.format())
    };
    let new = "<cpu><arch>x86_64</arch><model>new</model><vendor>Maker</vendor>\
               <feature name='stuck'/></cpu>";
    let old = "<cpu><arch>x86_64</arch><model>old</model><vendor>Maker</vendor></cpu>";
    assert_eq!(
        baseline(&[new, new], false, false).unwrap(),
        "<cpu mode='custom' match='exact'>\n  <model fallback='forbid'>new</model>\n  \
         <vendor>Maker</vendor>\n  <feature policy='require' name='stuck'/>\n  \
         <feature policy='disable' name='vme'/>\n</cpu>\n"
    );
    assert_eq!(
        baseline(&[new, old], true, false).unwrap(),
        "<cpu mode='custom' match='exact'>\n  <model fallback='allow'>old</model>\n  \
         <vendor>Maker</vendor>\n  <feature policy='require' name='fpu'/>\n</cpu>\n"
    );
    assert!(!baseline(&[new], false, true).unwrap().contains("stuck"));
    for (texts, why) in [
        (&[][..], "CPUs are incompatible"),
        (
            &["<cpu><model>new</model></cpu>"],
            "missing CPU architecture",
        ),
        (&["<cpu><arch>i686</arch></cpu>"], "missing CPU model name"),
        (
            &["<cpu><arch>aarch64</arch><model>new</model></cpu>"],
            "models of CPUs are known of x86 only, not of aarch64",
        ),
        (
            &["<cpu><arch>i686</arch><model>new</model><vendor>X</vendor></cpu>"],
            "unknown CPU vendor X",
        ),
    ] {
        assert_eq!(baseline(texts, false, false).unwrap_err().to_string(), why);
    }
}

#[test]
fn wrong_documents_and_maps_say_what_is_wrong() {
    for (text, why) in [
        ("<cpu>", "line 1, column 1"),
        ("<domain/>", "expected a <cpu> element"),
        (
            "<cpu><arch>pdp11</arch></cpu>",
            "unknown architecture pdp11",
        ),
        (
            "<cpu match='exact'><arch>i686</arch></cpu>",
            "cannot be used inside",
        ),
        ("<cpu><feature/></cpu>", "invalid CPU feature name"),
        (
            "<cpu><feature name='a' policy='b'/></cpu>",
            "invalid CPU feature policy",
        ),
        (
            "<cpu><feature name='a'/><feature name='a'/></cpu>",
            "more than once",
        ),
    ] {
        let error = CpuDescription::parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    for (index, why) in [
        ("<cpus/>", "index.xml: it has no models of x86"),
        (
            "<cpus><arch name='x86'><include filename='../a'/></arch></cpus>",
            "../a: it is not in",
        ),
        (
            "<cpus><arch name='x86'><include filename='a'/></arch></cpus>",
            "a: ",
        ),
        (
            "<cpus><arch name='x86'><model/></arch></cpus>",
            "a <model> has no name",
        ),
        (
            "<cpus><arch name='x86'><model name='a'><feature name='b'/></model></arch></cpus>",
            "unknown CPU feature b",
        ),
        (
            "<cpus><arch name='x86'><feature name='a'><cpuid eax_in='one'/></feature></arch></cpus>",
            "'one' is no word of 32 bits",
        ),
    ] {
        let file = |name: &str| match name {
            "index.xml" => Ok(index.to_owned()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        let error = CpuMap::read(file).unwrap_err();
        assert!(matches!(error, Error::Map { .. }));
        assert!(error.to_string().contains(why), "{index}: {error}");
    }
}

#[test]
fn a_map_of_too_many_files_is_not_read() {
    let index = format!(
        "<cpus><arch name='x86'>{}</arch></cpus>",
        "<include filename='empty.xml'/>".repeat(1025)
    );
    let file = |name: &str| match name {
        "index.xml" => Ok(index.clone()),
        _ => Ok("<cpus/>".to_owned()),
    };
    let error = CpuMap::read(file).unwrap_err().to_string();
    assert_eq!(error, "index.xml: it names more than 1024 files");
}

/// libvirt's driver for tests has the same baseline of each pair of neighbours and of each
/// model with the first one that says much.
#[test]
fn libvirt_says_the_same() {
    const FOLDER: &str = "/usr/share/libvirt/cpu_map";
    let folder = Path::new(FOLDER);
    let has_virsh = Command::new("virsh").arg("--version").output().is_ok();
    if !has_virsh || !folder.join("index.xml").exists() {
        return println!("skipped: needs virsh and libvirt's map of CPUs (libvirt-clients)");
    }
    let map = CpuMap::read(|name| std::fs::read_to_string(folder.join(name))).unwrap();
    let models: Vec<String> = map.models().map(str::to_owned).collect();
    assert!(models.len() > 50, "{models:?}");
    let room = tempfile::tempdir().unwrap();
    let (mut script, mut ours) = (String::new(), Vec::new());
    let described = |model: &str| {
        format!("<cpu><arch>x86_64</arch><model>{model}</model><feature name='avx'/></cpu>")
    };
    let neighbours = models.windows(2).map(|pair| (&pair[0], &pair[1]));
    let skylake = "Skylake-Server".to_owned();
    let with_rich = models.iter().map(|it| (it, &skylake));
    for (number, (one, other)) in neighbours.chain(with_rich).enumerate() {
        let texts = [described(one), described(other)];
        let file = room.path().join(format!("{number}.xml"));
        std::fs::write(&file, texts.concat()).unwrap();
        let expand = number % 3 == 0;
        let flag = if expand { "--features" } else { "" };
        let _ = writeln!(script, "cpu-baseline {flag} {}", file.display());
        let hosts = texts.map(|text| cpu(&text));
        ours.push(match map.baseline(&hosts, expand, false) {
            Ok(found) => found.format(),
            Err(_) => "error".to_owned(),
        });
    }
    let file = room.path().join("script");
    std::fs::write(&file, script).unwrap();
    let virsh = Command::new("virsh")
        .args(["-q", "-c", "test:///default"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(virsh.stdout).unwrap();
    let theirs = said
        .split("</cpu>")
        .filter_map(|it| Some(it.split_once("<cpu")?.1));
    let mine = ours.iter().filter(|it| *it != "error");
    let inside = |it: &String| it["<cpu".len()..it.len() - "</cpu>\n".len()].to_owned();
    let (theirs, mine): (Vec<_>, Vec<_>) = (
        theirs.map(str::to_owned).collect(),
        mine.map(inside).collect(),
    );
    assert_eq!(
        mine.len(),
        theirs.len(),
        "{}",
        String::from_utf8_lossy(&virsh.stderr)
    );
    for (mine, theirs) in mine.iter().zip(&theirs) {
        assert_eq!(mine, theirs);
    }
}
