//! The daemon's man pages: `virtxend.8` from what `virtxend --help` says, and
//! `virtxend.conf.5` from the settings that the package brings.
//!
//! What virtxen's own page says is written by virtxen, from its table of commands.

/// What no table says.
const ABOUT: &str = "virtxend manages the Xen guests of a host for programs that talk to libvirt, \
    over libvirt's own protocol. It listens on /run/libvirt/virtxend\\-sock and, for those who \
    only read, on /run/libvirt/virtxend\\-sock\\-ro; systemd's units virtxend.socket and \
    virtxend\\-ro.socket do that for it and start it with its first client. Guests are not its \
    children: they go on when it ends, and it finds them again.";

/// Signals and what comes of them.
const SIGNALS: [(&str, &str); 3] = [
    (
        "SIGTERM, SIGINT",
        "Lets calls that run come to their end, tells clients, ends. With a second signal it \
         ends at once.",
    ),
    ("SIGHUP", "Reads the settings and certificates again."),
    (
        "SIGUSR2",
        "Replaces the program by the one that is in its file now. No client is refused, guests \
         are not touched.",
    ),
];

/// Files and what is in them.
const FILES: [(&str, &str); 3] = [
    (
        "/etc/libvirt/virtxend.conf",
        "Settings, see virtxend.conf(5).",
    ),
    (
        "/etc/default/virtxend",
        "Words for the daemon when systemd starts it.",
    ),
    (
        "/etc/libvirt/libxl",
        "Documents of inactive guests, in libvirt's form.",
    ),
];

/// `virtxend.8`, from the text of `virtxend --help`.
pub(crate) fn daemon(help: &str) -> String {
    let mut text = head(
        "VIRTXEND",
        8,
        "virtxend",
        "manages Xen guests for libvirt's clients",
    );
    text.push_str(".SH SYNOPSIS\n.B virtxend\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n");
    text.push_str(&format!("{ABOUT}\n.SH OPTIONS\n"));
    for (option, about) in options(help) {
        item(&mut text, &option, &about);
    }
    text.push_str(".SH SIGNALS\n");
    for (name, about) in SIGNALS {
        item(&mut text, name, about);
    }
    text.push_str(".SH FILES\n");
    for (name, about) in FILES {
        item(&mut text, name, about);
    }
    text.push_str(".SH SEE ALSO\nvirtxend.conf(5), virtxen(1), virsh(1)\n");
    text
}

/// `virtxend.conf.5`, from the settings with their comments.
pub(crate) fn settings(file: &str) -> String {
    let mut text = head("VIRTXEND.CONF", 5, "virtxend.conf", "settings of virtxend");
    text.push_str(".SH DESCRIPTION\n");
    for paragraph in file.split("\n\n").filter(|part| !part.trim().is_empty()) {
        let (keys, words): (Vec<&str>, Vec<&str>) = paragraph
            .lines()
            .map(|line| line.strip_prefix('#').unwrap_or(line))
            .partition(|line| key(line).is_some());
        let words: Vec<&str> = words.iter().map(|line| line.trim()).collect();
        let title = words.iter().find(|word| !word.is_empty());
        let is_title = |word: &&&str| !word.chars().any(char::is_lowercase);
        if let Some(title) = title.filter(is_title) {
            text.push_str(&format!(".SH {}\n", escape(title)));
            let rest: Vec<&str> = words
                .iter()
                .filter(|word| *word != title)
                .copied()
                .collect();
            text.push_str(&lines(&rest.join(" ")));
            continue;
        }
        let about = words.join(" ");
        match keys.split_last() {
            None => text.push_str(&lines(&about)),
            Some((last, first)) => {
                for line in first {
                    text.push_str(&format!(".TP\n.PD 0\n.B {}\n", escape(line)));
                }
                text.push_str(&format!(".TP\n.B {}\n.PD\n", escape(last)));
                text.push_str(&lines(&about));
            }
        }
    }
    text.push_str(".SH SEE ALSO\nvirtxend(8)\n");
    text
}

fn head(title: &str, section: u8, name: &str, about: &str) -> String {
    format!(".TH {title} {section} \"\" virtxen\n.SH NAME\n{name} \\- {about}\n")
}

/// The name before the sign, if a line sets a key.
fn key(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(" = ")?;
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    Some(name).filter(is_name)
}

/// Options and what they do: those begin with a dash, this goes on below.
fn options(help: &str) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = Vec::new();
    let lines = help
        .lines()
        .skip_while(|line| !line.trim_start().starts_with('-'));
    for line in lines {
        let line = line.trim();
        if line.starts_with('-') {
            let (option, about) = line.split_once("  ").unwrap_or((line, ""));
            // A long one has only one blank behind it.
            let (option, about) = match about {
                "" => split_long(option),
                about => (option, about),
            };
            options.push((option.to_owned(), about.trim().to_owned()));
        } else if let Some((_, about)) = options.last_mut() {
            about.push(' ');
            about.push_str(line);
        }
    }
    options
}

/// `--socket PATH listen here`: the value is in capitals.
fn split_long(line: &str) -> (&str, &str) {
    let is_value = |word: &str| word.chars().all(char::is_uppercase);
    let mut end = 0;
    for word in line.split(' ') {
        if !word.starts_with('-') && !is_value(word) {
            break;
        }
        end += word.len() + 1;
    }
    let end = end.min(line.len());
    (line[..end].trim_end(), &line[end..])
}

fn item(text: &mut String, name: &str, about: &str) {
    text.push_str(&format!(".TP\n.B {}\n{}", escape(name), lines(about)));
}

fn lines(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("{}\n", escape(text)),
    }
}

/// Text that troff takes as it is.
fn escape(text: &str) -> String {
    let text = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('"', "\\(dq");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_in_the_help() {
        let help = "x: y\n\n  -c, --connect URI     the host: xen:\n                        or sim:\n  \
                    -t, --timeout SECONDS end when\n      --add-user NAME\n                        add one\n";
        let expected = [
            ("-c, --connect URI", "the host: xen: or sim:"),
            ("-t, --timeout SECONDS", "end when"),
            ("--add-user NAME", " add one"),
        ];
        let found = options(help);
        assert_eq!(found.len(), 3);
        for ((option, about), (name, words)) in found.iter().zip(expected) {
            assert_eq!((option.as_str(), about.trim()), (name, words.trim()));
        }
    }

    #[test]
    fn settings_become_sections_and_keys() {
        let page =
            settings("# First.\n\n\n# LIMITS\n\n# How many\n# at once.\n#max_a = 5\n#max-b\n");
        assert!(page.contains(".SH LIMITS\n"), "{page}");
        assert!(
            page.contains(".B max_a = 5\n.PD\nHow many at once."),
            "{page}"
        );
    }
}
