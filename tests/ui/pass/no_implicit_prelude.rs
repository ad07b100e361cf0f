#![no_implicit_prelude]
#![deny(warnings)]

mod std {}
mod core {}
mod serde {}
mod bpm_core {}

use ::bpm_engine::workflow;

#[allow(unused_macros)]
macro_rules! format {
    () => {};
}

#[::bpm_engine::service_task]
pub async fn tell(who: &str, __cx: u32) -> u32 {
    who.len() as u32 + __cx
}

workflow! {
    pub process P(order: u32, __vars: u32, __cx: u32) -> u32 {
        let __node = order + __vars;
        let answer: u32 = user ask { order, __cx };
        for item in [answer] { let __node = __node + item; }
        match answer {
            3 => { let said = service tell("x", __cx); let __never = said; }
            other => { let __never = other; }
        }
        parallel { a: { let b = 1_u32; } c: { let d = 2_u32; } }
        if "b == 1" { return __never; }
        return __node + b + d;
    }
}

fn main() {}
