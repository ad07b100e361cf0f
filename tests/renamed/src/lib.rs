//! A crate that knows bpm-engine as `flow`. That it compiles is the proof.

use flow::prelude::*;

/// Says how long a name is.
#[service_task]
pub async fn measure(name: &str) -> Result<u64, TaskError> {
    Ok(name.len() as u64)
}

workflow! {
    /// Measures a name and asks a person about it.
    pub process Measured(name: String) -> u64 {
        let length = service measure(&name);
        let fits: bool = user judge { length };
        if !fits { return 0; }
        return length;
    }
}
