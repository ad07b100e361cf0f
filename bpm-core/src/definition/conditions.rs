//! The conditions on edges: expressions parsed once, values compared as the expression language
//! compares them.

use bpm_model::el::{Expression, Value};
use bpm_model::graph::{Condition, Graph, Origin, Text};

use crate::json::Json;
use crate::vars::Values;

/// The conditions of a graph, by edge.
pub(super) struct Conditions(Vec<Test>);

enum Test {
    /// Not for the engine to decide.
    None,
    Expression(Expression),
    Equals(Text, Value),
    /// A condition that cannot be read; the builder refuses it, a stored graph might hold it.
    Broken(String),
}

impl Conditions {
    pub(super) fn of(graph: &Graph) -> Self {
        Self(graph.edges.iter().map(|edge| test(&edge.condition)).collect())
    }

    pub(super) fn holds(
        &self,
        graph: &Graph,
        edge: usize,
        values: &Values,
    ) -> Result<bool, String> {
        match &self.0[edge] {
            Test::None => Ok(false),
            Test::Equals(variable, expected) => {
                Ok(read(graph, edge, values, variable).as_ref() == Some(expected))
            }
            Test::Expression(expression) => expression
                .evaluate_bool(&|name| read(graph, edge, values, name))
                .map_err(|error| undecided(expression, &error)),
            Test::Broken(why) => Err(why.clone()),
        }
    }
}

fn test(condition: &Condition) -> Test {
    match condition {
        Condition::Always | Condition::Code | Condition::Default | Condition::Boundary => {
            Test::None
        }
        Condition::Expression(source) => match Expression::parse(source) {
            Ok(expression) => Test::Expression(expression),
            Err(error) => Test::Broken(format!(
                "the expression `{source}` cannot be read: {error}\n{}",
                error.caret(source)
            )),
        },
        Condition::VariableEq(variable, json) => match serde_json::from_str(json) {
            Ok(value) => Test::Equals(variable.clone(), any(&value)),
            Err(error) => {
                Test::Broken(format!("the value `{json}` of `{variable}` is not JSON: {error}"))
            }
        },
    }
}

fn undecided(expression: &Expression, error: &bpm_model::el::Error) -> String {
    let source = expression.source();
    format!("the expression `{source}` cannot be decided: {error}\n{}", error.caret(source))
}

/// The value of a variable by the name that the expression on `edge` uses.
fn read(graph: &Graph, edge: usize, values: &Values, name: &str) -> Option<Value> {
    if graph.origin == Origin::Built {
        return values.get(name).and_then(|json| decode(json, ""));
    }
    let reads = graph.nodes[graph.edges[edge].from].reads.iter();
    let mut variables = reads.map(|&variable| &graph.variables[variable]);
    let variable = variables.find(|variable| variable.name == name)?;
    values.get(&variable.key).and_then(|json| decode(json, &variable.ty))
}

fn decode(json: &Json, ty: &str) -> Option<Value> {
    json.decode::<serde_json::Value>().ok().map(|value| typed(&value, ty))
}

/// A number whose variable has a written type is of that type; any other value speaks for itself.
fn typed(value: &serde_json::Value, ty: &str) -> Value {
    match (value, ty) {
        (serde_json::Value::Number(number), "u8" | "u16" | "u32" | "u64" | "usize") => {
            number.as_u64().map_or_else(|| any(value), Value::Uint)
        }
        (serde_json::Value::Number(number), "f32" | "f64") => {
            number.as_f64().map_or_else(|| any(value), Value::Double)
        }
        _ => any(value),
    }
}

/// A JSON value as it stands: a number is an int if it fits, else a uint if it fits, else a
/// double.
fn any(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or_else(|| number.as_u64().map(Value::Uint))
            .unwrap_or_else(|| Value::Double(number.as_f64().unwrap_or(f64::NAN))),
        serde_json::Value::String(text) => Value::String(text.as_str().into()),
        serde_json::Value::Array(items) => Value::List(items.iter().map(any).collect()),
        serde_json::Value::Object(fields) => Value::Map(
            fields.iter().map(|(name, value)| (name.as_str().into(), any(value))).collect(),
        ),
    }
}
