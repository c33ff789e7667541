//! `import`: domains that xl started and files of xl become defined; what runs goes on.
//! On a simulated host the guests that are there at first were started by xl.

#![allow(clippy::unwrap_used)]

mod common;
use common::{Ran, run};
use serde_json::Value;

const HOST: &str = "sim:?release=4.17&guests=3";

fn on(host: &str, script: &str) -> Ran {
    run(&["--json", "-c", host, script])
}

/// The answers of a script, one a command.
fn answers_of(host: &str, script: &str) -> Vec<Value> {
    let ran = on(host, script);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let said = ran.json();
    let commands = said["commands"].as_array().unwrap().iter();
    commands.map(|command| command["result"].clone()).collect()
}

fn answers(script: &str) -> Vec<Value> {
    answers_of(HOST, script)
}

fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

const WEB: &str = "name = 'web'\nkernel = '/boot/vmlinuz'\nmemory = 64\n\
                   disk = ['phy:/dev/vg/web,xvda,w']\nvif = ['bridge=xenbr0']\n";

#[test]
fn a_running_domain_becomes_defined_as_it_runs() {
    let said = answers(
        "dumpxml pv1 --inactive; import pv1; dumpxml pv1 --inactive; list --persistent; \
         domblklist pv1 --inactive; domstate pv1",
    );
    let before = said[0]["xml"].as_str().unwrap();
    let after = said[2]["xml"].as_str().unwrap();
    let kept = |text: &str, begin: &str| {
        let lines = text.lines().filter(|line| line.contains(begin));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for part in [
        "<name", "<uuid", "<memory", "<kernel", "<source", "<mac", "<target",
    ] {
        assert!(!kept(before, part).is_empty(), "{part}: {before}");
        assert_eq!(kept(before, part), kept(after, part));
    }
    let imported = &said[1]["domains"][0];
    assert_eq!(imported["persistent"], true);
    assert_eq!(imported["id"], 1);
    assert_eq!(imported["uuid"], said[0]["uuid"]);
    assert_eq!(said[5]["state"], "idle", "it runs as before");
}

#[test]
fn undefined_again_it_is_transient_and_runs() {
    let said = answers("import pv1; undefine pv1; list --transient; domid pv1");
    let transient = said[2]["domains"].to_string();
    assert!(transient.contains("pv1"), "{transient}");
    assert_eq!(said[3]["id"], 1, "the same run");
}

#[test]
fn it_stays_when_it_ends_and_starts_again() {
    let said = answers("import --all; destroy pv1; domstate pv1; start pv1; dumpxml pv1");
    assert_eq!(said[0]["imported"], 3);
    assert_eq!(said[2]["state"], "shut off");
    let xml = said[4]["xml"].as_str().unwrap();
    assert!(
        xml.contains("5a11ab1e-0000-4000-8000-000000000001"),
        "{xml}"
    );
    assert!(xml.contains("/var/lib/xen/images/pv1.img"), "{xml}");
    let again = answers("import pv1; import --all; import --all");
    assert_eq!(again[2]["domains"], serde_json::json!([]));
}

#[test]
fn what_xml_has_no_words_for_is_said() {
    let ran = on(HOST, "import hvm3");
    let lost = "b_info/disable_migrate: true has no place in the domain document";
    assert_eq!(ran.json()["domains"][0]["lost"], serde_json::json!([lost]));
    assert!(
        ran.err.contains(&format!("warning: hvm3: {lost}")),
        "{}",
        ran.err
    );
    let strict = run(&["--json", "--strict", "-c", HOST, "import", "hvm3"]);
    assert_eq!(strict.status, 6, "{}", strict.err);
    let error = &strict.json()["error"];
    assert_eq!(error["problems"][0]["message"], lost);
    let left = on(HOST, "--strict import hvm3; list --transient");
    assert!(left.status != 0);
    // One that cannot be imported stops no other.
    let all = run(&["--json", "--strict", "-c", HOST, "import", "--all"]);
    assert_eq!(all.status, 1, "{}", all.err);
    assert_eq!(
        (&all.json()["imported"], &all.json()["failed"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn printed_nothing_changes() {
    let said = answers("import pv1 hvm3 --print; list --persistent");
    let printed = &said[0]["domains"];
    assert!(
        printed[0]["xml"]
            .as_str()
            .unwrap()
            .contains("<name>pv1</name>")
    );
    assert_eq!(printed[0]["imported"], false);
    assert!(
        printed[1]["lost"][0]
            .as_str()
            .unwrap()
            .contains("disable_migrate")
    );
    assert!(
        !said[1]["domains"].to_string().contains("pv1"),
        "{}",
        said[1]
    );
    let (_folder, web) = file("web.cfg", WEB);
    let text = run(&[
        "-c",
        HOST,
        &format!("import --file {web} --print; list --all"),
    ]);
    assert_eq!(text.status, 0, "{}", text.err);
    assert!(
        text.out.contains("<source dev='/dev/vg/web'/>"),
        "{}",
        text.out
    );
    assert!(!text.out.contains(" web "), "{}", text.out);
}

#[test]
fn files_become_guests_that_do_not_run() {
    let (_one, web) = file("web.cfg", WEB);
    let json = run(&[
        "-q",
        "convert",
        &web,
        "--from",
        "xen-xl",
        "--to",
        "xen-libxl",
    ]);
    let (_two, listed) = file("all.json", &json.out.replace("\"web\"", "\"shop\""));
    let said = answers(&format!(
        "import --file {web} {listed}; list --inactive; dumpxml shop; start web; domid web"
    ));
    assert_eq!(said[0]["imported"], 2);
    let xml = said[2]["xml"].as_str().unwrap();
    assert!(xml.contains("<source dev='/dev/vg/web'/>"), "{xml}");
    assert!(!xml.contains(" id="), "{xml}");
    assert!(said[4]["id"].is_u64(), "{}", said[4]);
}

#[test]
fn what_is_there_already_is_not_changed() {
    for (host, script, words) in [
        (HOST, "import pv1; import pv1", "it is defined already"),
        (HOST, "import Domain-0", "it is the host itself"),
        (HOST, "import nobody", "failed to get domain 'nobody'"),
        (HOST, "import", "name the domains to import, or say --all"),
        (HOST, "import pv1 --all", "mutually exclusive"),
        (HOST, "import pv1 --from xen-xl", "say --file"),
        (HOST, "import --file /nowhere.cfg", "/nowhere.cfg"),
    ] {
        let ran = on(host, script);
        assert_ne!(ran.status, 0, "{script}: {}", ran.out);
        assert!(ran.out.contains(words), "{script}: {}", ran.out);
    }
    let (_folder, web) = file("web.cfg", WEB);
    let twice = on(HOST, &format!("import --file {web}; import --file {web}"));
    assert!(
        twice.out.contains("'web' is defined already, with UUID"),
        "{}",
        twice.out
    );
    let (_folder, pv1) = file("pv1.cfg", &WEB.replace("web", "pv1"));
    let runs = on(HOST, &format!("import --file {pv1}"));
    let words = "'pv1' runs: 'import pv1' takes it over as it is";
    assert!(runs.out.contains(words), "{}", runs.out);
}

#[test]
fn hosts_with_xend_import_too() {
    for release in ["4.1", "3.0.3"] {
        let host = format!("sim:?release={release}&guests=3");
        let script = "import pv2; destroy pv2; domstate pv2; start pv2; domstate pv2";
        let said = answers_of(&host, script);
        assert_eq!(said[2]["state"], "shut off", "{release}");
    }
}
