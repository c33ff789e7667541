//! The emulated machine: how it is started, saved, taken back, and ended.
//!
//! What runs in it is made in `image`; how one talks to dom0 is in `dom0`.

use super::dom0::Dom0;
use super::monitor;
use super::place::Place;
use super::programs::{last_lines, say, text_of};
use crate::{Error, Result};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The state after boot.
pub(super) const READY: &str = "ready";

/// MiB of the machine, of which dom0 has `DOM0_MEMORY`.
const MEMORY: u32 = 3072;
const DOM0_MEMORY: u32 = 1024;
const CPUS: u32 = 2;

/// EPYC, because QEMU emulates AMD's nested paging, which PVH and HVM guests need. Without
/// - monitor: Xen would wait in a way that QEMU refuses (#GP);
/// - smap, smep: QEMU 7.2 faults where Xen reads a PV kernel's stack;
/// - rdtscp: QEMU 7.2 reports it as RDTSC, and Xen ends the guest;
/// - xsave and what needs it: with AVX, one xl in eight crashed in dom0.
const CPU: &str =
    "EPYC,-monitor,-smap,-smep,-rdtscp,-xsave,-xsaveopt,-xgetbv1,-avx,-avx2,-fma,-f16c";

/// Time in the machine is what its processors have done, 4 ns an instruction, not what a clock
/// says: a busy host makes it slower, and no timeout of Xen's or systemd's ends too early.
/// One thread for all processors belongs to that; on a busy host it is faster as well, for
/// no processor waits for another one that is not running.
const CLOCK: &[&str] = &[
    "-accel",
    "tcg,thread=single,tb-size=512",
    "-icount",
    "shift=2",
];

/// A chipset with an IOMMU that Xen takes into use, so that PCI devices can be passed through:
/// Intel's beside AMD's processor, for Xen looks for its table alone. Devices of virtio are not
/// behind it.
const CHIPSET: &[&str] = &[
    "-machine",
    "q35",
    "-device",
    "intel-iommu,intremap=on,caching-mode=on,aw-bits=48",
];

/// For tests of what is passed through: a PCI device, which nothing in dom0 needs, and another
/// vendor's controller with a USB device.
const SPARE: &[&str] = &[
    "-device",
    "nec-usb-xhci,id=spare,addr=0x10",
    "-device",
    "qemu-xhci,id=usb,addr=0x11",
    "-device",
    "usb-tablet,bus=usb.0",
];

/// What Xen is told. Guests' page tables are AMD's, which the IOMMU cannot read (`no-sharept`).
const XEN: &str = "console=com1 com1=115200,8n1 noreboot dom0_max_vcpus=2 loglvl=info \
    guest_loglvl=all bootscrub=0 spec-ctrl=no xpti=no cpufreq=none watchdog=0 iommu=no-sharept";

/// What dom0's kernel is told.
const DOM0: &str = "console=hvc0 net.ifnames=0 mitigations=off apparmor=0 selinux=0 audit=0 \
    random.trust_bootloader=1 systemd.show_status=1";

/// Longest wait for dom0 after a boot, and after it was taken back.
const BOOT: Duration = Duration::from_secs(900);
const RETURN: Duration = Duration::from_secs(180);

/// dom0 is ready when systemd, Xen's tools and XenStore are.
const PROBE: &str =
    "systemctl is-active --quiet multi-user.target || { echo still booting >&2; exit 1; }
    xl info >/dev/null && xenstore-read domid >/dev/null";

/// Starts the machine from the state after boot, or boots it.
pub(super) fn up(place: &Place, cold: bool, port: Option<u16>) -> Result<()> {
    let begin = Instant::now();
    let disk = place.run().join("disk.qcow2");
    let is_saved = !cold && disk.exists() && states(place)?.iter().any(|name| name == READY);
    if is_saved {
        start(place, port, &["-loadvm", READY])?;
        wait(place, RETURN)?;
    } else {
        say("booting, which takes a minute or two; later it is seconds");
        let run = place.run();
        std::fs::create_dir_all(&run).map_err(Error::file(&run))?;
        let _ = std::fs::remove_file(&disk);
        let mut image = tool(place, "qemu-img");
        image.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]);
        text_of(image.arg(place.file("dom0.raw")).arg(&disk))?;
        start(place, port, &[])?;
        wait(place, BOOT)?;
        Dom0::hang_up(place);
        monitor::ask(&place.run(), &format!("savevm {READY}"))?;
    }
    Dom0::of(place)?.set_clock()?;
    say(&format!(
        "up in {:.0} s, Xen {}",
        begin.elapsed().as_secs_f32(),
        place.suite.xen()
    ));
    Ok(())
}

/// Ends the machine; what dom0 wrote since the last saved state is forgotten.
pub(super) fn down(place: &Place) -> Result<()> {
    Dom0::hang_up(place);
    let Some(pid) = pid(place) else {
        say("already down");
        return Ok(());
    };
    let asked = monitor::quit(&place.run());
    let begin = Instant::now();
    while self::pid(place).is_some() {
        if asked.is_err() || begin.elapsed() > Duration::from_secs(20) {
            text_of(Command::new("kill").args(["-KILL", &pid.to_string()]))?;
        }
        if begin.elapsed() > Duration::from_secs(30) {
            let message = format!("QEMU, process {pid}, does not end");
            return Err(Error::Failed(message));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    say("down");
    Ok(())
}

/// Saves the whole machine under a name.
pub(super) fn snapshot(place: &Place, name: &str) -> Result<()> {
    let dom0 = Dom0::of(place)?;
    Dom0::hang_up(place);
    monitor::ask(&place.run(), &format!("savevm {name}"))?;
    dom0.set_clock()
}

/// Takes the machine back to what was saved under a name.
pub(super) fn restore(place: &Place, name: &str) -> Result<()> {
    let dom0 = Dom0::of(place)?;
    let known = states(place)?;
    if !known.iter().any(|state| state == name) {
        let known = known.join(", ");
        let message = format!("nothing was saved as {name}; there is: {known}");
        return Err(Error::Failed(message));
    }
    Dom0::hang_up(place);
    monitor::ask(&place.run(), &format!("loadvm {name}"))?;
    wait(place, RETURN)?;
    dom0.set_clock()
}

/// Names under which the machine was saved.
pub(super) fn states(place: &Place) -> Result<Vec<String>> {
    let disk = place.run().join("disk.qcow2");
    let mut image = tool(place, "qemu-img");
    let text = text_of(image.args(["snapshot", "-U", "-l"]).arg(disk))?;
    let names = text.lines().skip(2).filter_map(|line| {
        let name = line.split_whitespace().nth(1)?;
        Some(name.to_owned())
    });
    Ok(names.collect())
}

/// The process of our QEMU, if it runs.
pub(super) fn pid(place: &Place) -> Option<u32> {
    let text = std::fs::read_to_string(place.run().join("qemu.pid")).ok()?;
    let pid: u32 = text.trim().parse().ok()?;
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let name = name_of(place);
    let is_ours = line
        .split(|byte| *byte == 0)
        .any(|word| word == name.as_bytes());
    is_ours.then_some(pid)
}

/// What QEMU calls the machine: its folder, by which its process is known.
fn name_of(place: &Place) -> String {
    // A comma would begin an option.
    let folder = place.folder().display().to_string().replace(',', "_");
    format!("virtxen-lab:{folder}")
}

/// A program of the unpacked tools, with their own libraries.
pub(super) fn tool(place: &Place, program: &str) -> Command {
    let root = place.tools();
    let library = root.join("usr/lib/x86_64-linux-gnu");
    let folders = [
        library.clone(),
        root.join("lib/x86_64-linux-gnu"),
        library.join("pulseaudio"),
    ];
    let folders: Vec<String> = folders.iter().map(|it| it.display().to_string()).collect();
    let mut command = Command::new(root.join("lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"));
    command
        .arg("--library-path")
        .arg(folders.join(":"))
        .arg(root.join("usr/bin").join(program))
        .env("QEMU_MODULE_DIR", library.join("qemu"));
    command
}

/// Starts QEMU in the background.
fn start(place: &Place, port: Option<u16>, more: &[&str]) -> Result<()> {
    let (run, root) = (place.run(), place.tools());
    let share = run.join("share");
    std::fs::create_dir_all(&share).map_err(Error::file(&share))?;
    for old in ["qmp", "qemu.pid", "ssh"] {
        let _ = std::fs::remove_file(run.join(old));
    }
    let port = free_port(port)?;
    let file = |name: &str| place.file(name).display().to_string();
    let mut qemu = tool(place, "qemu-system-x86_64");
    qemu.current_dir(&run)
        .args([
            "-name",
            &name_of(place),
            "-daemonize",
            "-pidfile",
            "qemu.pid",
        ])
        .arg("-L")
        .arg(root.join("usr/share/qemu"))
        .arg("-L")
        .arg(root.join("usr/share/seabios"))
        .args(CHIPSET)
        .args(CLOCK)
        .args(["-cpu", CPU, "-smp", &CPUS.to_string()])
        .args(["-m", &MEMORY.to_string()])
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-display", "none", "-serial", "file:serial.log"])
        .args(["-qmp", "unix:qmp,server=on,wait=off"])
        .args(["-kernel", &file("xen"), "-append"])
        .arg(format!("{XEN} dom0_mem={DOM0_MEMORY}M,max:{DOM0_MEMORY}M"))
        .arg("-initrd")
        .arg(format!("{} {DOM0},{}", file("vmlinux"), file("initrd")))
        .args([
            "-drive",
            "file=disk.qcow2,if=none,id=root,format=qcow2,cache=unsafe,discard=unmap",
        ])
        .args(["-device", "virtio-blk-pci,drive=root", "-netdev"])
        .arg(format!("user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22"))
        .args(["-device", "virtio-net-pci,netdev=net,romfile="])
        .args(["-fsdev", "local,id=share,path=share,security_model=none"])
        .args(["-device", "virtio-9p-pci,fsdev=share,mount_tag=share"])
        .args(SPARE)
        .args(more)
        .stdin(Stdio::null());
    started(qemu, &run.join("qemu.log"))?;
    let path = run.join("port");
    std::fs::write(&path, port.to_string()).map_err(Error::file(&path))
}

/// QEMU goes to the background when it is ready, and keeps its output open.
fn started(mut qemu: Command, log: &Path) -> Result<()> {
    let file = std::fs::File::create(log).map_err(Error::file(log))?;
    let copy = file.try_clone().map_err(Error::file(log))?;
    let status = qemu.stdout(copy).stderr(file).status();
    let status = status.map_err(|source| Error::Start {
        program: "qemu-system-x86_64".to_owned(),
        source,
        advice: "; `cargo xtask lab build` unpacks it",
    })?;
    if status.success() {
        return Ok(());
    }
    let said: Vec<String> = last_lines(log, 20)
        .into_iter()
        .filter(|line| !line.contains("TCG doesn't support requested feature"))
        .collect();
    let said = said.join("; ");
    Err(Error::Failed(format!("QEMU ended with {status}: {said}")))
}

/// The port by which ssh comes in: a named one if it is free, else any.
fn free_port(wanted: Option<u16>) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", wanted.unwrap_or(0)));
    let port = listener.and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(|error| {
        let wanted = wanted.unwrap_or(0);
        Error::Failed(format!(
            "port {wanted} of 127.0.0.1 cannot be used for ssh: {error}; without --port a \
             free one is taken"
        ))
    })
}

/// Waits until dom0 is ready.
fn wait(place: &Place, patience: Duration) -> Result<()> {
    let begin = Instant::now();
    loop {
        let Err(why) = Dom0::of(place).and_then(|dom0| dom0.text(PROBE)) else {
            return Ok(());
        };
        let log = place.run().join("serial.log");
        if pid(place).is_none() {
            let last = last_lines(&log, 10).join("\n    ");
            let log = log.display();
            let message = format!("the machine has ended; {log} ends with\n    {last}");
            return Err(Error::Failed(message));
        }
        if begin.elapsed() > patience {
            return Err(Error::Failed(format!(
                "dom0 is not ready after {} s ({why}); its console is {}",
                patience.as_secs(),
                log.display()
            )));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}
