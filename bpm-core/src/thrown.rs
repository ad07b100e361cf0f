//! Errors of attempts as values: what the patterns of boundary events are matched against, and what
//! is told of an error that a pattern takes apart.

use std::any::Any;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

use crate::task::TaskError;

/// The type of the error of a service task, for a boundary event of it.
#[doc(hidden)]
pub struct Thrown<E>(PhantomData<fn() -> E>);

impl<E> Clone for Thrown<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Thrown<E> {}

impl<E> Thrown<E> {
    #[expect(clippy::new_without_default, reason = "it stands for a type that rustc infers")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// An error that an attempt ended with: still what the task's function returned.
pub(crate) struct Raised {
    /// The error of the task's own type.
    pub(crate) value: Box<dyn Any + Send>,
    convert: fn(Box<dyn Any + Send>) -> TaskError,
}

impl Raised {
    pub(crate) fn new<E: Into<TaskError> + Send + 'static>(error: E) -> Self {
        Self { value: Box::new(error), convert: convert::<E> }
    }

    /// The same error with its value as it came back from a boundary event.
    pub(crate) fn with(self, value: Box<dyn Any + Send>) -> Self {
        Self { value, ..self }
    }
}

impl From<Raised> for TaskError {
    fn from(raised: Raised) -> Self {
        (raised.convert)(raised.value)
    }
}

fn convert<E: Into<TaskError> + 'static>(value: Box<dyn Any + Send>) -> TaskError {
    match value.downcast::<E>() {
        Ok(error) => (*error).into(),
        Err(_) => unreachable!("an error is kept with its own type"),
    }
}

/// What can be told of an error before a pattern takes it apart: its text and those of its causes.
/// Picked by rustc from what the error's type implements, the most telling first.
#[doc(hidden)]
pub struct Told<'a, E>(pub &'a E);

#[doc(hidden)]
pub trait ToldAsTaskError {
    fn told(&self) -> Vec<String>;
}

impl ToldAsTaskError for &&&&Told<'_, TaskError> {
    fn told(&self) -> Vec<String> {
        self.0.chain()
    }
}

#[doc(hidden)]
pub trait ToldAsError {
    fn told(&self) -> Vec<String>;
}

impl<E: std::error::Error + 'static> ToldAsError for &&&Told<'_, E> {
    fn told(&self) -> Vec<String> {
        chain(self.0)
    }
}

#[doc(hidden)]
pub trait ToldAsDisplay {
    fn told(&self) -> Vec<String>;
}

impl<E: Display> ToldAsDisplay for &&Told<'_, E> {
    fn told(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }
}

#[doc(hidden)]
pub trait ToldAsDebug {
    fn told(&self) -> Vec<String>;
}

impl<E: Debug> ToldAsDebug for &Told<'_, E> {
    fn told(&self) -> Vec<String> {
        vec![format!("{:?}", self.0)]
    }
}

#[doc(hidden)]
pub trait ToldAsNothing {
    fn told(&self) -> Vec<String>;
}

impl<E> ToldAsNothing for Told<'_, E> {
    fn told(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The texts of an error and of its causes, outermost first.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::needless_borrow, reason = "the borrows are what is tested")]
    fn an_error_tells_as_much_as_its_type_can() {
        #[derive(Debug)]
        struct Inner;
        struct Silent;
        assert_eq!((&&&&&Told(&TaskError::permanent("broke"))).told(), ["broke"]);
        assert_eq!((&&&&&Told(&std::fmt::Error)).told(), [std::fmt::Error.to_string()]);
        assert_eq!((&&&&&Told(&"text".to_owned())).told(), ["text"]);
        assert_eq!((&&&&&Told(&Inner)).told(), ["Inner"]);
        assert!((&&&&&Told(&Silent)).told().is_empty());
    }
}
