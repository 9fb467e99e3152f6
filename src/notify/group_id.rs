//! The name by which a provider knows a group again: Alertmanager's, the SHA-256 of its group key in hexadecimal.

use ring::digest::{SHA256, digest};

use crate::alerts::notification::Notification;

pub fn of(notification: &Notification) -> String {
    hex(digest(&SHA256, notification.group_key.as_bytes()).as_ref())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
