//! The graphics card of a fully virtualized guest: `(stdvga …)`, `(videoram …)`,
//! `(nographic …)` in the image. Without them it is qemu's Cirrus card.

use super::Sxpr;
use super::device::note_info;
use super::section::Section;
use crate::convert::Notes;
use virtxen_guest::{Video, VideoModel};

/// Memory of the card that XenD gives when nobody asks, in KiB.
const NORMAL_VRAM: &[u32] = &[4 << 10, 8 << 10];

/// Reads the card, if it is not the one that every guest has.
pub(super) fn read(image: &mut Section<'_>, notes: &mut Notes) -> Option<Video> {
    let standard = image.switch("stdvga", notes) == Some(true);
    let none = image.switch("nographic", notes) == Some(true);
    let vram = image
        .number("videoram", notes)
        .and_then(|mib| u32::try_from(mib).ok()?.checked_mul(1024));
    if none {
        return Some(Video::new(VideoModel::None));
    }
    let unusual = vram.is_some_and(|vram| !NORMAL_VRAM.contains(&vram));
    if !standard && !unusual {
        return None;
    }
    let model = if standard {
        VideoModel::Vga
    } else {
        VideoModel::Cirrus
    };
    Some(Video {
        vram: vram.filter(|vram| *vram > 0),
        ..Video::new(model)
    })
}

/// Writes the card.
pub(super) fn write(videos: &[Video], hvm: bool, image: &mut Vec<Sxpr>, notes: &mut Notes) {
    for i in 2..=videos.len() {
        notes.setting(
            format!("/domain/devices/video[{i}]"),
            "XenD gives a guest one graphics card",
        );
    }
    let Some(video) = videos.first() else { return };
    let path = "/domain/devices/video[1]";
    note_info(&video.info, path, notes);
    match video.model {
        // A paravirtualized guest has its frame buffer.
        VideoModel::Xen | VideoModel::Default | VideoModel::None if !hvm => return,
        _ if !hvm => {
            notes.setting(
                format!("{path}/model/@type"),
                "a paravirtualized guest has a frame buffer",
            );
            return;
        }
        VideoModel::None => image.push(Sxpr::pair("nographic", "1")),
        VideoModel::Vga => image.push(Sxpr::pair("stdvga", "1")),
        VideoModel::Cirrus | VideoModel::Default | VideoModel::Xen => {}
        other => notes.setting(
            format!("{path}/model/@type"),
            format!("XenD has no {other} card, a cirrus one is used"),
        ),
    }
    let usual = |vram: u32| video.model != VideoModel::Vga && NORMAL_VRAM.contains(&vram);
    if let Some(vram) = video.vram.filter(|vram| !usual(*vram)) {
        image.push(Sxpr::pair("videoram", vram.div_ceil(1024).to_string()));
    }
    if video.heads.is_some_and(|heads| heads > 1) {
        notes.setting(
            format!("{path}/model/@heads"),
            "XenD's cards have one screen",
        );
    }
}
