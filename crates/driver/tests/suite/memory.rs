//! Memory: balloon target and limit, files of a domain's memory.

use crate::host::{GUEST, is_off, managed, until};
use std::path::Path;
use virtxen_driver::{Affect, DumpFlags, Monitor};
use virtxen_guest::MemoryKib;

#[tokio::test]
async fn memory_is_set_within_the_limit() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let current = Affect::CURRENT;
        let set = async |mib| {
            let memory = MemoryKib::from_mib(mib);
            driver.set_memory(&web, memory, current).await
        };
        set(96).await.unwrap();
        let memory = driver.lookup(&web).await.unwrap().memory;
        assert_eq!(memory, MemoryKib::from_mib(96), "{row:?}");
        assert!(set(512).await.is_err(), "{row:?}: beyond the limit");
        assert!(set(0).await.is_err(), "{row:?}");
        let limit = MemoryKib::from_mib(512);
        driver.set_max_memory(&web, limit, current).await.unwrap();
        assert_eq!(driver.lookup(&web).await.unwrap().max_memory, limit);
        set(400).await.unwrap();
        let memory = driver.lookup(&web).await.unwrap().memory;
        assert_eq!(memory, MemoryKib::from_mib(400), "{row:?}");
    }
}

#[tokio::test]
async fn memory_goes_to_files_and_comes_back() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let (file, monitor) = (Path::new("/var/lib/xen/save/web"), Monitor::default());
        let flags = DumpFlags::default();
        let core = Path::new("/var/lib/xen/dump/web");
        let dumped = driver.dump(&web, core, flags, &monitor).await;
        row.expect("dump", row.dumps, dumped);
        driver.save(&web, file, &monitor).await.unwrap();
        until(&driver, &web, is_off).await;
        driver.restore(file, &monitor).await.unwrap();
        assert!(driver.lookup(&web).await.unwrap().is_active(), "{row:?}");
    }
}
