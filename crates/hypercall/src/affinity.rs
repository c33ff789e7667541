//! Sets of processors as Xen's bitmaps: little-endian bits, whole bytes.

/// The processors of a bitmap, at most `limit` of them looked at.
pub(crate) fn cpus(bitmap: &[u8], limit: u32) -> Vec<u32> {
    let set = |cpu: &u32| {
        let byte = usize::try_from(cpu / 8).ok().and_then(|at| bitmap.get(at));
        byte.is_some_and(|byte| byte >> (cpu % 8) & 1 == 1)
    };
    (0..limit).filter(set).collect()
}

/// A bitmap of these processors for a host with `count`; `None` when one is not
/// among them.
pub(crate) fn bitmap(cpus: &[u32], count: u32) -> Option<Vec<u8>> {
    let mut bitmap = vec![0; usize::try_from(count.div_ceil(8)).ok()?];
    for cpu in cpus {
        if *cpu >= count {
            return None;
        }
        *bitmap.get_mut(usize::try_from(cpu / 8).ok()?)? |= 1 << (cpu % 8);
    }
    Some(bitmap)
}
