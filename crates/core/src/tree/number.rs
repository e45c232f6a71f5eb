//! Numbers as text: the grammar of RFC 8259, and exact comparison by decimal value.
//!
//! Nothing here goes through a float, so 20-digit integers, `1e400` and `1.0000000000000000000001` keep their value.

use std::cmp::Ordering;

/// Whether `text` is a number in the grammar of RFC 8259, section 6.
#[must_use]
pub fn is_number(text: &str) -> bool {
    scan(text.as_bytes()) == Some(text.len())
}

/// Length of the number at the start of `bytes`, if there is one.
#[must_use]
pub fn scan(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        _ => return None,
    }
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(at)
}

/// A number by its exact decimal value: `0.digits` times ten to the `exponent`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    // Without leading or trailing zeros; empty is zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// The value of a number in the grammar of RFC 8259; `None` for other text.
    ///
    /// Exponents beyond 64 bits are held at the limit: such numbers compare by sign alone.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_number(text) {
            return None;
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(at) => (&rest[..at], clamp(&rest[at + 1..])),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let leading = all.iter().take_while(|digit| **digit == b'0').count();
        let trailing = all[leading..].iter().rev().take_while(|digit| **digit == b'0').count();
        let digits = all[leading..all.len() - trailing].to_vec();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = exponent.saturating_add(whole.len() as i64).saturating_sub(leading as i64);
        Some(Self { negative, digits, exponent })
    }

    /// The value in its shortest form: `100`, `-0.05`, `1.5`. Very large and very small numbers are written as by
    /// [`Display`](std::fmt::Display). Equal values have the same text.
    #[must_use]
    pub fn plain(&self) -> String {
        // More zeros than this are not written out.
        const ZEROS: i64 = 24;
        let length = self.digits.len() as i64;
        if self.digits.is_empty() || self.exponent < -ZEROS || self.exponent > length + ZEROS {
            return self.to_string();
        }
        let digits: String = self.digits.iter().map(|digit| char::from(*digit)).collect();
        let sign = if self.negative { "-" } else { "" };
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        if self.exponent <= 0 {
            format!("{sign}0.{}{digits}", zeros(-self.exponent))
        } else if self.exponent >= length {
            format!("{sign}{digits}{}", zeros(self.exponent - length))
        } else {
            let (whole, fraction) = digits.split_at(self.exponent as usize);
            format!("{sign}{whole}.{fraction}")
        }
    }

    /// Whether the value has no fraction.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        self.digits.is_empty() || self.exponent >= self.digits.len() as i64
    }
}

/// As `-0.12e3`: equal values have the same text.
impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let digits: String = self.digits.iter().map(|digit| char::from(*digit)).collect();
        if digits.is_empty() { f.write_str("0") } else { write!(f, "{sign}0.{digits}e{}", self.exponent) }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| {
            if number.digits.is_empty() {
                0
            } else if number.negative {
                -1
            } else {
                1
            }
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let size = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { size.reverse() } else { size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn clamp(exponent: &str) -> i64 {
    exponent.parse().unwrap_or(if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 })
}

/// Whether two numbers have the same decimal value.
#[must_use]
pub fn equal(left: &str, right: &str) -> bool {
    left == right || (Decimal::parse(left).is_some() && Decimal::parse(left) == Decimal::parse(right))
}

/// Whether a number in the grammar of RFC 8259 has an integer value: `1.0` and `1e2` do.
#[must_use]
pub fn is_integer(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') || Decimal::parse(text).is_some_and(|number| number.is_integer())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        for good in ["0", "-0", "10", "1.0", "1e5", "1E+5", "-0.5e-3", "12345678901234567890123"] {
            assert!(is_number(good), "{good}");
        }
        for bad in ["", "-", "01", "+1", "1.", ".5", "1e", "1e+", "0x1F", "NaN", " 1", "1 ", "--1"] {
            assert!(!is_number(bad), "{bad}");
        }
    }

    #[test]
    fn values() {
        for (left, right) in [("1", "1.0"), ("100", "1e2"), ("-0", "0"), ("0.10", "1e-1"), ("1e400", "10e399")] {
            assert!(equal(left, right), "{left} {right}");
        }
        for (small, big) in [("-2", "-1"), ("9", "10"), ("1e399", "1e400"), ("0.9", "1"), ("-1", "0"), ("1", "1.0000000000000000000001")] {
            assert!(Decimal::parse(small) < Decimal::parse(big), "{small} {big}");
        }
        let text = |number: &str| Decimal::parse(number).map(|number| number.to_string());
        assert_eq!(text("-1200"), text("-1.2e3"));
        assert_eq!((text("-120").as_deref(), text("-0.0").as_deref()), (Some("-0.12e3"), Some("0")));
        assert!(is_integer("1e400") && is_integer("10.0") && !is_integer("1.0000000000000000000001") && !is_integer("1e-1"));
    }
}
