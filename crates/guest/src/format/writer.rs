//! What all families' writers use: tags, attributes, escapes, layout.
//!
//! A tag stays open until its first child or its end is known.

use super::FormatOptions;
use crate::{Element, Kept, Node, Word};
use std::fmt::{Display, Write};

/// Writes markup in libvirt's layout.
pub(super) struct Writer {
    out: String,
    depth: usize,
    in_tag: bool,
    pub(super) options: FormatOptions,
}

impl Writer {
    pub(super) fn new(options: FormatOptions) -> Self {
        Self {
            out: String::with_capacity(4096),
            depth: 0,
            in_tag: false,
            options,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Whether names that the host chose for a running guest are left out.
    pub(super) fn hides_host_names(&self) -> bool {
        self.options.inactive || self.options.migratable
    }

    /// Begins an element.
    pub(super) fn open(&mut self, name: &str) {
        self.end_tag();
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        self.in_tag = true;
    }

    /// Ends an element; `<name/>` if nothing came between.
    pub(super) fn close(&mut self, name: &str) {
        if self.in_tag {
            self.out.push_str("/>\n");
            self.in_tag = false;
        } else {
            self.depth = self.depth.saturating_sub(1);
            self.indent();
            self.end(name);
        }
    }

    /// Makes the element that is open one with content, even if none follows.
    pub(super) fn end_tag(&mut self) {
        if self.in_tag {
            self.out.push_str(">\n");
            self.in_tag = false;
            self.depth += 1;
        }
    }

    /// Ends an element whose content is a text.
    pub(super) fn close_text(&mut self, name: &str, text: &str) {
        if text.is_empty() {
            self.close(name);
            return;
        }
        self.in_tag = false;
        self.out.push('>');
        self.escape(text, false);
        self.end(name);
    }

    pub(super) fn attribute(&mut self, name: &str, value: &str) {
        self.start_value(name);
        self.escape(value, true);
        self.out.push('\'');
    }

    pub(super) fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    pub(super) fn word(&mut self, name: &str, value: Option<impl Word>) {
        self.some(name, value.map(Word::word));
    }

    /// An attribute whose value needs no escapes: a number, an address.
    pub(super) fn shown(&mut self, name: &str, value: impl Display) {
        self.start_value(name);
        // A String takes everything.
        let _ = write!(self.out, "{value}'");
    }

    pub(super) fn some_shown(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.shown(name, value);
        }
    }

    pub(super) fn yes_no(&mut self, name: &str, value: Option<bool>) {
        self.some(name, value.map(|value| if value { "yes" } else { "no" }));
    }

    pub(super) fn on_off(&mut self, name: &str, value: Option<bool>) {
        self.some(name, value.map(|value| if value { "on" } else { "off" }));
    }

    /// `<name>text</name>`, if there is a text.
    pub(super) fn some_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.open(name);
            self.close_text(name, text);
        }
    }

    /// `<name/>`, if so.
    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        if flag {
            self.open(name);
            self.close(name);
        }
    }

    /// `<name attribute='value'/>`, if there is a value.
    pub(super) fn only(&mut self, name: &str, attribute: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.open(name);
            self.attribute(attribute, value);
            self.close(name);
        }
    }

    pub(super) fn kept_attributes(&mut self, kept: &Kept, within: &str) {
        for attribute in kept.attributes(within) {
            self.attribute(&attribute.name, &attribute.value);
        }
    }

    pub(super) fn kept_elements(&mut self, kept: &Kept, within: &str) {
        for element in kept.elements(within) {
            self.element(element);
        }
    }

    /// The kept elements that have one of these names.
    pub(super) fn kept_named(&mut self, kept: &Kept, within: &str, names: &[&str]) {
        for element in kept.elements(within) {
            if names.contains(&element.name.as_str()) {
                self.element(element);
            }
        }
    }

    /// The kept elements that have none of these names.
    pub(super) fn kept_others(&mut self, kept: &Kept, within: &str, names: &[&str]) {
        for element in kept.elements(within) {
            if !names.contains(&element.name.as_str()) {
                self.element(element);
            }
        }
    }

    /// An element as it is.
    pub(super) fn element(&mut self, element: &Element) {
        self.open(&element.name);
        self.start_element(element);
        let mixed = |node: &Node| matches!(node, Node::Text(_));
        if element.children.is_empty() {
            self.close(&element.name);
        } else if element.children.iter().any(mixed) {
            self.in_tag = false;
            self.out.push('>');
            self.inline(&element.children);
            self.end(&element.name);
        } else {
            for node in &element.children {
                if let Node::Element(child) = node {
                    self.element(child);
                    continue;
                }
                self.end_tag();
                self.indent();
                self.inline(std::slice::from_ref(node));
                self.out.push('\n');
            }
            self.close(&element.name);
        }
    }

    fn start_element(&mut self, element: &Element) {
        for (prefix, uri) in &element.namespaces {
            match prefix {
                Some(prefix) => self.attribute(&format!("xmlns:{prefix}"), uri),
                None => self.attribute("xmlns", uri),
            }
        }
        for attribute in &element.attributes {
            self.attribute(&attribute.name, &attribute.value);
        }
    }

    // White space has a meaning here, so there is no layout.
    fn inline(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(text) => self.escape(text, false),
                Node::Comment(text) => {
                    let text = text.replace("--", "- -");
                    let _ = write!(self.out, "<!--{text}-->");
                }
                Node::Instruction { target, value } => {
                    let value = value.as_deref().unwrap_or_default();
                    let space = if value.is_empty() { "" } else { " " };
                    let _ = write!(self.out, "<?{target}{space}{value}?>");
                }
                Node::Element(element) => {
                    self.out.push('<');
                    self.out.push_str(&element.name);
                    self.start_element(element);
                    if element.children.is_empty() {
                        self.out.push_str("/>");
                    } else {
                        self.out.push('>');
                        self.inline(&element.children);
                        let _ = write!(self.out, "</{}>", element.name);
                    }
                }
            }
        }
    }

    fn start_value(&mut self, name: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("='");
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    fn indent(&mut self) {
        const BLANK: &str = "                                ";
        let mut missing = self.depth * 2;
        while missing > 0 {
            let part = missing.min(BLANK.len());
            self.out.push_str(BLANK.get(..part).unwrap_or(BLANK));
            missing -= part;
        }
    }

    fn escape(&mut self, text: &str, attribute: bool) {
        let plain = |byte: u8| !matches!(byte, b'&' | b'<' | b'>' | b'\'' | b'"' | 0..=0x1f | 0xef);
        if text.bytes().all(plain) {
            self.out.push_str(text);
            return;
        }
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\'' => self.out.push_str("&apos;"),
                '"' => self.out.push_str("&quot;"),
                '\r' => self.out.push_str("&#13;"),
                '\n' if attribute => self.out.push_str("&#10;"),
                '\t' if attribute => self.out.push_str("&#9;"),
                '\n' | '\t' => self.out.push(c),
                // XML has no way to say these.
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_has_libvirts_layout() {
        let mut writer = Writer::new(FormatOptions::default());
        writer.open("a");
        writer.attribute("b", "x'\"<&>\n");
        writer.open("c");
        writer.close_text("c", "1 < 2\u{1}");
        writer.some_text("d", Some(""));
        let mixed = Element::new("e").with_child(Element::new("f"));
        writer.element(&mixed);
        writer.close("a");
        assert_eq!(
            writer.finish(),
            "<a b='x&apos;&quot;&lt;&amp;&gt;&#10;'>\n  <c>1 &lt; 2\u{fffd}</c>\n  <d/>\n  <e>\n    <f/>\n  </e>\n</a>\n"
        );
    }
}
