//! Files and block devices that guests have as disks: how large they are, and what is
//! in them.

use super::{NodeFiles, unreadable};
use crate::Result;

/// Bytes at the beginning of an image that tell its kind.
const HEAD: usize = 64;

/// What is known of a disk's file or block device, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskImage {
    /// What the guest sees, as far as the format is known: raw, qcow, qcow2, VHD.
    pub capacity: u64,
    /// What it takes of the host's disk.
    pub allocation: u64,
    /// How long it is.
    pub physical: u64,
}

impl NodeFiles {
    /// How large a disk is.
    pub(crate) async fn image(&self, path: &str) -> Result<DiskImage> {
        let path = path.to_owned();
        self.with("domblkinfo", move |files| {
            let extent = files.source.extent(&path);
            let (physical, allocation) = extent.map_err(|error| not_read(&path, error))?;
            let head = files.source.read_at(&path, 0, HEAD);
            let head = head.map_err(|error| not_read(&path, error))?;
            Ok(DiskImage {
                capacity: capacity(&head).unwrap_or(physical),
                allocation,
                physical,
            })
        })
        .await
    }

    /// Some bytes of a disk as they lie on the host; fewer at its end.
    pub(crate) async fn peek(&self, path: &str, offset: u64, size: usize) -> Result<Vec<u8>> {
        let path = path.to_owned();
        self.with("block peek", move |files| {
            let bytes = files.source.read_at(&path, offset, size);
            bytes.map_err(|error| not_read(&path, error))
        })
        .await
    }
}

fn not_read(path: &str, error: std::io::Error) -> crate::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => crate::Error::Refused {
            operation: "domblkinfo",
            reason: format!("the disk {path} is not there"),
        },
        _ => unreadable(path, error),
    }
}

/// The size of the disk in an image, as its header has it; `None` for a raw one.
fn capacity(head: &[u8]) -> Option<u64> {
    /// Where the size is, by what the image begins with; big-endian in all of them.
    const FORMATS: [(&[u8], usize); 2] = [(b"QFI\xfb", 24), (b"conectix", 48)];
    let (_, at) = FORMATS.iter().find(|(magic, _)| head.starts_with(magic))?;
    let size = head.get(*at..*at + 8)?;
    Some(u64::from_be_bytes(size.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_tell_what_the_guest_sees() {
        let image = |magic: &[u8], at: usize| {
            let mut head = vec![0; HEAD];
            head[..magic.len()].copy_from_slice(magic);
            head[at..at + 8].copy_from_slice(&(10_u64 << 30).to_be_bytes());
            capacity(&head)
        };
        assert_eq!(image(b"QFI\xfb", 24), Some(10 << 30));
        assert_eq!(image(b"conectix", 48), Some(10 << 30));
        assert_eq!(image(b"\xeb\x63", 24), None);
        assert_eq!(capacity(b"QFI\xfb"), None);
    }

    #[tokio::test]
    async fn a_sparse_file_takes_less_than_it_is_long() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("disk.img")).unwrap();
        file.set_len(1 << 24).unwrap();
        let files = NodeFiles::below(folder.path());
        let image = files.image("/disk.img").await.unwrap();
        assert_eq!((image.capacity, image.physical), (1 << 24, 1 << 24));
        assert!(image.allocation < 1 << 24, "{image:?}");
        let end = files.peek("/disk.img", (1 << 24) - 2, 10).await.unwrap();
        assert_eq!(end, [0, 0]);
        for wrong in ["/", "/none.img"] {
            assert!(files.image(wrong).await.is_err(), "{wrong}");
        }
    }
}
