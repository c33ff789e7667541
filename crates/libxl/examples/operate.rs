//! Does operations on the Xen that runs, each a line of JSON on standard input, and
//! prints how each ended and how long it took. OPERATE_SECONDS is how long each may
//! take before it is aborted; with OPERATE_TOGETHER they are done at the same time. For
//! trying libxl out; managing guests is virtxen's.
//!
//! ```console
//! # operate <<<'{"do": "pause", "domid": 1}'
//! # operate out /root/web.save <<<'{"do": "save", "domid": 1, "live": false}'
//! ```
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use virtxen_libxl::{Launch, Operation, Worker};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["worker"] => Ok(virtxen_libxl::run(library().as_deref())?),
        [] => operate(|| Ok(Vec::new())),
        ["in", file] => operate(|| Ok(vec![File::open(file)?.into()])),
        ["out", file] => operate(|| Ok(vec![File::create(file)?.into()])),
        _ => Err("usage: operate [in FILE | out FILE] <OPERATIONS".into()),
    }
}

fn library() -> Option<PathBuf> {
    let file = std::env::var_os("VIRTXEN_LIBXL")?;
    Some(Path::new(&file).to_owned())
}

fn operate(descriptors: impl Fn() -> std::io::Result<Vec<OwnedFd>>) -> Result<(), Box<dyn Error>> {
    let seconds = std::env::var("OPERATE_SECONDS").ok();
    let seconds = seconds.map_or(Ok(u64::MAX), |seconds| seconds.parse())?;
    let together = std::env::var_os("OPERATE_TOGETHER").is_some();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let worker = Arc::new(Worker::new(Launch::Program {
            program: std::env::current_exe()?,
            arguments: vec!["worker".into()],
        }));
        let start = Instant::now();
        let library = worker.library().await?;
        println!("{library:?} ({:?})", start.elapsed());
        let mut all = JoinSet::new();
        // The worker is listened to while the next line is waited for.
        let next = || tokio::task::spawn_blocking(|| std::io::stdin().lines().next().transpose());
        while let Some(line) = next().await?? {
            let operation: Operation = serde_json::from_str(&line)?;
            let descriptors = match operation.descriptors() {
                0 => Vec::new(),
                _ => descriptors()?,
            };
            let wait = Duration::from_secs(seconds);
            all.spawn(one(Arc::clone(&worker), operation, descriptors, wait));
            if !together {
                all.join_next().await;
            }
        }
        all.join_all().await;
        Ok(())
    })
}

async fn one(worker: Arc<Worker>, operation: Operation, descriptors: Vec<OwnedFd>, wait: Duration) {
    let (name, start) = (operation.name(), Instant::now());
    let progress = |step| println!("  {step:?} ({:?})", start.elapsed());
    let call = worker.call(operation, descriptors, progress);
    match tokio::time::timeout(wait, call).await {
        Err(_) => println!("{name}: given up ({:?})", start.elapsed()),
        Ok(Ok(outcome)) => println!("{name}: {outcome:?} ({:?})", start.elapsed()),
        Ok(Err(error)) => {
            println!("{name}: {error} ({:?})", start.elapsed());
            if let virtxen_libxl::Error::Failed(failure) = error {
                println!("  {:?}", failure.kind);
                for line in failure.log {
                    println!("  {:?}: {}", line.level, line.text);
                }
            }
        }
    }
}
