//! Power cuts and failing disks for the SQLite store.
//!
//! A [disk] in memory keeps, for each file, what is durable and what was changed since the
//! last flush. SQLite uses it through a [file system](vfs) of its own, so that the whole store is
//! what it is in use. [`commits`] cuts the power while turns are committed, [`runs`] while a whole
//! engine works; what was acknowledged is noted outside of the disk and looked for in what the cut
//! left.
//!
//! ```text
//!   turns ─► store ─► SQLite ─► vfs ─► disk ──cut──► image ─► disk ─► store ─► compared
//!     ╰──────────── acknowledged ───────────────────────────────────────────────╯
//! ```
//!
//! Nothing that is published depends on this crate. It is the one with unsafe code, and that is in
//! [`vfs`] alone. The order of a single writer's calls is the same for the same seed; an engine's
//! threads are not, so that such a seed shows its failure again often but not always.

pub mod commits;
pub mod disk;
pub mod runs;
pub mod trial;
pub mod vfs;
