//! Every bound of the engine, by name.

use std::time::Duration;

/// The bounds of an engine. Reaching one gives backpressure or an error that names it.
///
/// ```
/// use bpm_core::engine::EngineOptions;
///
/// let options = EngineOptions { workers: 8, ..Default::default() };
/// assert_eq!(options.turns_per_commit, 4_096);
/// ```
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Attempts in flight at once; what is due beyond that waits. 64.
    pub workers: usize,
    /// Threads of the runtime on which tasks run. 4 or the number of cores, whichever is more.
    pub task_threads: usize,
    /// How long attempts that were told to stop are awaited before they are dropped. 30 s.
    pub grace: Duration,
    /// Calls that wait for the dispatcher; further callers wait for a place. 16,384.
    pub dispatcher_calls: usize,
    /// Turns in one commit. 4,096.
    pub turns_per_commit: usize,
    /// Nodes that one turn executes before the instance lets others go first. 1,000.
    pub moves_per_turn: usize,
    /// Instances at rest that are kept in memory. 1,024.
    pub cached_instances: usize,
    /// Tokens of one instance; a fork beyond that is an incident. 10,000.
    pub tokens_per_instance: usize,
    /// Bytes of one value from outside as JSON: an input, a payload, a result. 10 MiB.
    pub payload_bytes: usize,
    /// Turns after which an instance that stays active takes a snapshot. 1,000.
    pub snapshot_turns: u64,
    /// Turns that a slow watcher may be behind before it misses some. 8,192.
    pub watch_turns: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(4, usize::from);
        Self {
            workers: 64,
            task_threads: cores.max(4),
            grace: Duration::from_secs(30),
            dispatcher_calls: 16_384,
            turns_per_commit: 4_096,
            moves_per_turn: 1_000,
            cached_instances: 1_024,
            tokens_per_instance: 10_000,
            payload_bytes: 10 << 20,
            snapshot_turns: 1_000,
            watch_turns: 8_192,
        }
    }
}
