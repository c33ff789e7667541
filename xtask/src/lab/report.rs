//! Parts of docs/lab.md that commands of the lab write, each between two lines that name it.
//!
//! What is written is up to the commands.

use crate::{Error, Result};
use std::path::Path;

/// Replaces a part by what `new` makes of it; `command` is who writes it.
///
/// # Errors
/// When docs/lab.md cannot be read or written, or has no such part.
pub(super) fn replace(
    root: &Path,
    part: &str,
    command: &str,
    new: impl FnOnce(&str) -> String,
) -> Result<()> {
    let path = root.join("docs/lab.md");
    let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    let begin = format!("<!-- {part}: written by cargo xtask lab {command} -->\n");
    let end = format!("<!-- end of {part} -->\n");
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (old, after) = rest.split_once(&end)?;
        Some((before, old, after))
    });
    let Some((before, old, after)) = parts else {
        let message = format!("{} has no place for {part}", path.display());
        return Err(Error::Failed(message));
    };
    let text = format!("{before}{begin}{}{end}{after}", new(old));
    std::fs::write(&path, text).map_err(Error::file(&path))
}
