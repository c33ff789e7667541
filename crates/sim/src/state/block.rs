//! Numbers of virtual block devices, as XenD works them out of names.
//!
//! The numbers are Linux's device numbers, and Xen's own for many `xvd` disks.

/// The number of a device such as `xvda`, `sda1`, `hdc:cdrom`, `/dev/xvdb`,
/// `ioemu:hda`, `51712` or `0xca00`.
pub(crate) fn block_number(name: &str) -> Option<i64> {
    let name = name.strip_prefix("ioemu:").unwrap_or(name);
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let name = name.strip_prefix("/dev/").unwrap_or(name);
    if let Ok(number) = name.parse::<i64>() {
        return Some(number);
    }
    if let Some(hex) = name.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok();
    }
    let (kind, letters, partition) = split(name)?;
    let index = disk_index(letters)?;
    match kind {
        "sd" if index < 16 && partition < 16 => Some((8 << 8) + 16 * index + partition),
        "sd" if index < 256 && partition < 16 => {
            let major = [
                65, 66, 67, 68, 69, 70, 71, 128, 129, 130, 131, 132, 133, 134, 135,
            ];
            let block = usize::try_from(index / 16 - 1).ok()?;
            Some((major.get(block)? << 8) + 16 * (index % 16) + partition)
        }
        "hd" if partition < 64 => {
            let major = [3, 22, 33, 34, 56, 57, 88, 89, 90, 91];
            let block = usize::try_from(index / 2).ok()?;
            Some((major.get(block)? << 8) + 64 * (index % 2) + partition)
        }
        "xvd" if index < 16 && partition < 16 => Some((202 << 8) + 16 * index + partition),
        "xvd" if partition < 256 => Some((1 << 28) + (index << 8) + partition),
        _ => None,
    }
}

fn split(name: &str) -> Option<(&str, &str, i64)> {
    let kind = ["xvd", "sd", "hd"]
        .into_iter()
        .find(|kind| name.starts_with(kind))?;
    let rest = name.get(kind.len()..)?;
    let digits = rest
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (letters, partition) = rest.split_at(digits);
    let partition = if partition.is_empty() {
        0
    } else {
        partition.parse().ok()?
    };
    let good = !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_lowercase());
    good.then_some((kind, letters, partition))
}

/// `a` is 0, `z` 25, `aa` 26.
fn disk_index(letters: &str) -> Option<i64> {
    if letters.len() > 3 {
        return None;
    }
    let index = letters
        .bytes()
        .fold(0_i64, |index, b| 26 * index + i64::from(b - b'a') + 1);
    Some(index - 1)
}

#[cfg(test)]
mod tests {
    use super::block_number;

    #[test]
    fn numbers_are_those_of_recorded_replies() {
        for (name, number) in [
            ("xvda", Some(51712)),
            ("xvdb:disk", Some(51728)),
            ("xvdi", Some(51840)),
            ("xvdz", Some(268_441_856)),
            ("hda", Some(768)),
            ("hdc:cdrom", Some(5632)),
            ("ioemu:hda", Some(768)),
            ("sda1", Some(2049)),
            ("sdq", Some(16640)),
            ("/dev/xvda", Some(51712)),
            ("51712", Some(51712)),
            ("nonsense", None),
            ("xvd", None),
            ("", None),
        ] {
            assert_eq!(block_number(name), number, "{name}");
        }
    }
}
