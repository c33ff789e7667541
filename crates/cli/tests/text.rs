//! Text that people and their scripts know from virsh: layout, messages, errors,
//! exit statuses.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
use common::{Ran, run, script, virtxen};

/// A guest that is defined and runs.
const MAIL: &str = "define examples/paravirt-bootloader.xml; start mailhub";

fn after(setup: &str, command: &str) -> String {
    let all = script(&format!("{setup}; domname Domain-0; {command}"));
    all.split_once("Domain-0\n\n")
        .expect("the mark")
        .1
        .to_owned()
}

#[test]
fn lists_have_virshs_layout_and_say_that_they_are_simulated() {
    assert_eq!(
        run(&["list"]).out,
        " Id   Name       State   (simulated host)\n\
         --------------------------\n \
         0    Domain-0   running\n\n"
    );
    assert_eq!(run(&["-q", "list"]).out, " 0   Domain-0   running\n");
    assert_eq!(run(&["-q", "list", "--name"]).out, "Domain-0\n");
    let all = after("define examples/paravirt-bootloader.xml", "list --inactive");
    assert!(all.contains("\n -    mailhub   shut off\n"), "{all}");
}

#[test]
fn every_listing_is_marked() {
    for command in [
        "list",
        "domblklist mailhub",
        "domiflist mailhub",
        "vcpupin mailhub",
    ] {
        let text = after(MAIL, command);
        assert!(
            text.lines().next().unwrap().ends_with("(simulated host)"),
            "{text}"
        );
    }
    assert!(run(&["uri"]).out.starts_with("sim:"));
    assert!(run(&["version"]).out.contains("(simulated)"));
}

#[test]
fn life_cycle_speaks_like_virsh() {
    for (command, message) in [
        ("suspend mailhub", "Domain 'mailhub' suspended\n\n"),
        (
            "suspend mailhub; resume mailhub",
            "Domain 'mailhub' suspended\n\nDomain 'mailhub' resumed\n\n",
        ),
        ("shutdown mailhub", "Domain 'mailhub' is being shutdown\n\n"),
        ("reboot mailhub", "Domain 'mailhub' is being rebooted\n\n"),
        ("destroy mailhub", "Domain 'mailhub' destroyed\n\n"),
        (
            "destroy mailhub; undefine mailhub",
            "Domain 'mailhub' destroyed\n\nDomain 'mailhub' has been undefined\n\n",
        ),
        (
            "autostart mailhub",
            "Domain 'mailhub' marked as autostarted\n\n",
        ),
        (
            "autostart --disable mailhub",
            "Domain 'mailhub' unmarked as autostarted\n\n",
        ),
        ("domid mailhub", "1\n\n"),
        ("domname 1", "mailhub\n\n"),
        (
            "domuuid mailhub",
            "6f0d2b5e-93c4-4a07-8b5a-0c7de1f4a201\n\n",
        ),
        ("domstate 6f0d2b5e-93c4-4a07-8b5a-0c7de1f4a201", "idle\n\n"),
        (
            "suspend mailhub; domstate mailhub --reason",
            "Domain 'mailhub' suspended\n\npaused (user)\n\n",
        ),
    ] {
        assert_eq!(after(MAIL, command), message, "{command}");
    }
}

#[test]
fn resources_are_shown_and_changed() {
    let info = after(MAIL, "dominfo mailhub");
    assert!(
        info.contains("Id:             1\nName:           mailhub\n"),
        "{info}"
    );
    assert!(
        info.contains("Max memory:     524288 KiB\nUsed memory:    262144 KiB\n"),
        "{info}"
    );
    let less = after(MAIL, "setmem mailhub 128M; dominfo mailhub");
    assert!(less.contains("Used memory:    131072 KiB\n"), "{less}");
    assert_eq!(
        after(MAIL, "setvcpus mailhub 1; vcpucount mailhub --active"),
        "\n1\n\n"
    );
    assert!(after(MAIL, "vcpucount mailhub").starts_with("maximum      config         2\n"));
    let pinned = after(MAIL, "vcpupin mailhub 1 0-2,^1; vcpupin mailhub 1");
    assert!(pinned.ends_with(" 1      0,2\n\n"), "{pinned}");
    let weight = after(MAIL, "schedinfo mailhub --weight 512 cap=50");
    assert_eq!(
        weight,
        "Scheduler      : credit\nweight         : 512\ncap            : 50\n\n"
    );
}

#[test]
fn devices_come_and_go() {
    let disks = after(
        MAIL,
        "attach-disk mailhub /dev/vg/x xvdf; domblklist mailhub",
    );
    assert!(
        disks.starts_with("Disk attached successfully\n\n"),
        "{disks}"
    );
    assert!(disks.contains("\n xvdf     /dev/vg/x\n"), "{disks}");
    let gone = after(
        MAIL,
        "attach-disk mailhub /dev/vg/x xvdf; detach-disk mailhub xvdf; domblklist mailhub",
    );
    assert!(!gone.contains(" xvdf "), "{gone}");
    let mac = "00:16:3e:00:00:77";
    let attach = format!("attach-interface mailhub bridge br7 --mac {mac}");
    let there = after(MAIL, &format!("{attach}; domiflist mailhub"));
    assert!(there.contains(mac) && there.contains(" br7 "), "{there}");
    let gone = after(
        MAIL,
        &format!("{attach}; detach-interface mailhub bridge --mac {mac}; domiflist mailhub"),
    );
    assert!(!gone.contains(mac), "{gone}");
    let xml = after(
        MAIL,
        "attach-disk mailhub /srv/a.img xvdz --print-xml --mode readonly",
    );
    assert!(
        xml.contains("<source file='/srv/a.img'/>") && xml.contains("<readonly/>"),
        "{xml}"
    );
}

#[test]
fn errors_name_the_cause_and_have_their_status() {
    let inactive = "define examples/paravirt-bootloader.xml";
    for (line, status, message) in [
        ("frob", 2, "error: unknown command: 'frob'\n"),
        (
            "start",
            2,
            "error: command 'start' requires <domain> option\n",
        ),
        (
            "list --frob",
            2,
            "error: command 'list' doesn't support option --frob\n",
        ),
        (
            "dominfo nope",
            4,
            "error: failed to get domain 'nope'\nerror: Domain not found: ",
        ),
        (
            "setmem Domain-0 abc",
            2,
            "error: Scaled numeric value 'abc' for <size> option",
        ),
        (
            "define /nonexistent.xml",
            1,
            "error: Failed to open file '/nonexistent.xml': ",
        ),
        (
            &format!("{inactive}; suspend mailhub"),
            1,
            "error: Failed to suspend domain 'mailhub'\n",
        ),
        (
            &format!("{MAIL}; start mailhub"),
            1,
            "error: Domain is already active\n",
        ),
        (
            &format!("{MAIL}; detach-disk mailhub xvdq"),
            4,
            "error: No disk found whose source",
        ),
        (
            &format!("{MAIL}; console mailhub"),
            1,
            "error: Failed to open the console of",
        ),
        ("vcpupin Domain-0 0 9-x", 2, "error: cpulist: "),
    ] {
        let ran = run(&["-c", "sim:", line]);
        assert_eq!(ran.status, status, "{line}: {}", ran.err);
        assert!(ran.err.starts_with(message), "{line}: {}", ran.err);
    }
}

#[test]
fn without_xen_it_says_what_to_do() {
    if std::path::Path::new("/proc/xen").exists() {
        println!("skipped: this machine has Xen");
        return;
    }
    let ran = Ran::of(
        virtxen(&["list"])
            .env_remove("VIRTXEN_DEFAULT_URI")
            .output()
            .unwrap(),
    );
    assert_eq!(ran.status, 3);
    for word in [
        "/var/lib/xend/xend-socket",
        "/dev/xen/privcmd",
        "--connect sim:",
    ] {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
    let ran = run(&["-c", "qemu:///system", "list"]);
    assert_eq!(ran.status, 2, "{}", ran.err);
}

#[test]
fn colour_is_for_terminals() {
    assert!(!run(&["list"]).out.contains('\x1b'));
}

#[test]
fn old_releases_say_what_they_cannot() {
    let ran = run(&[
        "-c",
        "sim:?release=3.0.1",
        "define",
        "examples/paravirt-bootloader.xml",
    ]);
    assert_ne!(ran.status, 0, "{}", ran.out);
    assert!(ran.err.contains("from Xen 3.0.3 on"), "{}", ran.err);
    let ran = run(&[
        "-c",
        "sim:?release=3.0.3",
        "create examples/paravirt-kernel.xml; list",
    ]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.contains(" orchard "), "{}", ran.out);
}

#[test]
fn the_maximum_of_vcpus_is_set_for_the_next_run() {
    let defined = "define examples/paravirt-bootloader.xml";
    let set = "setvcpus mailhub 5 --maximum --config; vcpucount mailhub --maximum";
    assert!(after(defined, set).contains("5\n"));
    let late = script(&format!(
        "{MAIL}; -setvcpus mailhub 3 --maximum; vcpucount mailhub"
    ));
    assert!(late.contains("maximum      config         2\n"), "{late}");
}

#[test]
fn vcpucount_of_one_part_is_one_number() {
    let all = run(&["-c", "sim:?guests=1", "vcpucount", "pv1"]);
    assert_eq!(all.out.lines().filter(|l| l.contains(" live ")).count(), 2);
    for part in ["--live", "--config", "--current", "--active"] {
        let ran = run(&["-q", "-c", "sim:?guests=1", "vcpucount", "pv1", part]);
        assert_eq!(ran.out, "1\n", "{part}");
    }
    let both = [
        "-c",
        "sim:?guests=1",
        "vcpucount",
        "pv1",
        "--live",
        "--config",
    ];
    assert_eq!(run(&both).status, 2);
}
