//! `top`: as text, as lines of JSON, and on a pseudo-terminal with keys.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
use common::{run, virtxen};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const HOST: &str = "sim:?guests=3";

#[test]
fn text_comes_look_after_look() {
    let words = ["-c", HOST, "top", "--batch", "-n", "2", "--interval", "0.3"];
    let ran = run(&words);
    assert_eq!(ran.status, 0, "{}", ran.err);
    let looks: Vec<&str> = ran.out.split("\n\n").collect();
    assert_eq!(looks.len(), 2, "{}", ran.out);
    for look in looks {
        let mut lines = look.lines();
        let header = lines.next().unwrap();
        assert!(header.contains("CPU%") && header.ends_with("(simulated host)"));
        assert_eq!(lines.count(), 5, "{look}");
        // The paused guest uses nothing, Domain-0 something.
        let line = |name: &str| look.lines().find(|line| line.contains(name)).unwrap();
        let cpu = |name: &str| -> f64 {
            let mut words = line(name).split_whitespace();
            words.nth(3).unwrap().parse().unwrap()
        };
        assert_eq!(cpu("hvm3"), 0.0);
        assert!(cpu("Domain-0") > 0.0, "{look}");
    }
}

#[test]
fn json_has_a_line_for_each_look() {
    let words = [
        "-c",
        HOST,
        "--json",
        "top",
        "-n",
        "2",
        "--interval",
        "0.2",
        "--sort",
        "name",
    ];
    let ran = run(&words);
    let lines: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    let domains = lines[0]["domains"].as_array().unwrap();
    let names: Vec<_> = domains.iter().map(|domain| &domain["name"]).collect();
    assert_eq!(names, ["Domain-0", "hvm3", "pv1", "pv2"]);
    assert!(domains[0]["cpu_percent"].as_f64().unwrap() > 0.0);
    assert_eq!(lines[2]["looks"], 2);
}

#[test]
fn what_is_wrong_is_said() {
    let ran = run(&["top"]);
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("--batch prints text"), "{}", ran.err);
    let ran = run(&["top", "--interval", "0"]);
    assert!(ran.err.contains("0.2 to 3600"), "{}", ran.err);
}

/// What a program shows on a terminal.
struct Terminal {
    ours: File,
    shown: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn wait_for(&mut self, words: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.seen.contains(words) {
            let left = end.saturating_duration_since(Instant::now());
            let part = self.shown.recv_timeout(left);
            let part = part.unwrap_or_else(|_| panic!("no '{words}' in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&part));
        }
    }

    fn press(&mut self, keys: &str) {
        self.seen.clear();
        self.ours.write_all(keys.as_bytes()).unwrap();
    }
}

#[test]
fn keys_sort_scroll_and_leave() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize {
        ws_row: 10,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size).unwrap();
    let path = ptsname(&ours, Vec::new()).unwrap();
    let path = path.into_string().unwrap();
    let theirs = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap()
    };
    let words = ["-c", HOST, "top", "--interval", "0.3"];
    let mut top = virtxen(&words)
        .env("TERM", "xterm")
        .stdin(theirs())
        .stdout(theirs())
        .spawn()
        .unwrap();
    let ours = File::from(ours);
    let mut reader = ours.try_clone().unwrap();
    let (show, shown) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if show.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut terminal = Terminal {
        ours,
        shown,
        seen: String::new(),
    };
    terminal.wait_for("\x1b[?1049h");
    terminal.wait_for("4 domains, 4 active");
    terminal.wait_for("hvm3");
    // By name the guest with h comes before those with p; turned, behind them.
    terminal.press("n");
    terminal.wait_for("hvm3");
    terminal.wait_for("pv2");
    assert!(terminal.seen.find("hvm3") < terminal.seen.find("pv2"));
    // Scrolled down, Domain-0 is out of sight.
    terminal.press("\x1b[B\x1b[B");
    terminal.wait_for("pv2");
    terminal.press("q");
    terminal.wait_for("\x1b[?1049l");
    assert!(top.wait().unwrap().success());
}
