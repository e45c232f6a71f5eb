//! Decisions on suggested values, which a person takes and the next reading applies.

use std::collections::HashMap;

use serde::Deserialize;

/// What becomes of a suggested value.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is written.
    Accept,
    /// It is not written, and not suggested again.
    Reject,
    /// This value is written in its place.
    Edit(serde_json::Value),
}

/// Decisions by the keys of suggestions. A key depends on the sentence and the rule alone, so that it holds when the page is read
/// again, and not when the sentence has changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions(HashMap<String, Decision>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    key: String,
    decision: Verdict,
    #[serde(default)]
    value: Option<serde_json::Value>,
    // For people who read the file.
    #[serde(default, rename = "sentence")]
    _sentence: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Accept,
    Reject,
    Edit,
}

impl Decisions {
    /// The decisions of a list of objects with `key`, `decision` (`accept`, `reject`, `edit`) and `value`.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub fn parse(list: serde_json::Value) -> Result<Self, String> {
        let entries: Vec<Entry> = serde_json::from_value(list).map_err(|error| error.to_string())?;
        let mut decisions = HashMap::new();
        for entry in entries {
            let decision = match (entry.decision, entry.value) {
                (Verdict::Accept, None) => Decision::Accept,
                (Verdict::Reject, None) => Decision::Reject,
                (Verdict::Edit, Some(value)) => Decision::Edit(value),
                (Verdict::Edit, None) => return Err(format!("the decision {} is edit, but has no value", entry.key)),
                (_, Some(_)) => return Err(format!("the decision {} has a value, but is not edit", entry.key)),
            };
            if decisions.insert(entry.key.clone(), decision).is_some() {
                return Err(format!("there are two decisions {}", entry.key));
            }
        }
        Ok(Self(decisions))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Decision> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_decision_is_complete() {
        let parse = Decisions::parse;
        let found = parse(json!([{"key": "a", "decision": "accept"}, {"key": "b", "decision": "edit", "value": {"summary": "x"}}]));
        assert_eq!(found.as_ref().ok().and_then(|found| found.get("a")), Some(&Decision::Accept));
        assert_eq!(found.as_ref().ok().and_then(|found| found.get("b")), Some(&Decision::Edit(json!({"summary": "x"}))));
        assert!(parse(json!([{"key": "a", "decision": "edit"}])).is_err());
        assert!(parse(json!([{"key": "a", "decision": "accept", "value": 1}])).is_err());
        assert!(parse(json!([{"key": "a", "decision": "accept"}, {"key": "a", "decision": "reject"}])).is_err());
        assert!(parse(json!([{"key": "a", "decision": "maybe"}])).is_err());
    }
}
