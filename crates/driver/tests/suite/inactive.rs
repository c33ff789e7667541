//! Inactive guests: define, list, change, autostart, start, rename, undefine.

use crate::devices::DISK;
use crate::host::{GUEST, key, managed};
use virtxen_driver::{Affect, DefineFlags, DomainKey, Error, ListFilter, XmlFlags};

#[tokio::test]
async fn guests_are_kept_while_they_are_off() {
    for row in managed() {
        let driver = row.driver().await;
        let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
        if !row.inactive {
            let error = defined.unwrap_err();
            assert!(matches!(error.libvirt().code, 84 | 3), "{row:?}: {error}");
            continue;
        }
        let web = DomainKey::from(&defined.unwrap().domain);
        let names = async || {
            let list = driver.list(&ListFilter::inactive()).await.unwrap();
            list.into_iter().map(|it| it.name).collect::<Vec<_>>()
        };
        assert_eq!(names().await, ["web"], "{row:?}");
        assert!(!driver.autostart(&web).await.unwrap(), "{row:?}");
        driver.set_autostart(&web, true).await.unwrap();
        assert!(driver.autostart(&web).await.unwrap(), "{row:?}");
        let config = Affect::CONFIG;
        driver.set_max_vcpus(&web, 4, config).await.unwrap();
        assert_eq!(driver.lookup(&web).await.unwrap().max_vcpus, 4, "{row:?}");
        driver.attach_device(&web, DISK, config).await.unwrap();
        assert_eq!(driver.block_list(&web, true).await.unwrap().len(), 2);
        driver.detach_device(&web, DISK, config).await.unwrap();
        driver.start(&web, false).await.unwrap();
        assert_eq!(names().await, [""; 0], "{row:?}");
        let error = driver.undefine(&web).await.unwrap_err();
        assert!(matches!(error, Error::State { .. }), "{row:?}: {error}");
        driver.destroy(&web).await.unwrap();
        driver.rename(&web, "www").await.unwrap();
        let xml = driver.xml_desc(&key("www"), XmlFlags::default()).await;
        assert!(xml.unwrap().contains("<name>www</name>"), "{row:?}");
        driver.undefine(&key("www")).await.unwrap();
        assert_eq!(names().await, [""; 0], "{row:?}");
    }
}
