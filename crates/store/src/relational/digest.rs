//! A checksum of a record's content, by which an export notices that a stored record has changed.
//!
//! The order of members does not count; the text of numbers does, because it comes back as it was.

use sha2::{Digest, Sha256};

use chancery_core::tree::{Kind, Member, Node};

/// The checksum of a record.
#[must_use]
pub fn digest(record: Node<'_>) -> [u8; 16] {
    let mut form = Vec::new();
    write(record, &mut form);
    let sum: [u8; 32] = Sha256::digest(&form).into();
    sum.first_chunk().copied().unwrap_or_default()
}

// Each value says what it is and how long it is, so that no two different ones give the same bytes.
fn write(node: Node<'_>, form: &mut Vec<u8>) {
    match node.kind() {
        Kind::Null => form.push(b'n'),
        Kind::Bool => form.push(if node.text() == "true" { b't' } else { b'f' }),
        Kind::Number => text(b'd', node.text(), form),
        Kind::String => text(b's', node.text(), form),
        Kind::Array => {
            form.push(b'[');
            node.items().for_each(|item| write(item, form));
            form.push(b']');
        }
        Kind::Object => {
            let mut members: Vec<Member<'_>> = node.members().collect();
            // Stable: members of the same name keep their order.
            members.sort_by(|a, b| a.key.text().cmp(b.key.text()));
            form.push(b'{');
            for member in members {
                text(b'k', member.key.text(), form);
                write(member.value, form);
            }
            form.push(b'}');
        }
    }
}

fn text(kind: u8, text: &str, form: &mut Vec<u8>) {
    form.push(kind);
    form.extend_from_slice(&(text.len() as u64).to_le_bytes());
    form.extend_from_slice(text.as_bytes());
}
