//! The graphics card of a fully virtualized guest: `stdvga`, `vga`, `videoram`,
//! `nographic`. Without them it is qemu's Cirrus card.

use super::{Dialect, Out, Settings};
use crate::convert::{Notes, excerpt};
use crate::spelling::device::note_info;
use virtxen_guest::{Video, VideoModel};

/// Memory of a Cirrus card that nobody asked for, in KiB.
const NORMAL_VRAM: &[u32] = &[4 << 10, 8 << 10];

/// Reads the card, if it is not the one that every guest has.
pub(super) fn read(file: &mut Settings<'_>, notes: &mut Notes) -> Option<Video> {
    let standard = file.switch("stdvga", notes) == Some(true);
    let none = file.switch("nographic", notes) == Some(true);
    let vram = file
        .count("videoram", notes)
        .and_then(|mib| mib.checked_mul(1024));
    let model = match file.filled("vga", notes).as_deref() {
        _ if none => return Some(Video::new(VideoModel::None)),
        Some("none") => return Some(Video::new(VideoModel::None)),
        Some("stdvga") => VideoModel::Vga,
        Some("qxl") => VideoModel::Qxl,
        None if standard => VideoModel::Vga,
        None | Some("cirrus") => VideoModel::Cirrus,
        Some(other) => {
            let reason = format!("'{}' is no graphics card known here", excerpt(other));
            notes.setting_at("vga", file.at("vga"), reason);
            VideoModel::Cirrus
        }
    };
    let vram = vram.filter(|vram| *vram > 0);
    let unusual = vram.is_some_and(|vram| !NORMAL_VRAM.contains(&vram));
    (model != VideoModel::Cirrus || unusual).then(|| Video {
        vram,
        ..Video::new(model)
    })
}

/// Writes the card.
pub(super) fn write(
    videos: &[Video],
    hvm: bool,
    dialect: Dialect,
    out: &mut Out,
    notes: &mut Notes,
) {
    let tool = dialect.tool();
    for i in 2..=videos.len() {
        let path = format!("/domain/devices/video[{i}]");
        notes.setting(path, format!("{tool} gives a guest one graphics card"));
    }
    let Some(video) = videos.first() else { return };
    let path = "/domain/devices/video[1]";
    note_info(&video.info, path, tool, notes);
    let model = format!("{path}/model/@type");
    match video.model {
        // A paravirtualized guest has its frame buffer.
        VideoModel::Xen | VideoModel::Default | VideoModel::None if !hvm => return,
        _ if !hvm => {
            notes.setting(model, "a paravirtualized guest has a frame buffer");
            return;
        }
        VideoModel::None => out.switch("nographic", true),
        VideoModel::Vga => out.switch("stdvga", true),
        VideoModel::Qxl if dialect.xl => out.text("vga", "qxl"),
        VideoModel::Cirrus | VideoModel::Default | VideoModel::Xen => {}
        other => notes.setting(
            model,
            format!("{tool} has no {other} card, a cirrus one is used"),
        ),
    }
    let usual = |vram: u32| video.model != VideoModel::Vga && NORMAL_VRAM.contains(&vram);
    if let Some(vram) = video.vram.filter(|vram| !usual(*vram)) {
        out.number("videoram", vram.div_ceil(1024));
    }
    if video.heads.is_some_and(|heads| heads > 1) {
        let reason = format!("{tool}'s cards have one screen");
        notes.setting(format!("{path}/model/@heads"), reason);
    }
}
