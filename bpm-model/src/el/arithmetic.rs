//! Arithmetic on two numbers of one type, and negation. What an integer type cannot hold is an
//! error; doubles follow IEEE 754.

use std::ops::Range;

use super::tree::Operator;
use super::{Error, ErrorKind, Type, Value, types};

/// The result, or `None` where the operator is not defined for the operands.
pub(super) fn arithmetic(
    operator: Operator,
    left: &Value,
    right: &Value,
    at: &Range<usize>,
) -> Option<Result<Value, Error>> {
    Some(match (left, right) {
        (Value::Int(left), Value::Int(right)) => ints(operator, *left, *right)
            .map(Value::Int)
            .map_err(|fault| fault.error(operator, Type::Int, at)),
        (Value::Uint(left), Value::Uint(right)) => uints(operator, *left, *right)
            .map(Value::Uint)
            .map_err(|fault| fault.error(operator, Type::Uint, at)),
        (Value::Double(left), Value::Double(right)) => {
            Ok(Value::Double(doubles(operator, *left, *right)?))
        }
        _ => return None,
    })
}

/// The value, negated as often as there are signs.
pub(super) fn negate(of: &Value, times: usize, at: &Range<usize>) -> Result<Value, Error> {
    let odd = times % 2 == 1;
    match *of {
        // already the first minus overflows
        Value::Int(i64::MIN) => Err(Fault::Overflow.error(Operator::Subtract, Type::Int, at)),
        Value::Int(int) => Ok(Value::Int(if odd { -int } else { int })),
        Value::Double(double) => Ok(Value::Double(if odd { -double } else { double })),
        ref other => {
            let message = types::not_defined("-", other.type_of());
            Err(Error::new(ErrorKind::Mismatch, at.clone(), message))
        }
    }
}

/// Why integer arithmetic has no result.
enum Fault {
    Overflow,
    ByZero,
}

impl Fault {
    fn error(self, operator: Operator, of: Type, at: &Range<usize>) -> Error {
        let symbol = operator.symbol();
        match self {
            Fault::Overflow => {
                let message = format!("`{symbol}` overflows: the result does not fit {of}");
                Error::new(ErrorKind::Overflow, at.clone(), message)
            }
            Fault::ByZero => {
                let message = format!("`{symbol}` by zero: {of} has no such number");
                Error::new(ErrorKind::DivisionByZero, at.clone(), message)
            }
        }
    }
}

macro_rules! integers {
    ($name:ident, $type:ty) => {
        fn $name(operator: Operator, left: $type, right: $type) -> Result<$type, Fault> {
            let result = match operator {
                Operator::Add => left.checked_add(right),
                Operator::Subtract => left.checked_sub(right),
                Operator::Multiply => left.checked_mul(right),
                Operator::Divide | Operator::Remainder if right == 0 => return Err(Fault::ByZero),
                Operator::Divide => left.checked_div(right),
                Operator::Remainder => left.checked_rem(right),
                _ => unreachable!("only arithmetic comes here"),
            };
            result.ok_or(Fault::Overflow)
        }
    };
}

integers!(ints, i64);
integers!(uints, u64);

/// IEEE arithmetic: no overflow, and a division by zero is an infinity or a NaN.
fn doubles(operator: Operator, left: f64, right: f64) -> Option<f64> {
    match operator {
        Operator::Add => Some(left + right),
        Operator::Subtract => Some(left - right),
        Operator::Multiply => Some(left * right),
        Operator::Divide => Some(left / right),
        _ => None,
    }
}
