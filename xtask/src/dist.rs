//! `cargo xtask dist`: the Debian package, from release builds and the files of
//! `packaging/`.
//!
//! `dpkg-deb` makes it from a folder that looks like the host's root: it is on every
//! Debian, and a program of ours that makes packages would have to be built first.

use crate::workspace::{cargo, output, run};
use crate::{Error, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Files of the repository and where they go, with their modes.
const FILES: &[(&str, &str, u32)] = &[
    (
        "packaging/virtxend.conf",
        "etc/libvirt/virtxend.conf",
        0o644,
    ),
    (
        "packaging/debian/virtxend.default",
        "etc/default/virtxend",
        0o644,
    ),
    (
        "packaging/polkit/org.virtxen.unix.policy",
        "usr/share/polkit-1/actions/org.virtxen.unix.policy",
        0o644,
    ),
    (
        "packaging/debian/copyright",
        "usr/share/doc/virtxen/copyright",
        0o644,
    ),
    ("LICENSE-MIT", "usr/share/doc/virtxen/LICENSE-MIT", 0o644),
    (
        "LICENSE-APACHE",
        "usr/share/doc/virtxen/LICENSE-APACHE",
        0o644,
    ),
    ("README.md", "usr/share/doc/virtxen/README.md", 0o644),
    ("docs/daemon.md", "usr/share/doc/virtxen/daemon.md", 0o644),
];

const UNITS: [&str; 6] = [
    "virtxend.service",
    "virtxend.socket",
    "virtxend-ro.socket",
    "virtxend-admin.socket",
    "virtxend-tcp.socket",
    "virtxend-tls.socket",
];

/// Where units go.
const UNIT_FOLDER: &str = "usr/lib/systemd/system";

const PAGES: [(&str, u8); 3] = [("virtxen.1", 1), ("virtxend.8", 8), ("virtxend.conf.5", 5)];

/// Shells, and where each looks for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/virtxen"),
    ("zsh", "usr/share/zsh/vendor-completions/_virtxen"),
    ("fish", "usr/share/fish/vendor_completions.d/virtxen.fish"),
];

/// Scripts and lists of the package itself.
const CONTROL: [(&str, u32); 4] = [
    ("conffiles", 0o644),
    ("postinst", 0o755),
    ("prerm", 0o755),
    ("postrm", 0o755),
];

/// Builds the package and looks at it; returns where it is. From `debug` builds it is
/// larger and slower, and for trying what is in `packaging/`.
///
/// # Errors
/// When a program does not build, a file is missing, or the package is not what it
/// should be.
pub fn dist(root: &Path, debug: bool) -> Result<PathBuf> {
    let mut build = cargo(root);
    build.args([
        "build",
        "--quiet",
        "-p",
        "virtxen-cli",
        "-p",
        "virtxen-daemon",
    ]);
    if !debug {
        build.arg("--release");
    }
    run(&mut build, "")?;
    let programs = target(root).join(if debug { "debug" } else { "release" });
    let folder = target(root).join("dist");
    let stage = folder.join("root");
    if stage.exists() {
        std::fs::remove_dir_all(&stage).map_err(Error::file(&stage))?;
    }
    for (program, place) in [
        ("virtxen", "usr/bin/virtxen"),
        ("virtxend", "usr/sbin/virtxend"),
    ] {
        install(&programs.join(program), &stage.join(place), 0o755)?;
        strip(&stage.join(place))?;
    }
    fill(root, &stage)?;
    let version = env!("CARGO_PKG_VERSION");
    let architecture = text(Command::new("dpkg").arg("--print-architecture"))?;
    control(root, &stage, version, architecture.trim())?;
    let package = folder.join(format!("virtxen_{version}_{}.deb", architecture.trim()));
    let mut make = Command::new("dpkg-deb");
    make.args(["--root-owner-group", "--build"])
        .arg(&stage)
        .arg(&package);
    run(make.stdout(Stdio::null()), "; it is part of Debian")?;
    check(&package, &stage)?;
    Ok(package)
}

/// Everything but the programs and the package's own files.
fn fill(root: &Path, stage: &Path) -> Result<()> {
    for (from, to, mode) in FILES {
        install(&root.join(from), &stage.join(to), *mode)?;
    }
    for unit in UNITS {
        let from = root.join("packaging/systemd").join(unit);
        install(&from, &stage.join(UNIT_FOLDER).join(unit), 0o644)?;
    }
    for (page, section) in PAGES {
        let to = stage.join(format!("usr/share/man/man{section}/{page}"));
        install(&root.join("docs/man").join(page), &to, 0o644)?;
        run(Command::new("gzip").args(["-9n"]).arg(&to), "")?;
    }
    for (shell, to) in COMPLETIONS {
        let mut virtxen = Command::new(stage.join("usr/bin/virtxen"));
        let script = output(virtxen.args(["-q", "completions", shell]), "")?;
        write(&stage.join(to), &script, 0o644)?;
    }
    Ok(())
}

fn control(root: &Path, stage: &Path, version: &str, architecture: &str) -> Result<()> {
    let packaging = root.join("packaging/debian");
    let file = packaging.join("control");
    let control = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
    let programs = ["usr/bin/virtxen", "usr/sbin/virtxend"].map(|place| stage.join(place));
    let glibc = glibc(&programs)?;
    let mut size = 0;
    for file in crate::workspace::files(stage)? {
        size += std::fs::metadata(&file).map_err(Error::file(&file))?.len();
    }
    let control = control
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@GLIBC@", &format!("2.{glibc}"))
        .replace("@SIZE@", &size.div_ceil(1024).to_string());
    write(&stage.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    for (name, mode) in CONTROL {
        install(
            &packaging.join(name),
            &stage.join("DEBIAN").join(name),
            mode,
        )?;
    }
    Ok(())
}

/// The newest minor version of glibc 2 whose symbols the programs need.
fn glibc(programs: &[PathBuf]) -> Result<u32> {
    let mut newest = 0;
    for program in programs {
        let bytes = std::fs::read(program).map_err(Error::file(program))?;
        for place in bytes
            .windows(8)
            .enumerate()
            .filter(|(_, it)| it == b"GLIBC_2.")
        {
            let digits = bytes.get(place.0 + 8..).unwrap_or_default().iter();
            let digits = digits.take_while(|byte| byte.is_ascii_digit());
            let number = digits.fold(0u32, |number, digit| {
                number
                    .saturating_mul(10)
                    .saturating_add(u32::from(digit - b'0'))
            });
            newest = newest.max(number);
        }
    }
    match newest {
        1..100 => Ok(newest),
        _ => Err(Error::Failed(
            "the programs name no version of glibc".to_owned(),
        )),
    }
}

/// Looks at the package as a host would.
fn check(package: &Path, stage: &Path) -> Result<()> {
    let contents = text(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    let places = FILES.iter().map(|(_, to, _)| (*to).to_owned());
    let units = UNITS.iter().map(|unit| format!("{UNIT_FOLDER}/{unit}"));
    let pages = PAGES
        .iter()
        .map(|(page, section)| format!("man{section}/{page}.gz"));
    for place in places.chain(units).chain(pages) {
        if !contents.lines().any(|line| line.ends_with(&place)) {
            return Err(Error::Failed(format!("the package has no {place}")));
        }
    }
    let strange = contents.lines().find(|line| !line.contains(" root/root "));
    if let Some(line) = strange {
        return Err(Error::Failed(format!("not root's: {line}")));
    }
    println!(
        "{} files in {}",
        contents.lines().count(),
        package.display()
    );
    verify_units(stage)?;
    if Command::new("lintian")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok()
    {
        let mut lintian = Command::new("lintian");
        // Packages of a distribution have a changelog and a bug for their birth.
        lintian.args(["--fail-on", "error", "--suppress-tags"]);
        lintian
            .arg("no-changelog,initial-upload-closes-no-bugs")
            .arg(package);
        run(&mut lintian, "")?;
    }
    Ok(())
}

/// systemd's own judgement of the units, where it is installed.
fn verify_units(stage: &Path) -> Result<()> {
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["verify", "--man=no"]);
    for unit in UNITS {
        analyze.arg(stage.join(UNIT_FOLDER).join(unit));
    }
    let Ok(verdict) = analyze.output() else {
        println!("skipped: systemd-analyze is not installed, units are not verified");
        return Ok(());
    };
    let said = String::from_utf8_lossy(&verdict.stderr);
    // The programs are not installed here, and other units are no fault of ours.
    let is_fault = |line: &&str| line.contains("virtxend") && !line.contains("is not executable");
    let faults: Vec<&str> = said.lines().filter(is_fault).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::Failed(format!(
            "systemd says:\n{}",
            faults.join("\n")
        ))),
    }
}

fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn strip(program: &Path) -> Result<()> {
    run(
        Command::new("strip").arg("--strip-unneeded").arg(program),
        "; it is in binutils",
    )
}

fn text(command: &mut Command) -> Result<String> {
    let bytes = output(command, "; it is part of Debian")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let bytes = std::fs::read(from).map_err(Error::file(from))?;
    write(to, &bytes, mode)
}

fn write(to: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let folder = to.parent().unwrap_or(to);
    std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
    // What is written into must not be a link to something else.
    if to.exists() {
        std::fs::remove_file(to).map_err(Error::file(to))?;
    }
    std::fs::write(to, bytes).map_err(Error::file(to))?;
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(to, mode).map_err(Error::file(to))
}
