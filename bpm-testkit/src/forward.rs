//! Stores around others, which are of interest at a few calls only.

// What the macro names.
#[doc(hidden)]
pub use bpm_core::clock::Timestamp;
#[doc(hidden)]
pub use bpm_core::ids::{IncidentId, InstanceId, UserTaskId};
#[doc(hidden)]
pub use bpm_core::store::{
    BaseRow, DefinitionRow, Error, HistoryRow, IncidentRow, InstanceFilter, InstanceRow, Started,
    Store, UserTaskFilter, UserTaskRow,
};

/// The calls of a [`Store`](bpm_core::store::Store) that a store around another one passes on,
/// inside of its `impl`: all but `commit`, `load`, `timers` and `close`. What is given for the
/// other store may return an error from the call.
///
/// ```
/// use bpm_core::ids::InstanceId;
/// use bpm_core::store::{Batch, Error, Memory, Store, Stored, TimerRow, Verdict};
///
/// struct Around(Memory);
///
/// impl Store for Around {
///     fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
///         println!("{} turns", batch.turns.len());
///         self.0.commit(batch)
///     }
///
///     fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error> {
///         self.0.load(instance)
///     }
///
///     fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error> {
///         self.0.timers(after, limit)
///     }
///
///     fn close(&self) -> Result<(), Error> {
///         self.0.close()
///     }
///
///     bpm_testkit::forward_calls!(self => &self.0);
/// }
/// ```
#[macro_export]
macro_rules! forward_calls {
    ($this:ident => $below:expr) => {
        $crate::__forward! { $this => $below;
            active(
                after: Option<$crate::forward::InstanceId>, limit: usize
            ) -> Vec<$crate::forward::InstanceId>;
            instances(
                filter: &$crate::forward::InstanceFilter
            ) -> Vec<$crate::forward::InstanceRow>;
            instance(instance: $crate::forward::InstanceId) -> Option<$crate::forward::InstanceRow>;
            started(process: &str, key: &str) -> Option<$crate::forward::Started>;
            history(
                instance: $crate::forward::InstanceId, after: u64, limit: usize
            ) -> Vec<$crate::forward::HistoryRow>;
            base(instance: $crate::forward::InstanceId) -> Option<$crate::forward::BaseRow>;
            user_tasks(
                filter: &$crate::forward::UserTaskFilter
            ) -> Vec<$crate::forward::UserTaskRow>;
            user_task(task: $crate::forward::UserTaskId) -> Option<$crate::forward::UserTaskRow>;
            incident(incident: $crate::forward::IncidentId) -> Option<$crate::forward::IncidentRow>;
            incidents(limit: usize) -> Vec<$crate::forward::IncidentRow>;
            definitions() -> Vec<$crate::forward::DefinitionRow>;
            live(process: &str, version: u32) -> u64;
            put_definition(definition: &$crate::forward::DefinitionRow) -> ();
            latest() -> $crate::forward::Timestamp;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __forward {
    ($this:ident => $below:expr; $($call:ident($($name:ident: $type:ty),*) -> $gives:ty;)*) => {
        $crate::__forward! { @each [$this => $below] $($call [$($name: $type),*] -> $gives;)* }
    };
    (@each $to:tt) => {};
    (
        @each [$this:ident => $below:expr]
        $call:ident [$($name:ident: $type:ty),*] -> $gives:ty;
        $($rest:tt)*
    ) => {
        fn $call(&$this, $($name: $type),*) -> Result<$gives, $crate::forward::Error> {
            $crate::forward::Store::$call(&*$below, $($name),*)
        }
        $crate::__forward! { @each [$this => $below] $($rest)* }
    };
}
