//! Xen's own xenstore tools against the simulated xenstored.
//!
//! They come with Debian's `xenstore-utils`; where they are absent the test says
//! so and ends.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use virtxen_sim::xenstore::SimXenstore;

fn tool(socket: &Path, name: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(name)
        .args(arguments)
        .env("XENSTORED_PATH", socket)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xens_own_tools_read_write_list_and_watch() {
    if Command::new("xenstore-ls")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_err()
    {
        println!("skipped: no xenstore-ls here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let server = SimXenstore::new((4, 17));
    tokio::spawn({
        let (server, socket) = (server.clone(), socket.clone());
        async move { server.serve_unix(&socket).await }
    });
    while !socket.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let run = |name: &'static str, arguments: &'static [&'static str]| {
        let socket = socket.clone();
        tokio::task::spawn_blocking(move || tool(&socket, name, arguments))
    };
    let done = |text: &str| Some(text.to_owned());
    assert_eq!(
        run("xenstore-write", &["/t/a", "one", "/t/b/c", "two"])
            .await
            .unwrap(),
        done("")
    );
    assert_eq!(
        run("xenstore-read", &["/t/a"]).await.unwrap(),
        done("one\n")
    );
    assert_eq!(run("xenstore-list", &["/t"]).await.unwrap(), done("a\nb\n"));
    let tree = "/t/a = \"one\"   (n0)\n/t/b = \"\"   (n0)\n/t/b/c = \"two\"   (n0)\n";
    assert_eq!(
        run("xenstore-ls", &["-f", "-p", "/t"]).await.unwrap(),
        done(tree)
    );
    assert_eq!(
        run("xenstore-chmod", &["/t/a", "n0", "r7"]).await.unwrap(),
        done("")
    );
    assert!(
        run("xenstore-ls", &["-f", "-p", "/t"])
            .await
            .unwrap()
            .unwrap()
            .contains("(n0,r7)")
    );
    let watch = run("xenstore-watch", &["-n", "2", "/t"]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.write("/t/b/d", "x");
    assert_eq!(watch.await.unwrap(), done("/t\n/t/b/d\n"));
    assert_eq!(run("xenstore-rm", &["/t"]).await.unwrap(), done(""));
    assert_eq!(run("xenstore-exists", &["/t"]).await.unwrap(), None);
}
