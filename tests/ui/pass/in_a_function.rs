#![deny(warnings)]

use bpm_engine::prelude::*;

fn main() {
    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Local {
        n: u32,
    }

    #[service_task]
    async fn twice(local: Local) -> u32 {
        local.n * 2
    }

    workflow! {
        process Inner(n: u32) -> u32 {
            let local = Local { n };
            let doubled = service twice(local);
            return doubled;
        }
    }

    let _ = Inner { n: 3 };
    assert_eq!(Inner::definition().name(), "Inner");
}
