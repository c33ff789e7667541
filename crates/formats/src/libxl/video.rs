//! Graphics cards: `vga`, `video_memkb`, `nographic`.

use super::guest::Parts;
use super::write::Writer;
use crate::convert::Notes;
use crate::spelling::device::note_info;
use crate::spelling::emulator::is_traditional;
use serde_json::{Value, json};
use virtxen_guest::{Devices, EmulatorType, OsType, Video, VideoModel};

/// Cards: libvirt's word, libxl's, and the KiB that each needs with qemu-xen and with
/// the traditional device model; libxl refuses to start a guest with less.
const CARDS: &[(VideoModel, &str, u32, u32)] = &[
    (VideoModel::Vga, "std", 16 << 10, 8 << 10),
    (VideoModel::Xen, "std", 16 << 10, 8 << 10),
    (VideoModel::Cirrus, "cirrus", 8 << 10, 4 << 10),
    (VideoModel::Default, "cirrus", 8 << 10, 4 << 10),
    (VideoModel::Qxl, "qxl", 128 << 10, 128 << 10),
];

/// Sizes of the shared card of Intel, which Qubes' libxl has beside the kind.
const SIZES: &[&str] = &["low_gm_sz", "high_gm_sz", "fence_sz"];

/// Writes the first card.
pub(super) fn write(writer: &mut Writer<'_>) {
    let videos = &writer.guest.devices.videos;
    let hvm = writer.is_hvm();
    for (i, video) in videos.iter().enumerate() {
        let path = format!("/domain/devices/video[{}]", i + 1);
        if i > 0 {
            let reason = "libxl gives a guest one card";
            writer.notes.setting(path, reason);
        } else if hvm {
            write_one(video, &path, writer);
        } else if !matches!(
            video.model,
            VideoModel::Xen | VideoModel::Default | VideoModel::None
        ) {
            let path = format!("{path}/model/@type");
            let reason = "a paravirtualized guest has a frame buffer";
            writer.notes.setting(path, reason);
        }
    }
    if hvm && videos.is_empty() {
        write_none(writer);
    }
}

fn write_none(writer: &mut Writer<'_>) {
    writer.own.flag("nographic", true);
    writer.own.set("vga", json!({ "kind": "none" }));
}

fn write_one(video: &Video, path: &str, writer: &mut Writer<'_>) {
    let place = format!("{path}/model/@type");
    let mut vga = writer.out("vga_interface_info");
    let card = CARDS.iter().find(|(model, ..)| *model == video.model);
    match (video.model, card) {
        (VideoModel::None, _) => {
            write_none(writer);
            return;
        }
        (VideoModel::Xengt, _) if writer.target.qubes => {
            vga.patched("kind", "xengt");
            for name in SIZES {
                let said = video.info.kept.attributes("model");
                let said = said.filter(|attribute| attribute.name == *name);
                for attribute in said {
                    if let Ok(size) = attribute.value.parse::<u32>() {
                        writer.own.patched(&format!("vgt_{name}"), size);
                    }
                }
            }
        }
        (_, Some((_, word, ..))) => vga.need("kind", *word, &place, &mut writer.notes),
        (other, None) => {
            let reason = format!("libxl has no {other} card, a cirrus one is written");
            writer.notes.essential(place, reason);
        }
    }
    if !vga.says("kind") {
        vga.set("kind", "cirrus");
    }
    if let Some((_, _, new, old)) = card {
        let emulator = writer.guest.devices.emulator.as_ref();
        let traditional = emulator.is_some_and(|emulator| match emulator.kind {
            Some(EmulatorType::Stubdom) => true,
            Some(EmulatorType::StubdomLinux) => false,
            _ => is_traditional(emulator.path.as_deref()),
        });
        let least = if traditional { *old } else { *new };
        let vram = video.vram.unwrap_or(*new);
        if vram < least {
            let reason = format!("libxl starts no guest with less than {least} KiB of it");
            let path = format!("{path}/model/@vram");
            writer.notes.essential(path, reason);
        }
        writer.build.set("video_memkb", vram);
    } else {
        writer.build.some("video_memkb", video.vram);
    }
    writer.own.set("vga", vga.into_value());
    if video.heads.is_some_and(|heads| heads > 1) {
        let path = format!("{path}/model/@heads");
        writer.notes.setting(path, "libxl's cards have one screen");
    }
    let mut info = video.info.clone();
    if video.model == VideoModel::Xengt {
        info.kept = virtxen_guest::Kept::default();
    }
    note_info(&info, path, "libxl", &mut writer.notes);
}

/// Reads the card.
pub(super) fn read(parts: &mut Parts<'_, '_>, devices: &Devices, notes: &mut Notes) -> Vec<Video> {
    let vram: Option<u32> = parts.build.count("video_memkb", notes);
    if parts.kind != OsType::Hvm {
        return Vec::new();
    }
    let nographic = parts.own.flag("nographic", notes) == Some(true);
    let mut vga = parts.own.section("vga", notes);
    let is_shared = vga.value("kind").and_then(Value::as_str) == Some("xengt");
    let kind = if is_shared {
        None
    } else {
        vga.word("kind", notes)
    };
    vga.finish(notes);
    let card = kind.and_then(|kind| CARDS.iter().find(|(_, word, ..)| *word == kind));
    let mut video = match card {
        Some((model, ..)) => Video::new(*model),
        None if is_shared => Video::new(VideoModel::Xengt),
        None if devices.graphics.is_empty() => return Vec::new(),
        None if nographic || kind == Some("none") => Video::new(VideoModel::None),
        None => return Vec::new(),
    };
    video.vram = vram.filter(|vram| *vram > 0 && video.model != VideoModel::None);
    if is_shared {
        for (key, name) in [
            ("vgt_low_gm_sz", "low_gm_sz"),
            ("vgt_high_gm_sz", "high_gm_sz"),
            ("vgt_fence_sz", "fence_sz"),
        ] {
            if let Some(size) = parts.own.count::<u32>(key, notes) {
                let kept = &mut video.info.kept;
                kept.add_attribute("model", name, size.to_string());
            }
        }
    }
    vec![video]
}
