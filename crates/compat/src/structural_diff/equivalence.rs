//! Whether two subschemas ask for the same, and which of two lists belong together.

use std::collections::HashSet;

use super::{DiffWalk, OLD_FORMATS};
use crate::schema_view::{Role, SchemaView, SubschemaForm};
use chancery_core::tree::{Kind, Node};
use chancery_schema::registry::{At, SchemaRegistry};

impl<'s> DiffWalk<'s> {
    // Whether two subschemas ask for the same in the same way, wording apart or not. References are followed; those that come
    // back to a pair that is being looked at are the same as long as nothing else is found.
    pub(super) fn same(&self, old: Option<At>, new: Option<At>, wording: bool, assumed: &mut HashSet<(At, At)>) -> bool {
        let (Some(o), Some(n)) = (old, new) else {
            return self.old.is_any(old) && self.new.is_any(new) && !wording || old.is_none() && new.is_none();
        };
        if !assumed.insert((o, n)) {
            return true;
        }
        let (one, other) = (self.old.node(o), self.new.node(n));
        if one.kind() != Kind::Object || other.kind() != Kind::Object {
            return one.same(other);
        }
        let counts = |role: Role| match role {
            Role::Asserts(_) | Role::Extension => true,
            Role::Wording => wording,
            Role::Structure => false,
        };
        let names = |side: SchemaView<'s>, at: At, node: Node<'s>| {
            let mut names: Vec<&str> = node.members().map(|member| member.key.text()).filter(|name| counts(side.role(at, name))).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let own = names(self.old, o, one);
        if own != names(self.new, n, other) {
            return false;
        }
        own.iter().all(|name| {
            let (role, their_role) = (self.old.role(o, name), self.new.role(n, name));
            let (Some(a), Some(b)) = (one.get(name), other.get(name)) else { return false };
            let (sub_a, sub_b) = (Some(SchemaRegistry::relative_to(o, a)), Some(SchemaRegistry::relative_to(n, b)));
            role == their_role
                && match role {
                    _ if *name == "format" && self.drafts_differ((old, new)) => OLD_FORMATS.contains(&a.text()) && a.same(b),
                    Role::Asserts(SubschemaForm::One) => self.same(sub_a, sub_b, wording, assumed),
                    Role::Asserts(SubschemaForm::OneOrList) if a.kind() != Kind::Array => self.same(sub_a, sub_b, wording, assumed),
                    Role::Asserts(SubschemaForm::Listed | SubschemaForm::OneOrList) => {
                        a.len() == b.len()
                            && a.items().zip(b.items()).all(|(a, b)| {
                                self.same(
                                    Some(SchemaRegistry::relative_to(o, a)),
                                    Some(SchemaRegistry::relative_to(n, b)),
                                    wording,
                                    assumed,
                                )
                            })
                    }
                    Role::Asserts(SubschemaForm::Named | SubschemaForm::NamedOrNames) => {
                        let covered = b.members().all(|member| a.get(member.key.text()).is_some());
                        covered
                            && a.members().all(|member| {
                                b.get(member.key.text()).is_some_and(|theirs| match (member.value.kind(), theirs.kind()) {
                                    (Kind::Array, Kind::Array) => member.value.same(theirs),
                                    (Kind::Array, _) | (_, Kind::Array) => false,
                                    _ => self.same(
                                        Some(SchemaRegistry::relative_to(o, member.value)),
                                        Some(SchemaRegistry::relative_to(n, theirs)),
                                        wording,
                                        assumed,
                                    ),
                                })
                            })
                    }
                    Role::Asserts(SubschemaForm::Reference) => {
                        // Where several leads are possible, the same text in the same place is taken for the same.
                        let (a, b) = (self.old.reference_target(Some(o)), self.new.reference_target(Some(n)));
                        self.old.unknown_keyword(o) == self.new.unknown_keyword(n)
                            && a.len() == b.len()
                            && a.into_iter().zip(b).all(|(a, b)| self.same(Some(a), Some(b), wording, assumed))
                    }
                    _ => a.same(b),
                }
        })
    }

    pub(super) fn alike(&self, old: At, new: At) -> bool {
        self.same(self.old.followed(Some(old)), self.new.followed(Some(new)), false, &mut HashSet::new())
    }

    // Subschemas of two lists that belong together: those that are the same first (they need no look), then in order.
    pub(super) fn matched(&self, old: &[At], new: &[At]) -> (Vec<(At, At)>, Vec<At>, Vec<At>) {
        let mut come = new.to_vec();
        let mut gone = Vec::new();
        let mut pairs = Vec::new();
        for was in old {
            match come.iter().position(|is| self.alike(*was, *is)) {
                Some(at) => pairs.push((*was, come.remove(at))),
                None => gone.push(*was),
            }
        }
        let both = gone.len().min(come.len());
        pairs.extend(gone.drain(..both).zip(come.drain(..both)));
        (pairs, gone, come)
    }

    pub(super) fn drafts_differ(&self, subs: (Option<At>, Option<At>)) -> bool {
        self.old.draft_of(subs.0) != self.new.draft_of(subs.1)
    }
}
