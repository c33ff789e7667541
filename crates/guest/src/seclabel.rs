//! Security labels: Xen's FLASK, and other models that are carried along.
//!
//! Whether a label is known to the running policy is the host's answer.

use crate::words::words;

/// A security label of a guest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seclabel {
    /// How the label is chosen.
    pub kind: Option<SeclabelType>,
    /// Security model: `flask` with Xen.
    pub model: Option<String>,
    /// Whether files of the guest are labelled.
    pub relabel: Option<bool>,
    /// The label.
    pub label: Option<String>,
    /// What a dynamic label is made from.
    pub base_label: Option<String>,
    /// Label of the guest's files, while it runs.
    pub image_label: Option<String>,
}

words! {
    /// How a label is chosen.
    SeclabelType { Dynamic = "dynamic", Static = "static", None = "none" }
}
