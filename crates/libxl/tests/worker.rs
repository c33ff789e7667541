//! Both sides of the protocol over real sockets and processes: what is done, what it
//! says meanwhile, how it is aborted, and what callers hear when the other side dies.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use virtxen_libxl::{
    Call, Error, Failure, FailureKind, Launch, Library, Operation, Outcome, Progress, Toolstack,
    Worker, serve,
};

/// Long enough for a machine under load; nothing waits for it unless it fails.
const LONG: Duration = Duration::from_secs(60);

/// Guests are numbers: 1 is saved, 2 hangs until it is aborted, 3 panics, 4 is not
/// there.
struct Pretended;

impl Toolstack for Pretended {
    fn library(&self) -> Library {
        Library {
            minor: 17,
            file: "pretended".to_owned(),
        }
    }

    fn perform(
        &self,
        operation: Operation,
        descriptors: Vec<OwnedFd>,
        call: &Call,
    ) -> Result<Outcome, Failure> {
        match operation {
            Operation::Save { domid: 1, .. } => {
                let mut stream = File::from(descriptors.into_iter().next().unwrap());
                stream.write_all(b"memory").unwrap();
                call.progress(Progress::Step {
                    doing: "writing".to_owned(),
                    done: 6,
                    total: 6,
                });
                Ok(Outcome::Done)
            }
            Operation::Destroy { domid: 2 } => {
                call.progress(Progress::Console { domid: 2 });
                let (say, heard) = mpsc::channel();
                call.on_abort(move || say.send(()).is_ok());
                heard.recv_timeout(LONG).unwrap();
                assert!(call.is_aborted());
                Err(FailureKind::Aborted.into())
            }
            Operation::Destroy { domid: 3 } => panic!("as a thread of the worker may"),
            Operation::Destroy { .. } => Err(Failure::call("domain_destroy", -21, Vec::new())),
            _ => Ok(Outcome::Done),
        }
    }
}

/// A worker on streams, and how many were opened.
fn worker(
    server: impl Fn(UnixStream) + Send + Sync + Clone + 'static,
) -> (Worker, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let opened = Arc::clone(&count);
    let launch = Launch::Stream(Box::new(move || {
        opened.fetch_add(1, Ordering::SeqCst);
        let (ours, theirs) = UnixStream::pair()?;
        let server = server.clone();
        std::thread::spawn(move || server(theirs));
        Ok(ours)
    }));
    (Worker::new(launch), count)
}

fn pretended() -> (Worker, Arc<AtomicUsize>) {
    worker(|stream| {
        let _ = serve(&stream, Arc::new(Pretended));
    })
}

fn destroy(domid: u32) -> Operation {
    Operation::Destroy { domid }
}

#[tokio::test]
async fn operations_are_done_with_their_descriptors_and_progress() {
    let (worker, opened) = pretended();
    assert_eq!(opened.load(Ordering::SeqCst), 0);
    let (mut inside, outside) = UnixStream::pair().unwrap();
    let save = Operation::Save {
        domid: 1,
        live: false,
        debug: false,
    };
    let mut steps = Vec::new();
    let done = worker.call(save.clone(), vec![outside.into()], |step| steps.push(step));
    assert_eq!(done.await.unwrap(), Outcome::Done);
    assert!(matches!(steps[..], [Progress::Step { done: 6, .. }]));
    let mut memory = String::new();
    inside.read_to_string(&mut memory).unwrap();
    assert_eq!(memory, "memory");

    let error = worker.call(save, vec![], |_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "a descriptor is missing");
    let error = worker.call(destroy(4), vec![], |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("no such domain"), "{error}");
    let error = worker.call(destroy(3), vec![], |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("without a result"), "{error}");
    assert_eq!(worker.library().await.unwrap().minor, 17);
    assert_eq!(opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn dropping_a_call_aborts_it_and_no_other() {
    let (worker, _) = pretended();
    let worker = Arc::new(worker);
    let (say, began) = tokio::sync::mpsc::unbounded_channel();
    let hang = |worker: Arc<Worker>, say: tokio::sync::mpsc::UnboundedSender<()>| {
        tokio::spawn(async move {
            let call = worker.call(destroy(2), vec![], |_| say.send(()).unwrap());
            call.await
        })
    };
    let mut began = began;
    let first = hang(Arc::clone(&worker), say.clone());
    let second = hang(Arc::clone(&worker), say);
    for _ in 0..2 {
        tokio::time::timeout(LONG, began.recv())
            .await
            .unwrap()
            .unwrap();
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // Others are served meanwhile, and the second hangs on.
    let pause = Operation::Pause { domid: 1 };
    assert_eq!(
        worker.call(pause, vec![], |_| {}).await.unwrap(),
        Outcome::Done
    );
    assert!(!second.is_finished());
    second.abort();
}

#[tokio::test]
async fn what_was_done_for_nobody_is_set_right() {
    // A guest is started however late the abort comes, and so is each of them ended.
    let (say, destroyed) = mpsc::channel();
    let (worker, _) = worker(move |stream| {
        let say = say.clone();
        let _ = serve(&stream, Arc::new(Starter(say)));
    });
    let create = Operation::Create {
        config: "{}".to_owned(),
        document: None,
    };
    worker.library().await.unwrap();
    for wait in [0, 1, 5, 20] {
        let wait = Duration::from_millis(wait);
        let call = worker.call(create.clone(), vec![], |_| {});
        let given_up = tokio::time::timeout(wait, call).await;
        // Whoever heard of the end has to see to it.
        if given_up.is_ok() {
            let known = worker.call(destroy(7), vec![], |_| {}).await;
            assert_eq!(known.unwrap(), Outcome::Done);
        }
    }
    let destroyed = tokio::task::spawn_blocking(move || {
        [(); 4].map(|()| destroyed.recv_timeout(LONG).unwrap())
    });
    assert_eq!(destroyed.await.unwrap(), [7; 4]);
}

/// Starts guest 7 after some milliseconds, and says which guests it destroys.
struct Starter(mpsc::Sender<u32>);

impl Toolstack for Starter {
    fn library(&self) -> Library {
        Pretended.library()
    }

    fn perform(&self, operation: Operation, _: Vec<OwnedFd>, _: &Call) -> Result<Outcome, Failure> {
        match operation {
            Operation::Destroy { domid } => {
                self.0.send(domid).unwrap();
                Ok(Outcome::Done)
            }
            _ => {
                std::thread::sleep(Duration::from_millis(5));
                Ok(Outcome::Started { domid: 7 })
            }
        }
    }
}

#[tokio::test]
async fn calls_in_flight_fail_when_the_other_side_goes_and_the_next_is_served() {
    let times = Arc::new(AtomicUsize::new(0));
    let (worker, opened) = worker(move |mut stream| {
        if times.fetch_add(1, Ordering::SeqCst) == 0 {
            let ready = r#"{"say":"ready","library":{"minor":17,"file":"x"}}"#;
            let length = u32::try_from(ready.len()).unwrap().to_le_bytes();
            stream.write_all(&length).unwrap();
            stream.write_all(ready.as_bytes()).unwrap();
            let mut request = [0; 8];
            stream.read_exact(&mut request).unwrap();
            return;
        }
        let _ = serve(&stream, Arc::new(Pretended));
    });
    let error = worker.call(destroy(1), vec![], |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    let pause = Operation::Pause { domid: 1 };
    let next = tokio::time::timeout(LONG, worker.call(pause, vec![], |_| {}));
    assert_eq!(next.await.unwrap().unwrap(), Outcome::Done);
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_process_that_dies_says_how_and_is_not_started_without_end() {
    let launch = Launch::Program {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), "kill -9 $$".into()],
    };
    let worker = Worker::new(launch);
    for _ in 0..5 {
        let error = worker.call(destroy(1), vec![], |_| {}).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the process that calls libxl ended (signal 9)"
        );
    }
    let error = worker.call(destroy(1), vec![], |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Restarts { times: 5, .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_serve_says_why() {
    let (worker, _) = worker(|stream| virtxen_libxl::refuse(&stream, "no libxenlight").unwrap());
    let error = worker.library().await.unwrap_err();
    assert_eq!(error.to_string(), "libxl cannot be used: no libxenlight");
    let launch = Launch::Program {
        program: "/nonexistent/virtxen".into(),
        arguments: vec![],
    };
    let error = Worker::new(launch).library().await.unwrap_err();
    assert!(matches!(error, Error::Start { .. }), "{error}");
    // Garbage is no protocol.
    let launch = Launch::Program {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), "echo garbage >&0; exec sleep 60".into()],
    };
    let error = Worker::new(launch).library().await.unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
}
