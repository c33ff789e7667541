//! The order in which XenD sends its header lines.
//!
//! XenD keeps them in a Python dictionary and writes them as that iterates, so the
//! order follows from the hash of each name and from the size of the table. This is
//! the string hash and the probing of CPython 2 (64 bit), for the few short names
//! that a reply has. It orders; it does not format (`http`).

/// Bits that the perturbation loses with each probe.
const PERTURB_SHIFT: u32 = 5;

/// Indices of `names` in the order in which a Python 2 dictionary, filled in the
/// order given, yields them. Names must differ.
pub(crate) fn dictionary_order(names: &[&str]) -> Vec<usize> {
    let mut table: Vec<Option<usize>> = vec![None; 8];
    for (used, (index, name)) in names.iter().enumerate().enumerate() {
        insert(&mut table, index, name);
        let used = used + 1;
        if used * 3 >= table.len() * 2 {
            table = grown(&table, names, used);
        }
    }
    table.into_iter().flatten().collect()
}

/// The table after a resize: the smallest power of two above four times the entries,
/// filled in the order of the old slots.
fn grown(table: &[Option<usize>], names: &[&str], used: usize) -> Vec<Option<usize>> {
    let mut size = 8;
    while size <= used * 4 {
        size *= 2;
    }
    let mut larger = vec![None; size];
    for index in table.iter().copied().flatten() {
        if let Some(name) = names.get(index) {
            insert(&mut larger, index, name);
        }
    }
    larger
}

fn insert(table: &mut [Option<usize>], index: usize, name: &str) {
    let mask = table.len() as u64 - 1;
    let hash = string_hash(name);
    let mut perturb = hash;
    let mut probe = hash & mask;
    while let Some(slot) = table.get_mut((probe & mask) as usize) {
        if slot.is_none() {
            *slot = Some(index);
            return;
        }
        probe = probe.wrapping_mul(5).wrapping_add(perturb).wrapping_add(1);
        perturb >>= PERTURB_SHIFT;
    }
}

/// CPython 2's hash of a byte string (without `-R`).
fn string_hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let Some(first) = bytes.first() else {
        return 0;
    };
    let mut hash = u64::from(*first) << 7;
    for byte in bytes {
        hash = hash.wrapping_mul(1_000_003) ^ u64::from(*byte);
    }
    hash ^= bytes.len() as u64;
    // -1 says "error" inside CPython and is never a hash.
    if hash == u64::MAX { u64::MAX - 1 } else { hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered<'a>(names: &[&'a str]) -> Vec<&'a str> {
        dictionary_order(names)
            .into_iter()
            .map(|index| names[index])
            .collect()
    }

    #[test]
    fn hashes_as_python_does() {
        // print(hash("a")) of a 64-bit Python 2.7.
        assert_eq!(string_hash("a"), 12_416_037_344);
        assert_eq!(string_hash(""), 0);
    }

    #[test]
    fn five_and_six_lines_come_in_the_recorded_orders() {
        let plain = [
            "content-type",
            "pragma",
            "cache-control",
            "expires",
            "content-length",
        ];
        assert_eq!(
            ordered(&plain),
            [
                "content-length",
                "expires",
                "content-type",
                "pragma",
                "cache-control"
            ]
        );
        let located = [
            "location",
            "content-type",
            "pragma",
            "cache-control",
            "expires",
            "content-length",
        ];
        assert_eq!(
            ordered(&located),
            [
                "content-length",
                "expires",
                "location",
                "pragma",
                "cache-control",
                "content-type"
            ]
        );
    }
}
