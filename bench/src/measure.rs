//! Time, on the wall and of this process's processors; and this process's memory.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Failed;

/// A measurement that has begun.
pub(crate) struct Stopwatch {
    began: Instant,
    cpu_before: Duration,
}

/// How long something took.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// All threads of the process, in the program and in the kernel.
    pub(crate) cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), cpu_before: cpu() }
    }

    pub(crate) fn stop(self) -> Took {
        Took { wall: self.began.elapsed(), cpu: cpu().saturating_sub(self.cpu_before) }
    }
}

/// The resident memory of this process in bytes, as Linux says it.
pub(crate) fn resident() -> Result<u64, Failed> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes.ok_or("the resident memory is not known here")?.parse()?;
    Ok(kilobytes * 1_024)
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
