//! Takes out of a reply what differs from run to run: times, random ids, folders.
//!
//! The length of a body is compared with the body, not with the recording.

/// The recorder's folder as it was, and as the recordings were edited to say.
const FOLDERS: [(&str, &str); 1] = [("/tmp/xend-oracle", "/var/lib/xenhost")];
/// Fields that hold a time or an address that the hypervisor chose.
const VARYING: [&str; 6] = [
    "(cpu_time ",
    "(start_time ",
    "(up_time ",
    "(store_mfn ",
    "(console_mfn ",
    "(tty ",
];

/// The reply in a comparable form.
pub(crate) fn normal(reply: &[u8]) -> String {
    let text = String::from_utf8_lossy(reply);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let body_length = reply.len().saturating_sub(head.len() + 4);
    let head = head.replace(
        &format!("Content-length: {body_length}\r\n"),
        "Content-length: (right)\r\n",
    );
    let mut body = body.to_owned();
    for (was, says) in FOLDERS {
        body = body.replace(was, says);
    }
    for field in VARYING {
        body = without_value(&body, field);
    }
    for file in ["boot_kernel.", "boot_ramdisk."] {
        body = without_value(&body, file);
    }
    format!("{head}\r\n\r\n{}", without_random_ids(&body))
}

/// Replaces what follows `field` up to the end of its list.
fn without_value(text: &str, field: &str) -> String {
    let mut parts = text.split(field);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(')').unwrap_or(part.len());
        result.push_str(field);
        result.push('~');
        result.push_str(&part[end..]);
    }
    result
}

/// Replaces UUIDs and MAC addresses that no request gave: the recorder's own all
/// begin with zeros.
fn without_random_ids(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut word = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_hexdigit() || letter == '-' || letter == ':' {
            word.push(letter);
            continue;
        }
        result.push_str(if is_random(&word) { "<random>" } else { &word });
        word.clear();
        if letter != '\0' {
            result.push(letter);
        }
    }
    result
}

fn is_random(word: &str) -> bool {
    let uuid = word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let mac = word.len() == 17 && word.split(':').map(str::len).eq([2; 6]);
    uuid && !word.starts_with("00000000-")
        || mac && word.starts_with("00:16:3e") && !word.starts_with("00:16:3e:00:00")
}

#[test]
fn takes_out_times_and_random_ids_only() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-length: 76\r\nX: y\r\n\r\n\
        (a (cpu_time 1.25) (uuid 12345678-1234-1234-1234-123456789abc) (mac 00:16:3e))";
    assert_eq!(
        normal(reply),
        "HTTP/1.1 200 OK\r\nContent-length: 76\r\nX: y\r\n\r\n\
         (a (cpu_time ~) (uuid <random>) (mac 00:16:3e))"
    );
}
