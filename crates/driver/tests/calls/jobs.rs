//! The one call path: jobs, deadlines, reads meanwhile, access, cancelling.
//!
//! Time is tokio's paused clock: waits cost nothing and are exact.

use crate::support::Scripted;
use std::sync::Arc;
use std::time::Duration;
use virtxen_driver::{
    Access, Affect, Domain, DomainKey, Driver, Error, ListFilter, Monitor, Operation, OperationRow,
    Options, ShutdownMode,
};
use virtxen_guest::MemoryKib;

fn key(name: &str) -> DomainKey {
    DomainKey::Name(name.to_owned())
}

async fn started(driver: &Driver, name: &str) {
    while driver.job(name).is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stuck_guest_is_busy_and_delays_nobody_else() {
    let host = Scripted::new();
    host.slow("shutdown", Duration::from_secs(40));
    let driver = host.driver();
    let stuck = tokio::spawn({
        let driver = driver.clone();
        async move { driver.shutdown(&key("web"), ShutdownMode::Any).await }
    });
    started(&driver, "web").await;
    let begin = tokio::time::Instant::now();
    // Reads of this and of other domains, and changes of others, do not wait.
    assert_eq!(driver.list(&ListFilter::active()).await.unwrap().len(), 3);
    assert!(driver.lookup(&key("web")).await.unwrap().is_active());
    driver.suspend(&key("temp")).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::ZERO);
    // A second change waits up to the limit, then says who is in the way.
    let error = driver.suspend(&key("web")).await.unwrap_err();
    assert_eq!(begin.elapsed(), Duration::from_secs(5));
    assert_eq!(
        error.to_string(),
        "domain 'web' is busy: shutdown since 5 s"
    );
    assert_eq!(error.libvirt().code, 68);
    stuck.await.unwrap().unwrap();
    driver.suspend(&key("web")).await.unwrap();
    assert!(driver.job("web").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_and_frees_the_domain() {
    let host = Scripted::new();
    host.slow("pause", Duration::from_secs(3600));
    let options = Options {
        deadline: Some(Duration::from_secs(2)),
        ..Options::default()
    };
    let driver = Driver::open(host.clone(), options);
    let error = driver.suspend(&key("web")).await.unwrap_err();
    assert_eq!(error.to_string(), "suspend of web did not end within 2 s");
    assert!(error.is_timeout());
    assert!(driver.job("web").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_leaves_its_job_to_end() {
    let host = Scripted::new();
    host.slow("destroy", Duration::from_secs(3));
    let driver = host.driver();
    let web = key("web");
    let hung_up = tokio::time::timeout(Duration::from_secs(1), driver.destroy(&web));
    assert!(hung_up.await.is_err());
    assert_eq!(
        driver.job("web").expect("goes on").operation,
        Operation::Destroy
    );
    // The next one waits for it and finds what it did.
    let error = driver.suspend(&web).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "domain 'web' is shut off, suspend needs it running"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_operation_reports_and_is_cancelled() {
    let host = Scripted::new();
    host.slow("save", Duration::from_secs(60));
    let driver = host.driver();
    let monitor = Monitor::default();
    let mut progress = monitor.progress();
    let save = tokio::spawn({
        let (driver, monitor) = (driver.clone(), monitor.clone());
        async move {
            driver
                .save(&key("web"), "/save/web".as_ref(), &monitor)
                .await
        }
    });
    let seen = progress.wait_for(|p| p.elapsed > Duration::ZERO);
    tokio::time::timeout(Duration::from_secs(2), seen)
        .await
        .expect("progress is reported")
        .unwrap();
    monitor.cancel();
    let error = save.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "save of web was cancelled");
    assert_eq!(error.libvirt().code, 78);
    assert!(driver.lookup(&key("web")).await.unwrap().is_active());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_the_host_does_not_answer_is_the_last_snapshot() {
    let host = Scripted::new();
    let driver = host.driver();
    let all = driver.list(&ListFilter::default()).await.unwrap();
    let names: Vec<_> = all.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["Domain-0", "web", "temp", "old"]);
    host.slow("all_domains", Duration::from_secs(3600));
    assert_eq!(driver.list(&ListFilter::default()).await.unwrap(), all);
    let fresh = host.driver();
    let error = fresh.list(&ListFilter::default()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn lists_at_the_same_time_share_a_look() {
    let host = Scripted::new();
    host.slow("all_domains", Duration::from_secs(2));
    let driver = host.driver();
    let list = || {
        let driver = driver.clone();
        tokio::spawn(async move { driver.list(&ListFilter::default()).await })
    };
    let first = list();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // They asked after that look began: what it saw may be too old for them.
    let others: Vec<_> = (0..50).map(|_| list()).collect();
    assert_eq!(first.await.unwrap().unwrap().len(), 4);
    for other in others {
        assert_eq!(other.await.unwrap().unwrap().len(), 4);
    }
    assert_eq!(host.calls(), ["all_domains", "all_domains"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_waits_as_long_as_it_is_told_to() {
    let host = Scripted::new();
    let options = Options {
        patience: Duration::from_secs(1),
        ..Options::default()
    };
    let driver = Driver::open(host.clone(), options);
    host.slow("all_domains", Duration::from_secs(5));
    let all = driver.list(&ListFilter::default()).await.unwrap();
    let begin = tokio::time::Instant::now();
    assert_eq!(driver.list(&ListFilter::default()).await.unwrap(), all);
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn domain_0_and_wrong_states_are_refused_before_the_host_is_asked() {
    let host = Scripted::new();
    let driver = host.driver();
    for (name, operation, text) in [
        ("Domain-0", "destroy", "control domain"),
        ("old", "destroy", "is shut off, destroy needs it running"),
        ("web", "start", "is running, start needs it shut off"),
        ("web", "undefine", "is running, undefine needs it shut off"),
    ] {
        let key = key(name);
        let error = match operation {
            "destroy" => driver.destroy(&key).await,
            "start" => driver.start(&key, false).await,
            _ => driver.undefine(&key).await,
        };
        let error = error.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.libvirt().code, 55);
    }
    assert!(host.calls().iter().all(|call| call.starts_with("domain ")));
    let none = driver.start(&key("none"), false).await.unwrap_err();
    assert_eq!(
        none.libvirt_message(),
        "Domain not found: no domain with matching name 'none'"
    );
}

#[tokio::test]
async fn look_ups_take_number_uuid_and_name() {
    let driver = Scripted::new().driver();
    let web = driver.find("web").await.unwrap();
    assert_eq!(driver.find("1").await.unwrap(), web);
    assert_eq!(driver.find(&web.uuid.to_string()).await.unwrap(), web);
    let Err(Error::NoDomain(DomainKey::Name(name))) = driver.find("77").await else {
        panic!("77 is no domain");
    };
    assert_eq!(name, "77");
}

#[tokio::test]
async fn filters_take_what_they_name() {
    let driver = Scripted::new().driver();
    let names = async |filter: ListFilter| {
        let list = driver.list(&filter).await.unwrap();
        list.into_iter().map(|d| d.name).collect::<Vec<_>>()
    };
    let all = ListFilter::default;
    assert_eq!(names(ListFilter::inactive()).await, ["old"]);
    let transient = ListFilter {
        transient: true,
        ..all()
    };
    assert_eq!(names(transient).await, ["temp"]);
    let autostart = ListFilter {
        autostart: true,
        ..all()
    };
    assert_eq!(names(autostart).await, ["web"]);
    let paused = ListFilter {
        states: vec![virtxen_driver::State::Paused],
        ..all()
    };
    assert!(names(paused).await.is_empty());
}

#[tokio::test]
async fn a_rename_to_a_taken_name_is_refused() {
    let host = Scripted::new();
    let driver = host.driver();
    let error = driver.rename(&key("old"), "web").await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    driver.rename(&key("old"), "new").await.unwrap();
    assert!(driver.lookup(&key("old")).await.is_err());
    assert!(!driver.lookup(&key("new")).await.unwrap().is_active());
}

#[tokio::test]
async fn amounts_are_checked_and_rounded_up() {
    let host = Scripted::new();
    let driver = host.driver();
    let web = key("web");
    let current = Affect::CURRENT;
    let zero = driver.set_memory(&web, MemoryKib(0), current).await;
    assert_eq!(zero.unwrap_err().libvirt().code, 8);
    let much = MemoryKib::from_mib(257);
    let much = driver.set_memory(&web, much, current).await;
    assert!(much.unwrap_err().to_string().contains("at most 262144 KiB"));
    driver
        .set_memory(&web, MemoryKib(100_001), current)
        .await
        .unwrap();
    assert!(host.calls().contains(&"set_memory web 100352".to_owned()));
    let three = driver.set_vcpus(&web, 3, current).await.unwrap_err();
    assert!(three.to_string().contains("at most 2 vcpus"), "{three}");
    let pin = driver.pin_vcpu(&web, 0, &[4], current).await.unwrap_err();
    assert!(pin.to_string().contains("no processor 4"), "{pin}");
    driver.pin_vcpu(&web, 1, &[2, 0, 2], current).await.unwrap();
    assert!(host.calls().contains(&"pin_vcpu web 1 [0, 2]".to_owned()));
}

/// May read, may not see `web`.
struct Reader;

impl Access for Reader {
    fn allows(&self, operation: &OperationRow, domain: Option<&Domain>) -> bool {
        !operation.writes && domain.is_none_or(|d| d.name != "web")
    }
}

#[tokio::test]
async fn the_access_hook_sees_every_call() {
    let host = Scripted::new();
    let driver = host.driver().with_access(Arc::new(Reader), false);
    let denied = driver.destroy(&key("temp")).await.unwrap_err();
    assert_eq!(
        denied.to_string(),
        "'destroy' denied: permission 'domain.stop' is missing"
    );
    assert_eq!(denied.libvirt().code, 88);
    let seen = driver.list(&ListFilter::default()).await.unwrap();
    assert!(seen.iter().all(|domain| domain.name != "web"));
    let read_only = host
        .driver()
        .with_access(Arc::new(virtxen_driver::AllowAll), true);
    let refused = read_only.destroy(&key("temp")).await.unwrap_err();
    assert_eq!(refused.libvirt().code, 29);
    assert!(!host.calls().iter().any(|c| c.starts_with("destroy")));
}

#[tokio::test]
async fn a_known_uuid_costs_one_question_and_survives_a_rename() {
    let host = Scripted::new();
    let driver = host.driver();
    let uuid = DomainKey::Uuid(driver.find("old").await.unwrap().uuid);
    host.calls();
    driver.lookup(&uuid).await.unwrap();
    assert_eq!(host.calls(), ["domain old"]);
    host.change("old", |info| info.uuid = virtxen_guest::Uuid([9; 16]));
    assert!(matches!(
        driver.lookup(&uuid).await,
        Err(Error::NoDomain(_))
    ));
    driver.rename(&key("old"), "new").await.unwrap();
    let again = DomainKey::Uuid(virtxen_guest::Uuid([9; 16]));
    assert_eq!(driver.lookup(&again).await.unwrap().name, "new");
}
