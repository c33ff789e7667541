//! A real libxenlight, where one is found: whether it is what its name says. It is
//! looked for where VIRTXEN_LIBXL says (with LD_LIBRARY_PATH for Xen's other libraries),
//! else where the Xen that runs has it.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use virtxen_libxl::{Loaded, size_of};

#[test]
fn a_library_is_laid_out_as_its_release() {
    let file = std::env::var_os("VIRTXEN_LIBXL").map(PathBuf::from);
    let loaded = match Loaded::open(file.as_deref()) {
        Ok(loaded) => loaded,
        Err(error) if file.is_none() => {
            println!("skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(loaded.missing(), Vec::<&str>::new());
    // Sizes were compared when it was opened: here, that they were measured.
    for structure in [
        "domain_config",
        "domain_build_info",
        "device_disk",
        "device_nic",
    ] {
        let expected = size_of(structure, loaded.release());
        assert_eq!(loaded.size_of(structure), expected, "{structure}");
    }
}
