//! Patterns in lists of who is let in: `*` stands for any text, `?` for any
//! character, as in libvirt's daemons.

/// Whether a list lets a name in: there is no list, or one of its patterns fits. An
/// empty list lets nobody in.
pub(crate) fn allows(list: Option<&[String]>, name: &str) -> bool {
    list.is_none_or(|patterns| patterns.iter().any(|pattern| fits(pattern, name)))
}

/// Whether a pattern fits all of a text.
fn fits(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when what is behind the last star does not fit: the star takes
    // one more character.
    let mut retry = None;
    loop {
        let before = (pattern.clone(), text.clone());
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = before.1;
                retry = Some((pattern.clone(), text.clone()));
                continue;
            }
            (Some('?'), Some(_)) => continue,
            (Some(wanted), Some(found)) if wanted == found => continue,
            _ => {}
        }
        let Some((star, mut rest)) = retry.take() else {
            return false;
        };
        if rest.next().is_none() {
            return false;
        }
        (pattern, text) = (star.clone(), rest.clone());
        retry = Some((star, rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_text() {
        for (pattern, text, result) in [
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("C=GB,*,CN=*", "C=GB,O=x,CN=ann", true),
            ("C=GB,*,CN=ann", "C=GB,O=x,CN=annie", false),
            ("*ann", "CN=anann", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[a]", "a", false),
            ("ü?", "üö", true),
        ] {
            assert_eq!(fits(pattern, text), result, "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_that_fits_nothing_ends_soon() {
        let text = "a".repeat(4096);
        assert!(!fits(&"a*".repeat(200).replace("a*a*", "a*aa*b"), &text));
    }

    #[test]
    fn only_an_absent_list_lets_everybody_in() {
        assert!(allows(None, "ann"));
        assert!(!allows(Some(&[]), "ann"));
        assert!(allows(Some(&["bob".into(), "a*".into()]), "ann"));
    }
}
