//! Durations as people write them: a number and a unit.

/// The units, from the smallest one, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// The milliseconds of `500ms`, `30s`, `5m`, `2h`, `3d` or `1.5h`; nothing if the text is not of
/// this form, is no whole number of milliseconds, or is too large for one.
///
/// ```
/// use bpm_model::duration;
///
/// assert_eq!(duration::millis("1.5h"), Some(5_400_000));
/// assert_eq!(duration::millis("14 days"), None);
/// assert_eq!(duration::text(5_400_000), "90m");
/// ```
pub fn millis(text: &str) -> Option<u64> {
    let unit = text.find(|sign: char| sign.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let (_, scale) = UNITS.iter().find(|(word, _)| *word == unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole = digits(whole)?.checked_mul(*scale)?;
    let places = u32::try_from(fraction.bytes().filter(u8::is_ascii_digit).count()).ok()?;
    let parts = digits(fraction)?.checked_mul(*scale)?;
    let place = 10_u64.checked_pow(places)?;
    (parts % place == 0).then(|| whole.checked_add(parts / place))?
}

/// Digits, grouped by underscores as in Rust.
fn digits(text: &str) -> Option<u64> {
    let is_number = text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|sign| sign.is_ascii_digit() || sign == b'_');
    is_number.then(|| text.replace('_', "").parse().ok())?
}

/// A duration in the largest unit of which it is a whole number.
pub fn text(millis: u64) -> String {
    let fits = |(_, scale): &&(&str, u64)| millis.is_multiple_of(*scale);
    match UNITS.iter().rev().find(fits) {
        Some((unit, scale)) if millis > 0 => format!("{}{unit}", millis / scale),
        _ => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        let read = [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("2h", Some(7_200_000)),
            ("14d", Some(1_209_600_000)),
            ("1.5h", Some(5_400_000)),
            ("0.001s", Some(1)),
            ("1_000ms", Some(1_000)),
            ("0s", Some(0)),
            ("18446744073709551615ms", Some(u64::MAX)),
            ("18446744073709551616ms", None),
            ("1000000000000d", None),
            ("0.0005s", None),
            ("1.5", None),
            ("14 d", None),
            ("-1s", None),
            ("1h30m", None),
            ("d", None),
            (".5s", None),
            ("5.s", None),
            ("1w", None),
            ("", None),
        ];
        for (text, expected) in read {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for millis in [0, 1, 999, 1_000, 90_000, 3_600_000, 1_209_600_000, u64::MAX] {
            assert_eq!(super::millis(&text(millis)), Some(millis));
        }
        assert_eq!(text(1_209_600_000), "14d");
        assert_eq!(text(36_000_000), "10h");
    }
}
