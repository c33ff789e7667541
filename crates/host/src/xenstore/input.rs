//! Which keyboards and pointers of Xen's a guest of libxl has: what libxl notes of them, which
//! no guest can write. What stands for them in a document is not known here.

use super::Facts;
use crate::Result;
use virtxen_guest::DomId;

/// Most of a guest that are looked at.
const DEVICES_MAX: usize = 64;

/// A keyboard, a pointer or both in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredInput {
    pub(crate) number: u32,
    /// The folder of its back end.
    pub(crate) backend: String,
    pub(crate) keyboard: bool,
    pub(crate) pointer: bool,
    /// The pointer was asked for as one that knows places.
    pub(crate) absolute: bool,
}

impl Facts {
    /// Those of a guest, by number; one round trip for a guest without.
    pub(crate) async fn inputs(&self, domid: DomId) -> Result<Vec<StoredInput>> {
        const KEYS: [&str; 4] = [
            "backend",
            "feature-disable-keyboard",
            "feature-disable-pointer",
            "feature-abs-pointer",
        ];
        let folder = format!("/libxl/{domid}/device/vkbd");
        let names = self.directories(std::slice::from_ref(&folder)).await?;
        let names = names.into_iter().flatten().take(DEVICES_MAX);
        let mut numbers: Vec<u32> = names.filter_map(|it| it.parse().ok()).collect();
        numbers.sort_unstable();
        let paths = numbers
            .iter()
            .flat_map(|number| KEYS.map(|key| format!("{folder}/{number}/{key}")));
        let values = self.read(&paths.collect::<Vec<_>>()).await?;
        let devices = numbers.iter().zip(values.chunks_exact(KEYS.len()));
        Ok(devices
            .filter_map(|(number, values)| {
                let [Some(backend), no_keyboard, no_pointer, absolute] = values else {
                    return None;
                };
                let is_on = |value: &Option<String>| value.as_ref().is_some_and(|it| it != "0");
                Some(StoredInput {
                    number: *number,
                    backend: backend.clone(),
                    keyboard: !is_on(no_keyboard),
                    pointer: !is_on(no_pointer),
                    absolute: is_on(absolute),
                })
            })
            .collect())
    }
}
