//! The memory of guests that run.

use crate::machine::{key, machine};
use virtxen_driver::Affect;
use virtxen_guest::MemoryKib;

#[tokio::test]
async fn a_guest_gets_back_what_was_taken_and_no_more() {
    let machine = machine("4.17").await;
    machine.started("web", "").await;
    let set = |mib| {
        let memory = MemoryKib::from_mib(mib);
        let driver = machine.driver.clone();
        async move { driver.set_memory(&key("web"), memory, Affect::LIVE).await }
    };
    set(32).await.unwrap();
    let lowered = machine.driver.lookup(&key("web")).await.unwrap();
    assert_eq!(lowered.memory, MemoryKib::from_mib(32));
    assert_eq!(
        lowered.max_memory,
        MemoryKib::from_mib(64),
        "what it was started for"
    );
    set(64).await.unwrap();
    let raised = machine.driver.lookup(&key("web")).await.unwrap();
    assert_eq!(raised.memory, MemoryKib::from_mib(64));
    let error = set(65).await.unwrap_err().to_string();
    assert!(error.contains("at most 65536 KiB"), "{error}");
}
