//! The memory of guests that run.

use crate::machine::{key, machine};
use virtxen_driver::{Affect, XmlFlags};
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

#[tokio::test]
async fn what_a_guest_may_have_changes_while_it_runs() {
    for release in ["4.14", "4.17"] {
        let machine = machine(release).await;
        let driver = &machine.driver;
        machine.started("web", "").await;
        let mib = MemoryKib::from_mib;
        let most = async |memory| {
            let done = driver
                .set_max_memory(&key("web"), memory, Affect::LIVE)
                .await;
            (done, driver.lookup(&key("web")).await.unwrap().max_memory)
        };
        let (done, shown) = most(mib(96)).await;
        done.unwrap();
        assert_eq!(shown, mib(96), "{release}");
        let xml = driver.xml_desc(&key("web"), XmlFlags::default()).await;
        let xml = xml.unwrap();
        assert!(xml.contains("<memory unit='KiB'>98304</memory>"), "{xml}");
        driver
            .set_memory(&key("web"), mib(96), Affect::LIVE)
            .await
            .unwrap();
        let (done, shown) = most(mib(64)).await;
        assert!(done.is_err(), "it has more");
        assert_eq!(shown, mib(96), "{release}");
    }
}
