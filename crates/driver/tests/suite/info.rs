//! Information: lists, states, numbers, documents, the machine.

use crate::host::{ALL, GUEST, ROWS, driver, key, managed};
use virtxen_driver::{DomainKey, Error, ListFilter, State, XmlFlags};
use virtxen_guest::{DomId, MemoryKib};

#[tokio::test]
async fn what_is_known_of_a_domain_is_the_same_by_every_key() {
    for row in managed() {
        let driver = row.driver().await;
        let web = row.run(&driver, GUEST).await;
        let found = driver.lookup(&web).await.unwrap();
        assert_eq!(found.name, "web", "{row:?}");
        assert_eq!(found.memory, MemoryKib::from_mib(128), "{row:?}");
        assert_eq!(found.max_memory, MemoryKib::from_mib(256), "{row:?}");
        assert_eq!((found.vcpus, found.max_vcpus), (1, 2), "{row:?}");
        assert_eq!(found.persistent, Some(row.inactive), "{row:?}");
        assert_eq!(found.os_type(), "xen", "{row:?}");
        let by_id = DomainKey::Id(found.id.unwrap());
        for key in [key("web"), by_id] {
            let again = driver.lookup(&key).await.unwrap();
            assert_eq!((&again.name, again.uuid), (&found.name, found.uuid));
        }
        for nobody in [key("nosuch"), DomainKey::Id(DomId(999))] {
            let error = driver.lookup(&nobody).await.unwrap_err();
            assert!(matches!(error, Error::NoDomain(_)), "{row:?}: {error}");
        }
        let xml = driver.xml_desc(&web, XmlFlags::default()).await.unwrap();
        assert!(xml.contains("<name>web</name>"), "{row:?}: {xml}");
        assert!(xml.contains("xvda"), "{row:?}: {xml}");
    }
}

#[tokio::test]
async fn a_list_has_every_domain_in_order() {
    for row in ROWS {
        let driver = driver(&row.host(16), ALL).await;
        let all = driver.list(&ListFilter::default()).await.unwrap();
        let active = driver.list(&ListFilter::active()).await.unwrap();
        assert_eq!(active[0].name, "Domain-0", "{row:?}");
        assert!(active.is_sorted_by_key(|domain| domain.id), "{row:?}");
        let paused = active.iter().filter(|it| it.state == State::Paused).count();
        assert_eq!(paused, 4, "{row:?}");
        if row.xend {
            assert_eq!(all.len(), 17, "{row:?}");
            let inactive = driver.list(&ListFilter::inactive()).await.unwrap();
            let expected = if row.inactive { 4 } else { 0 };
            assert_eq!(inactive.len(), expected, "{row:?}");
        }
        assert_eq!(driver.node_info().await.unwrap().cpus, 4, "{row:?}");
        let version = driver.version();
        let numbers = format!("{}.{}", version.major, version.minor);
        assert!(row.release.starts_with(&numbers), "{row:?}: {numbers}");
    }
}
