//! The client against servers that play a script, byte for byte: deadlines
//! fire, cut and garbled replies are told apart, calls do not wait for each
//! other, and a dropped call closes its connection.

#![allow(clippy::unwrap_used)] // a failed test is what an unexpected reply should be

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use virtxen_formats::sxpr::Sxpr;
use virtxen_xend::{Client, Deadlines, Error, Memory, Patience, Phase, Reason, ReplyError};

const NODE: &str = "(node (system Linux) (nr_cpus 4) (xen_major 3) (xen_minor 4) (xen_extra .0) \
                    (xend_config_format 4))";

/// What a server does once it has read a request.
#[derive(Clone)]
enum Act {
    Send(String),
    Wait(Duration),
    /// Keeps the connection open and says nothing more.
    Hang,
}

fn reply(status: &str, body: &str) -> Act {
    let length = body.len();
    Act::Send(format!(
        "HTTP/1.1 {status}\r\nContent-length: {length}\r\n\r\n{body}"
    ))
}

/// A client of a server that answers the node document to the first request and
/// then plays the script that `play` chooses by the request's text.
async fn client(
    deadlines: Deadlines,
    play: impl Fn(&str) -> Vec<Act> + Send + Sync + 'static,
) -> (Client, Arc<AtomicUsize>) {
    let play = Arc::new(play);
    let open = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&open);
    let connector = Memory::new("script", move || {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        let (play, counter) = (Arc::clone(&play), Arc::clone(&counter));
        counter.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            serve(theirs, &*play).await;
            counter.fetch_sub(1, Ordering::SeqCst);
        });
        async { Ok(ours) }
    });
    (Client::open(connector, deadlines).await.unwrap(), open)
}

async fn serve(mut stream: DuplexStream, play: &(dyn Fn(&str) -> Vec<Act> + Send + Sync)) {
    let request = request(&mut stream).await;
    let script = if request.contains("/xend/node/") {
        vec![reply("200 OK", NODE), Act::Hang]
    } else {
        play(&request)
    };
    for act in script {
        match act {
            Act::Send(text) => {
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Act::Wait(time) => tokio::time::sleep(time).await,
            Act::Hang => {
                // Ends when the client has closed the connection.
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            }
        }
    }
}

async fn request(stream: &mut DuplexStream) -> String {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|l| l.strip_prefix("Content-Length: "));
        if count == 0 || body.len() >= length.map_or(0, |l| l.parse().unwrap()) {
            return text;
        }
    }
}

fn hasty() -> Deadlines {
    let patience = |ms| Patience {
        first_byte: Duration::from_millis(ms),
        whole: Duration::from_millis(ms + 100),
    };
    Deadlines {
        connect: Duration::from_millis(100),
        write: Duration::from_millis(100),
        quick: patience(100),
        slow: patience(2000),
        transfer: patience(2000),
    }
}

#[tokio::test]
async fn a_reply_is_whole_although_the_connection_stays_open() {
    let (client, open) = client(hasty(), |_| vec![reply("200 OK", ""), Act::Hang]).await;
    client.pause("web").await.unwrap();
    // Nothing is left open by the client itself.
    for _ in 0..100 {
        if open.load(Ordering::SeqCst) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("connections stayed open");
}

#[tokio::test]
async fn a_hung_server_meets_the_deadline_for_the_first_byte() {
    let (client, _) = client(hasty(), |_| vec![Act::Hang]).await;
    let begin = Instant::now();
    let error = client.unpause("web").await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Timeout {
                operation: "unpause",
                phase: Phase::FirstByte,
                ..
            }
        ),
        "{error}"
    );
    assert!(begin.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_reply_that_drips_meets_the_deadline_for_the_whole() {
    let (client, _) = client(hasty(), |_| {
        let drip = [Act::Send("H".into()), Act::Hang];
        drip.to_vec()
    })
    .await;
    let error = client.pause("web").await.unwrap_err();
    let phase = Phase::Whole;
    assert!(
        matches!(error, Error::Timeout { phase: p, .. } if p == phase),
        "{error}"
    );
}

#[tokio::test]
async fn slow_operations_have_their_own_patience() {
    let (client, _) = client(hasty(), |_| {
        vec![
            Act::Wait(Duration::from_millis(300)),
            reply("202 Accepted", ""),
        ]
    })
    .await;
    client.wait_for_devices("web").await.unwrap();
    assert!(client.pause("web").await.is_err());
}

#[tokio::test]
async fn a_server_that_accepts_nothing_meets_the_deadline() {
    let never = Memory::new(
        "never",
        std::future::pending::<std::io::Result<DuplexStream>>,
    );
    let error = Client::open(never, hasty()).await.unwrap_err();
    let phase = Phase::Connect;
    assert!(matches!(error, Error::Timeout { phase: p, .. } if p == phase));
    let nobody = Memory::new("nobody", || async {
        Err::<DuplexStream, _>(std::io::ErrorKind::ConnectionRefused.into())
    });
    let error = Client::open(nobody, hasty()).await.unwrap_err();
    assert!(error.to_string().contains("nobody"), "{error}");
}

#[tokio::test]
async fn cut_and_garbled_replies_are_told_apart() {
    let (client, _) = client(hasty(), |request| {
        let text = match request {
            r if r.contains("/cut?") => "HTTP/1.1 200 OK\r\nContent-length: 99\r\n\r\n(domain",
            r if r.contains("/garbage?") => "\u{1}\u{2}\u{3}garbage",
            r if r.contains("/silent?") => "",
            r if r.contains("/open?") => "HTTP/1.1 200 OK\r\nContent-length: 7\r\n\r\n(domain",
            _ => "HTTP/1.1 200 OK\r\nContent-length: 4\r\n\r\n(ls)",
        };
        vec![Act::Send(text.to_owned())]
    })
    .await;
    let reply = |error| match error {
        Error::Reply { source, .. } => source,
        other => panic!("{other}"),
    };
    let error = reply(client.detail("cut").await.unwrap_err());
    assert!(matches!(error, ReplyError::Cut { got: 7, .. }));
    let error = reply(client.detail("garbage").await.unwrap_err());
    assert!(matches!(error, ReplyError::NotHttp { .. }));
    let error = reply(client.detail("silent").await.unwrap_err());
    assert_eq!(error, ReplyError::Nothing);
    let error = client.detail("open").await.unwrap_err();
    assert!(matches!(error, Error::Expression { .. }), "{error}");
    let error = client.detail("other").await.unwrap_err();
    assert!(matches!(error, Error::Content { .. }), "{error}");
}

#[tokio::test]
async fn a_call_that_hangs_stops_no_other() {
    let (client, _) = client(hasty(), |request| {
        if request.contains("op=create") {
            vec![Act::Hang]
        } else {
            vec![reply("200 OK", "(Domain-0 web)")]
        }
    })
    .await;
    let config = Sxpr::named("vm", vec![Sxpr::quoted_pair("name", "slow")]);
    let create = client.create(&config);
    let list = async {
        let begin = Instant::now();
        let names = client.names(virtxen_xend::ListState::All).await.unwrap();
        assert_eq!(names, ["Domain-0", "web"]);
        begin.elapsed()
    };
    let (create, time) = tokio::join!(create, list);
    assert!(matches!(create, Err(Error::Timeout { .. })));
    assert!(time < Duration::from_secs(1), "{time:?}");
}

#[tokio::test]
async fn an_unsendable_request_is_not_sent() {
    let (client, open) = client(hasty(), |_| vec![reply("200 OK", "")]).await;
    let before = open.load(Ordering::SeqCst);
    let config = Sxpr::named("vm", vec![Sxpr::quoted_pair("name", "x".repeat(10_000))]);
    let error = client.new_domain(&config).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let error = client.pincpu("web", 0, &[]).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    assert!(open.load(Ordering::SeqCst) <= before);
}

#[tokio::test]
async fn what_never_answers_is_checked_first() {
    let (client, _) = client(hasty(), |request| {
        if request.starts_with("GET") {
            vec![reply("200 OK", "(domain (name web) (status 0))''")]
        } else {
            vec![Act::Hang]
        }
    })
    .await;
    let error = client.save("web", "/tmp/x").await.unwrap_err();
    assert!(error.to_string().contains("not active"), "{error}");
}

#[tokio::test]
async fn requests_are_what_xend_reads() {
    let (client, _) = client(hasty(), |request| {
        vec![reply("500 said", &format!("{request:?}"))]
    })
    .await;
    let said = |result: Result<(), Error>| result.unwrap_err().to_string();
    let text = said(client.shutdown("a/b", Reason::Reboot).await);
    assert!(text.contains("POST /xend/domain/a%2Fb HTTP/1.1"), "{text}");
    assert!(text.contains("op=shutdown&reason=reboot"), "{text}");
    let text = said(client.device_destroy("web", "vif", "0", false).await);
    let form = "op=device_destroy&type=vif&dev=0&force=0&rm_cfg=1";
    assert!(text.contains(form), "{text}");
    let text = said(client.pincpu("web", 1, &[0, 2]).await);
    assert!(text.contains("op=pincpu&vcpu=1&cpumap=0,2"), "{text}");
}
