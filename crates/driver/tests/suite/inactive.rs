//! Inactive guests, which are XenD's or before Xen 3.0.4 files of xm: define, list, change, autostart, start, rename, undefine.

use crate::devices::DISK;
use crate::host::{ALL, GUEST, channels, key, managed, of_host};
use std::time::Duration;
use virtxen_driver::{Affect, DefineFlags, DomainKey, Error, ListFilter, XmlFlags};

#[tokio::test]
async fn guests_are_kept_while_they_are_off() {
    for row in managed() {
        let folder = tempfile::tempdir().unwrap();
        let files = channels(&row.host(0), ALL).await;
        let host = files.xm_files(Ok(folder.path().to_owned())).open().await;
        let driver = of_host(host.unwrap(), Duration::from_secs(10));
        let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
        let web = DomainKey::from(&defined.unwrap().domain);
        let is_file = folder.path().join("web").exists();
        assert_eq!(is_file, !row.inactive, "{row:?}: who keeps it");
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
        let undefined = driver.undefine(&web).await;
        if row.inactive {
            let error = undefined.unwrap_err();
            assert!(matches!(error, Error::State { .. }), "{row:?}: {error}");
        } else {
            // A file and a running domain are two things.
            undefined.unwrap();
            let running = driver.lookup(&web).await.unwrap();
            assert_eq!(running.persistent, Some(false), "{row:?}");
            let defined = driver.define_xml(GUEST, DefineFlags::default()).await;
            assert_eq!(defined.unwrap().domain.uuid, running.uuid, "{row:?}");
        }
        driver.destroy(&web).await.unwrap();
        driver.rename(&web, "www").await.unwrap();
        let xml = driver.xml_desc(&key("www"), XmlFlags::default()).await;
        assert!(xml.unwrap().contains("<name>www</name>"), "{row:?}");
        driver.undefine(&key("www")).await.unwrap();
        assert_eq!(names().await, [""; 0], "{row:?}");
    }
}
