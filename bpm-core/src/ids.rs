//! Ids: UUIDs of version 7, so that they sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::event::TokenId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    /// Names an instance of a process.
    InstanceId
);
id!(
    /// Names an open or closed user task.
    UserTaskId
);
id!(
    /// Names an incident.
    IncidentId
);

macro_rules! derived {
    ($name:ident, $salt:literal) => {
        impl $name {
            /// The id of what a token opens in a turn: a turn knows no randomness, and a token
            /// opens at most one thing a turn.
            pub(crate) fn derive(
                instance: InstanceId,
                seq: u64,
                token: TokenId,
                now: Timestamp,
            ) -> Self {
                Self(derive(instance, seq, token, now, $salt))
            }
        }
    };
}

derived!(UserTaskId, 1);
derived!(IncidentId, 2);

/// A version 7 UUID of this time whose random bits come from what it names.
fn derive(instance: InstanceId, seq: u64, token: TokenId, now: Timestamp, salt: u64) -> Uuid {
    let (high, low) = instance.0.as_u64_pair();
    let mut bits = low ^ high.rotate_left(32);
    for part in [seq, token, salt] {
        bits = mix(bits ^ part);
    }
    let mut random = [0; 10];
    random[..8].copy_from_slice(&bits.to_be_bytes());
    random[8..].copy_from_slice(&mix(bits).to_be_bytes()[..2]);
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// The finalizer of SplitMix64: every bit of the input touches every bit of the output.
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl InstanceId {
    pub(crate) fn as_u64_pair(&self) -> (u64, u64) {
        self.0.as_u64_pair()
    }

    /// A new id, greater than every id this process made before.
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }
}
