//! What values are taken for where their source does not say: numbers or digits of an identifier, one item or a list.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::distinct::Distinct;
use super::names;
use super::statistics::{Member, Texts, Value};

/// Fewest numbers of one width that are identifiers, whatever their member is called.
const FEWEST_OF_WIDTH: u64 = 8;

/// More digits than a number with a meaning has: beyond it, a 64-bit float is no longer exact.
pub(super) const MOST_DIGITS: usize = 15;

/// The order of members in the data: by their mean position, then by name.
pub(super) fn data_order(a: &Member, b: &Member) -> Ordering {
    let mean = |position: u64, count: u64| u128::from(position) * u128::from(count);
    mean(a.position, b.count).cmp(&mean(b.position, a.count)).then_with(|| a.name.cmp(&b.name))
}

/// The values with the types that they are to have: digits that are identifiers become texts, and what one element alone
/// shows to be a list is one everywhere.
pub(super) fn settled<'v>(value: &'v Value, name: &str) -> Cow<'v, Value> {
    let mut settled = Cow::Borrowed(value);
    if let Some(guessed) = &value.guessed {
        let numbers = value.integers + value.numbers;
        let booleans = if value.elements { value.booleans } else { 0 };
        // Where others wrote a type, it is kept.
        let is_free = guessed.count == numbers + booleans;
        // Other texts among numbers make all of them texts, unless they are words for a missing number.
        let others = value.texts.as_ref().is_some_and(|texts| texts.has_digit || 10 * texts.count > guessed.count);
        let mixed = others || value.elements && (value.strings > 0 || booleans > 0 && numbers > 0);
        if is_free && (mixed || is_identifier(value, guessed, name)) {
            let own = settled.to_mut();
            own.strings += guessed.count;
            (own.integers, own.numbers) = (0, 0);
            own.booleans -= booleans;
            own.range = None;
            let texts = own.texts.get_or_insert_default();
            texts.join(guessed);
        }
    }
    if value.elements && !value.others && value.arrays > 0 && value.scalars() + value.objects > 0 {
        let mut one = settled.into_owned();
        let (arrays, items, lengths) = (one.arrays, one.items.take(), one.lengths.take());
        let mut all =
            Value { arrays: arrays + one.scalars() + one.objects, elements: true, examples: one.examples.clone(), ..Value::default() };
        all.lengths = lengths.map(|(least, most)| (least.min(1), most.max(1)));
        let mut joined = items.map(|items| *items).unwrap_or_default();
        one.arrays = 0;
        joined.join(one, u8::MAX);
        all.items = Some(Box::new(joined));
        return Cow::Owned(all);
    }
    settled
}

fn is_identifier(value: &Value, guessed: &Texts, name: &str) -> bool {
    if value.numbers > 0 || !guessed.all_digits {
        return false;
    }
    let is_one_width = guessed.shortest == guessed.longest && guessed.longest >= 4;
    guessed.longest > MOST_DIGITS
        || guessed.leading_zero
        || is_one_width && !are_years(value) && (guessed.count >= FEWEST_OF_WIDTH || names::names_digits(name))
}

// Whether all numbers are years of our time.
fn are_years(value: &Value) -> bool {
    match &value.distinct {
        Distinct::Few(texts) => texts.keys().all(|text| text.parse().is_ok_and(|year: u32| (1500..2200).contains(&year))),
        // There are not as many years.
        Distinct::Many(_) => false,
    }
}
