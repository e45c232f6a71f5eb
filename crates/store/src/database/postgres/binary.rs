//! Rows in the binary format of COPY: a header, each row as its number of fields with the length of each before it, a trailer.
//!
//! Input: cells, and the types of their columns. Output: bytes that the server reads without parsing text: numbers of
//! any length by four decimal digits, dates and timestamps relative to the beginning of the year 2000.

use crate::relational::ColumnType;
use crate::relational::shred::CellValue;

/// The header: the signature, and no flags.
pub const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The trailer.
pub const END: &[u8] = &[0xff, 0xff];

/// Begins a row with this many fields.
pub fn row(fields: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(fields as i16).to_be_bytes());
}

/// A null field.
pub fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

/// A field of bytes, or of text.
pub fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as i32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A field of a 64-bit integer.
pub fn integer(number: i64, out: &mut Vec<u8>) {
    bytes(&number.to_be_bytes(), out);
}

// The server counts from the beginning of the year 2000, in days or microseconds.
const DAYS_TO_2000: i64 = 10_957;
const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// A field of a column.
pub fn cell(cell: &CellValue<'_>, holds: ColumnType, out: &mut Vec<u8>) {
    match cell {
        // Lists of scalars are JSON here.
        CellValue::Null | CellValue::List(_) => null(out),
        CellValue::Integer(number) => match holds {
            ColumnType::Date => bytes(&((number - DAYS_TO_2000) as i32).to_be_bytes(), out),
            ColumnType::Timestamp => integer(number - DAYS_TO_2000 * MICROSECONDS_A_DAY, out),
            _ => integer(*number, out),
        },
        CellValue::Real(number) => number_from(number.to_string().as_bytes(), out),
        CellValue::Boolean(flag) => bytes(&[u8::from(*flag)], out),
        CellValue::Text(text) => match holds {
            ColumnType::Number => number_from(text, out),
            _ => bytes(text, out),
        },
    }
}

// A JSON number as groups of four decimal digits: how many, the weight of the first, the sign, digits after the point.
fn number_from(text: &[u8], out: &mut Vec<u8>) {
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |text| (true, text));
    let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok().and_then(|exponent| exponent.parse::<i32>().ok()).unwrap_or(0)),
        None => (text, 0),
    };
    let whole = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let behind = digits.len().saturating_sub(whole + 1);
    let scale = (behind as i32 - exponent).max(0);
    let leading = digits.iter().take_while(|byte| matches!(byte, b'0' | b'.')).filter(|byte| **byte == b'0').count();
    let point = whole as i32 + exponent - leading as i32;
    let weight = (point - 1).div_euclid(4);
    let mut groups: Vec<i16> = Vec::with_capacity(digits.len() / 4 + 2);
    let first = (weight + 1) * 4 - point;
    for (place, digit) in (first..).zip(digits.iter().filter(|byte| byte.is_ascii_digit()).skip(leading)) {
        if place % 4 == 0 || groups.is_empty() {
            groups.push(0);
        }
        if let Some(group) = groups.last_mut() {
            *group += i16::from(digit - b'0') * [1000, 100, 10, 1][(place % 4) as usize];
        }
    }
    groups.truncate(groups.iter().rposition(|group| *group != 0).map_or(0, |last| last + 1));
    let is_zero = groups.is_empty();
    let (weight, sign) = if is_zero { (0, 0) } else { (weight as i16, if negative { 0x4000 } else { 0 }) };
    out.extend_from_slice(&(8 + 2 * groups.len() as i32).to_be_bytes());
    for part in [groups.len() as i16, weight, sign, scale as i16].iter().chain(&groups) {
        out.extend_from_slice(&part.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("0", "0 0 0 0"),
            ("-0.00", "0 0 0 2"),
            ("1", "1 0 0 0 1"),
            ("-1.50", "2 0 16384 2 1 5000"),
            ("10000", "1 1 0 0 1"),
            ("123456789", "3 2 0 0 1 2345 6789"),
            ("0.0001", "1 -1 0 4 1"),
            ("0.00001", "1 -2 0 5 1000"),
            ("1e20", "1 5 0 0 1"),
            ("1.5e-3", "1 -1 0 4 15"),
            ("1.50e1", "1 0 0 1 15"),
            ("00012", "1 0 0 0 12"),
        ] {
            let mut out = Vec::new();
            number_from(text.as_bytes(), &mut out);
            let parts: Vec<String> = out[4..].chunks(2).map(|part| i16::from_be_bytes([part[0], part[1]]).to_string()).collect();
            assert_eq!(parts.join(" "), expected, "{text}");
            assert_eq!(out.len(), 4 + i32::from_be_bytes([out[0], out[1], out[2], out[3]]) as usize);
        }
    }
}
