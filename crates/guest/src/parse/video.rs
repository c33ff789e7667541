//! Graphics cards.
//!
//! Without a model it is libvirt's `default`, which a toolstack chooses.

use super::info::info;
use super::reader::{Reader, Seen, key, tag};
use crate::{Video, VideoModel};
use roxmltree::Node;

/// Reads `<video>`.
pub(super) fn video(node: Node<'_, '_>, reader: &mut Reader<'_>) -> Video {
    // What libvirt takes when no model is said.
    let mut video = Video::new(VideoModel::Default);
    reader.no_attributes(node);
    let mut seen = Seen::default();
    for child in reader.elements(node) {
        if !reader.first(&mut seen, child) {
            continue;
        }
        match tag(&child) {
            "model" => model(child, &mut video, reader),
            "driver" => reader.keep_element(&mut video.info.kept, "", child),
            _ if info(child, &mut video.info, reader) => {}
            _ => reader.unknown_element(child),
        }
    }
    video
}

fn model(node: Node<'_, '_>, video: &mut Video, reader: &mut Reader<'_>) {
    for attribute in node.attributes() {
        match key(&attribute) {
            "type" => {
                if let Some(model) = reader.word(node, &attribute) {
                    video.model = model;
                }
            }
            "vram" => video.vram = reader.number(node, &attribute),
            "heads" => video.heads = reader.number(node, &attribute),
            "primary" => video.primary = reader.yes_no(node, &attribute),
            "ram" | "vgamem" | "vram64" | "blob" | "edid" | "low_gm_sz" | "high_gm_sz"
            | "fence_sz" => {
                Reader::keep_attribute(&mut video.info.kept, "model", &attribute);
            }
            _ => reader.unknown_attribute(node, &attribute),
        }
    }
    for child in reader.elements(node) {
        match tag(&child) {
            "acceleration" | "resolution" => {
                reader.keep_element(&mut video.info.kept, "model", child);
            }
            _ => reader.unknown_element(child),
        }
    }
}
