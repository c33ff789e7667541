//! Models of the host's processors, by a map of our own.

use crate::machine::machine;
use virtxen_driver::{CpuComparison, Driver};

/// The simulated host has both features.
const MAP: &str = "<cpus><arch name='x86'>
  <feature name='fpu'><cpuid eax_in='0x01' edx='0x00000001'/></feature>
  <feature name='vmx'><cpuid eax_in='0x01' ecx='0x00000020'/></feature>
  <feature name='svm'><cpuid eax_in='0x80000001' ecx='0x00000004'/></feature>
  <model name='plain'><feature name='fpu'/></model>
  <model name='other'><feature name='fpu'/><feature name='svm'/></model>
</arch></cpus>";

async fn models(driver: &Driver) -> Vec<String> {
    driver.cpu_models("x86_64").await.unwrap()
}

#[tokio::test]
async fn the_host_has_a_model_where_the_names_are_installed() {
    let machine = machine("4.17").await;
    let folder = machine.root.path().join("usr/share/libvirt/cpu_map");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.xml"), MAP).unwrap();
    let driver = &machine.driver;
    let xml = driver.capabilities().await.unwrap();
    for part in [
        "<features>\n        <pae/>\n      </features>\n      <model>plain</model>\n      \
         <topology sockets='2' dies='1' cores='2' threads='1'/>\n      <feature name='vmx'/>\n",
        "<iommu support='no'/>",
        "<cpu id='1' socket_id='0' die_id='0' core_id='1' siblings='1'/>",
    ] {
        assert!(xml.contains(part), "{part}\n{xml}");
    }
    assert_eq!(models(driver).await, ["plain", "other"]);
    let compared = async |xml, must_run| driver.compare_cpu(xml, must_run).await;
    let plain = "<cpu><model>plain</model></cpu>";
    let superset = compared(plain, true).await.unwrap();
    assert_eq!(superset, CpuComparison::Superset);
    let other = "<cpu><model>other</model></cpu>";
    let not = compared(other, false).await.unwrap();
    assert_eq!(not, CpuComparison::Incompatible);
    let why = compared(other, true).await.unwrap_err();
    assert_eq!(why.libvirt().code, 91);
    assert_eq!(
        why.libvirt_message(),
        "the CPU is incompatible with host CPU: Host CPU does not provide required features: svm"
    );
    let unknown = compared("<cpu><model>x</model></cpu>", false).await;
    assert_eq!(unknown.unwrap_err().libvirt().code, 1);
    let wrong = compared("<domain/>", false).await;
    assert_eq!(wrong.unwrap_err().libvirt().code, 27);
    let hosts = ["plain", "other"]
        .map(|model| format!("<cpu><arch>x86_64</arch><model>{model}</model></cpu>"));
    let common = driver.baseline_cpu(&hosts, false, false).await.unwrap();
    assert!(common.contains("<model fallback='allow'>plain</model>"));
    let none = driver.baseline_cpu(&[], false, false).await;
    assert_eq!(none.unwrap_err().libvirt().code, 8);
}

#[tokio::test]
async fn without_the_names_the_host_says_where_they_come_from() {
    let machine = machine("4.17").await;
    let driver = &machine.driver;
    assert!(!driver.capabilities().await.unwrap().contains("<model>"));
    let refused = driver.cpu_models("x86_64").await.unwrap_err();
    assert_eq!(refused.libvirt().code, 84);
    assert!(refused.to_string().contains("libvirt0"), "{refused}");
    let arm = driver.cpu_models("aarch64").await.unwrap_err();
    assert_eq!(arm.libvirt().code, 8);
}
