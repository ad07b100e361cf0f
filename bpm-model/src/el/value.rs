//! What an expression computes with. Equality and order are CEL's: numbers of the three types
//! compare by their exact value, NaN equals nothing, values of other different types are unequal.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Type;

/// A value: of a variable, of a literal, of an expression.
///
/// `==` is CEL's, so `Value::Int(1) == Value::Double(1.0)`, and a NaN is not equal to itself.
/// With the feature `serde` a value is written with its type, as `{"uint":1}`, because plain JSON
/// does not tell the number types apart.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer: `-5`.
    Int(i64),
    /// An unsigned integer: `5u`.
    Uint(u64),
    /// A floating-point number: `5.0`.
    Double(f64),
    /// A text: `"five"`. Its length and its order go by code points.
    String(Arc<str>),
    /// A list; its elements may be of different types.
    List(Vec<Value>),
    /// A map from names to values: what a JSON object is.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The type of the value, never [`Type::Any`].
    pub fn type_of(&self) -> Type {
        match self {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Uint(_) => Type::Uint,
            Value::Double(_) => Type::Double,
            Value::String(_) => Type::String,
            Value::List(_) => Type::List,
            Value::Map(_) => Type::Map,
        }
    }
}

/// What is left of [`MAX_COST`](super::MAX_COST) in one evaluation.
pub(super) struct Budget {
    left: Cell<u64>,
}

/// The budget is spent.
#[derive(Debug)]
pub(super) struct Exhausted;

impl Budget {
    pub(super) fn new(cost: u64) -> Budget {
        Budget { left: Cell::new(cost) }
    }

    pub(super) fn spend(&self, cost: u64) -> Result<(), Exhausted> {
        let left = self.left.get().checked_sub(cost).ok_or(Exhausted)?;
        self.left.set(left);
        Ok(())
    }

    /// Spends what reading a text of this many bytes costs.
    pub(super) fn spend_text(&self, bytes: usize) -> Result<(), Exhausted> {
        self.spend(1 + bytes as u64 / 32)
    }
}

/// CEL's `==`. A work list, because values nest as deeply as their authors like.
pub(super) fn equal(left: &Value, right: &Value, budget: &Budget) -> Result<bool, Exhausted> {
    let mut pairs = Vec::new();
    let mut next = Some((left, right));
    while let Some((left, right)) = next {
        budget.spend(1)?;
        match (left, right) {
            (Value::List(left), Value::List(right)) if left.len() == right.len() => {
                pairs.extend(left.iter().zip(right));
            }
            (Value::Map(left), Value::Map(right)) if left.keys().eq(right.keys()) => {
                budget.spend(left.len() as u64)?;
                pairs.extend(left.values().zip(right.values()));
            }
            (left, right) if !equal_scalars(left, right, budget)? => return Ok(false),
            _ => {}
        }
        next = pairs.pop();
    }
    Ok(true)
}

fn equal_scalars(left: &Value, right: &Value, budget: &Budget) -> Result<bool, Exhausted> {
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::String(left), Value::String(right)) => {
            budget.spend_text(left.len().min(right.len()))?;
            left == right
        }
        _ => compare_numbers(left, right) == Some(Some(Ordering::Equal)),
    })
}

/// The order of two values: `None` where CEL knows none, `Some(None)` where a NaN is involved.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(Some(left.cmp(right))),
        // UTF-8 sorts bytewise as its code points do
        (Value::String(left), Value::String(right)) => Some(Some(left.cmp(right))),
        _ => compare_numbers(left, right),
    }
}

fn compare_numbers(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    Some(match (Number::of(left)?, Number::of(right)?) {
        (Number::Whole(left), Number::Whole(right)) => Some(left.cmp(&right)),
        (Number::Double(left), Number::Double(right)) => left.partial_cmp(&right),
        (Number::Whole(left), Number::Double(right)) => compare_exactly(left, right),
        (Number::Double(left), Number::Whole(right)) => {
            compare_exactly(right, left).map(Ordering::reverse)
        }
    })
}

/// An `i64` or `u64` against a double on the number line; converting the integer to a double
/// would round it, and make neighbours equal.
fn compare_exactly(whole: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    // saturates far outside of what a 64-bit integer holds, infinities included
    let truncated = double.trunc() as i128;
    Some(whole.cmp(&truncated).then_with(|| 0.0_f64.total_cmp(&(double.fract() + 0.0))))
}

enum Number {
    Whole(i128),
    Double(f64),
}

impl Number {
    fn of(value: &Value) -> Option<Number> {
        match *value {
            Value::Int(int) => Some(Number::Whole(int.into())),
            Value::Uint(uint) => Some(Number::Whole(uint.into())),
            Value::Double(double) => Some(Number::Double(double)),
            _ => None,
        }
    }
}

/// Makes a value owned; the copy of a borrowed one is paid for, element by element.
pub(super) fn own(value: Cow<'_, Value>, budget: &Budget) -> Result<Value, Exhausted> {
    if let Cow::Borrowed(value @ (Value::List(_) | Value::Map(_))) = value {
        let mut rest = vec![value];
        while let Some(value) = rest.pop() {
            budget.spend(1)?;
            match value {
                Value::List(elements) => rest.extend(elements),
                Value::Map(entries) => {
                    budget.spend(entries.len() as u64)?;
                    rest.extend(entries.values());
                }
                _ => {}
            }
        }
    }
    Ok(value.into_owned())
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        equal(self, other, &Budget::new(u64::MAX)).is_ok_and(|equal| equal)
    }
}

/// As a literal of the language where there is one; a map as `{"name": value}`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(bool) => write!(f, "{bool}"),
            Value::Int(int) => write!(f, "{int}"),
            Value::Uint(uint) => write!(f, "{uint}u"),
            Value::Double(double) => write!(f, "{double:?}"),
            Value::String(string) => write!(f, "{string:?}"),
            Value::List(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(entries) => {
                f.write_str("{")?;
                for (index, (name, value)) in entries.iter().enumerate() {
                    write!(f, "{}{name:?}: {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

macro_rules! from {
    ($($variant:ident: $type:ty),+) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(value.into())
            }
        }
    )+};
}

from! {
    Bool: bool, Int: i64, Int: i32, Uint: u64, Uint: u32, Double: f64,
    String: &str, String: String, String: Arc<str>,
    List: Vec<Value>, Map: BTreeMap<String, Value>
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_their_exact_value() {
        use Ordering::{Equal, Greater, Less};
        let cases: &[(Value, Value, Option<Ordering>)] = &[
            (1.into(), 1u32.into(), Some(Equal)),
            ((-1).into(), u64::MAX.into(), Some(Less)),
            (i64::MAX.into(), 9_223_372_036_854_775_808.0.into(), Some(Less)),
            (u64::MAX.into(), 18_446_744_073_709_551_616.0.into(), Some(Less)),
            (9_007_199_254_740_993_i64.into(), 9_007_199_254_740_992.0.into(), Some(Greater)),
            (1.into(), 1.5.into(), Some(Less)),
            ((-1).into(), (-1.5).into(), Some(Greater)),
            (0.into(), (-0.0).into(), Some(Equal)),
            (0.into(), (-0.5).into(), Some(Greater)),
            (0.into(), 0.5.into(), Some(Less)),
            (i64::MIN.into(), f64::NEG_INFINITY.into(), Some(Greater)),
            (u64::MAX.into(), f64::INFINITY.into(), Some(Less)),
            (1.into(), f64::NAN.into(), None),
            (f64::NAN.into(), f64::NAN.into(), None),
        ];
        for (left, right, expected) in cases {
            assert_eq!(compare(left, right), Some(*expected), "{left} and {right}");
            let reversed = expected.map(Ordering::reverse);
            assert_eq!(compare(right, left), Some(reversed), "{right} and {left}");
            assert_eq!(left == right, *expected == Some(Equal), "{left} == {right}");
        }
    }

    #[test]
    fn deeply_nested_values_are_compared_without_recursion() {
        let deep = || (0..20_000).fold(Value::Null, |inner, _| Value::List(vec![inner]));
        let (left, right) = (deep(), deep());
        assert!(left == right);
        // dropping such a value recurses in Rust itself
        std::mem::forget((left, right));
    }
}
