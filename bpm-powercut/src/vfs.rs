//! SQLite's file system, on disks in memory: the one place with unsafe code.
//!
//! There is one VFS for all disks; the first part of a path says which disk is meant. It claims
//! [`SQLITE_IOCAP_POWERSAFE_OVERWRITE`] and nothing else: with more SQLite leaves out flushes.
//! As the VFS of Unix does, the first flush of a log or journal flushes its folder too.
#![allow(unsafe_code, reason = "the one place that has any")]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::ffi::*;

use crate::disk::{Disk, Trouble};

mod shared;

use shared::{Own, Shared, Shares};

/// The name under which SQLite knows the file system.
pub const VFS: &str = "bpm-powercut";

const NAME: &CStr = c"bpm-powercut";
const PATH_BYTES: usize = 256;
/// The day 1970-01-01 in milliseconds of the Julian calendar.
const EPOCH_MS: i64 = 210_866_760_000_000;

static DISKS: Mutex<BTreeMap<u64, Arc<Place>>> = Mutex::new(BTreeMap::new());
static NUMBERS: AtomicU64 = AtomicU64::new(1);
static REGISTERED: Once = Once::new();

/// A disk, and what connections to its files share.
struct Place {
    disk: Arc<Disk>,
    shares: Mutex<Shares>,
}

/// A disk that SQLite can open files on, as long as this lives.
pub struct Mount {
    number: u64,
    /// The disk.
    pub disk: Arc<Disk>,
}

impl Mount {
    /// Makes a disk known to SQLite.
    pub fn new(disk: Arc<Disk>) -> Self {
        REGISTERED.call_once(register);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let place = Place { disk: Arc::clone(&disk), shares: Mutex::default() };
        disks().insert(number, Arc::new(place));
        Self { number, disk }
    }

    /// The path of a file on it.
    pub fn path(&self, name: &str) -> String {
        format!("/{}/{name}", self.number)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        disks().remove(&self.number);
    }
}

fn disks() -> MutexGuard<'static, BTreeMap<u64, Arc<Place>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn register() {
    let vfs = sqlite3_vfs {
        iVersion: 2,
        szOsFile: size_of::<Handle>() as c_int,
        mxPathname: PATH_BYTES as c_int,
        pNext: null_mut(),
        zName: NAME.as_ptr(),
        pAppData: null_mut(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_path),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: Some(current_time),
        xGetLastError: None,
        xCurrentTimeInt64: Some(current_time_ms),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    };
    // SAFETY: the structure is never freed, and complete.
    let done = unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(done, SQLITE_OK, "SQLite takes a file system");
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// What SQLite keeps of an open file.
#[repr(C)]
struct Handle {
    base: sqlite3_file,
    open: *mut Open,
}

/// An open file.
struct Open {
    place: Arc<Place>,
    file: usize,
    number: u64,
    shared: Arc<Shared>,
    own: Own,
    mapped: bool,
    /// The next flush flushes the folder too.
    flush_folder: bool,
    delete: Option<String>,
}

/// Where a path leads: the disk, and the name on it.
unsafe fn lookup(path: *const c_char) -> Option<(Arc<Place>, String)> {
    // SAFETY: SQLite gives a string that ends with a null.
    let path = unsafe { CStr::from_ptr(path) }.to_str().ok()?;
    let (number, name) = path.strip_prefix('/')?.split_once('/')?;
    let place = disks().get(&number.parse().ok()?).cloned()?;
    Some((place, name.to_owned()))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    path: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let handle: *mut Handle = file.cast();
    // SAFETY: SQLite gives room for a `Handle`; without methods it is not closed.
    unsafe { (*handle).base.pMethods = std::ptr::null() };
    if path.is_null() {
        // Temporary files are kept in memory by our settings; no statement of ours needs one.
        return SQLITE_CANTOPEN;
    }
    // SAFETY: the path is not null.
    let Some((place, name)) = (unsafe { lookup(path) }) else { return SQLITE_CANTOPEN };
    let create = flags & SQLITE_OPEN_CREATE != 0;
    let file = match place.disk.open(&name, create) {
        Ok(file) => file,
        Err(_) => return SQLITE_CANTOPEN,
    };
    let logs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    let shared = place.shares.lock().unwrap_or_else(PoisonError::into_inner).of(file);
    let open = Open {
        shared,
        place,
        file,
        number: NUMBERS.fetch_add(1, Ordering::Relaxed),
        own: Own::default(),
        mapped: false,
        flush_folder: create && flags & logs != 0,
        delete: (flags & SQLITE_OPEN_DELETEONCLOSE != 0).then_some(name),
    };
    // SAFETY: as above; the box is freed by `close`.
    unsafe {
        (*handle).open = Box::into_raw(Box::new(open));
        (*handle).base.pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    SQLITE_OK
}

/// The open file behind what SQLite hands over.
unsafe fn opened<'a>(file: *mut sqlite3_file) -> &'a mut Open {
    // SAFETY: `open` made it, and SQLite uses a handle from one thread at a time.
    unsafe { &mut *(*file.cast::<Handle>()).open }
}

fn answer(done: Result<(), Trouble>, failed: c_int) -> c_int {
    match done {
        Ok(()) => SQLITE_OK,
        Err(Trouble::Full) => SQLITE_FULL,
        Err(_) => failed,
    }
}

fn at(offset: sqlite3_int64) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: `open` made the box, and SQLite closes a file once.
    let open = unsafe { Box::from_raw((*file.cast::<Handle>()).open) };
    let mut open = *open;
    open.shared.unlock(open.number, SQLITE_LOCK_NONE);
    unmap(&mut open);
    if let Some(name) = open.delete {
        // It is nobody's any more, whether its name could be removed or not.
        let _ = open.place.disk.delete(&name, false);
    }
    SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    into: *mut c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives room for as many bytes as it asks for.
    let (open, into) = unsafe {
        (opened(file), from_raw_parts_mut(into.cast::<u8>(), usize::try_from(length).unwrap_or(0)))
    };
    match open.place.disk.read(open.file, at(offset), into) {
        Ok(read) if read == into.len() => SQLITE_OK,
        Ok(read) => {
            into[read..].fill(0);
            SQLITE_IOERR_SHORT_READ
        }
        Err(_) => SQLITE_IOERR_READ,
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives as many bytes as it says.
    let (open, bytes) = unsafe {
        (opened(file), from_raw_parts(bytes.cast::<u8>(), usize::try_from(length).unwrap_or(0)))
    };
    answer(open.place.disk.write(open.file, at(offset), bytes), SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    // SAFETY: the handle is open.
    let open = unsafe { opened(file) };
    answer(open.place.disk.truncate(open.file, at(length)), SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the handle is open.
    let open = unsafe { opened(file) };
    let done = open.place.disk.sync(open.file, open.flush_folder);
    open.flush_folder &= done.is_err();
    answer(done, SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, length: *mut sqlite3_int64) -> c_int {
    // SAFETY: the handle is open, and there is room for the number.
    unsafe {
        let open = opened(file);
        *length = open.place.disk.length(open.file) as sqlite3_int64;
    }
    SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the handle is open.
    let open = unsafe { opened(file) };
    if open.shared.lock(open.number, level) { SQLITE_OK } else { SQLITE_BUSY }
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the handle is open.
    let open = unsafe { opened(file) };
    open.shared.unlock(open.number, level);
    SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut sqlite3_file, is: *mut c_int) -> c_int {
    // SAFETY: the handle is open, and there is room for the number.
    unsafe { *is = c_int::from(opened(file).shared.is_reserved()) };
    SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut sqlite3_file) -> c_int {
    crate::disk::SECTOR as c_int
}

unsafe extern "C" fn characteristics(_: *mut sqlite3_file) -> c_int {
    SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    _: c_int,
    make: c_int,
    to: *mut *mut c_void,
) -> c_int {
    // SAFETY: the handle is open, and there is room for the pointer.
    unsafe {
        let open = opened(file);
        if !open.mapped {
            open.shared.join();
            open.mapped = true;
        }
        *to = open.shared.region(usize::try_from(region).unwrap_or(0), make != 0).cast();
    }
    SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut sqlite3_file,
    first: c_int,
    n: c_int,
    how: c_int,
) -> c_int {
    // SAFETY: the handle is open.
    let open = unsafe { opened(file) };
    let first = usize::try_from(first).unwrap_or(0);
    let locks = first..first + usize::try_from(n).unwrap_or(0);
    if how & SQLITE_SHM_UNLOCK != 0 {
        open.shared.unlock_index(&mut open.own, locks);
        return SQLITE_OK;
    }
    let all = how & SQLITE_SHM_EXCLUSIVE != 0;
    if open.shared.lock_index(&mut open.own, locks, all) { SQLITE_OK } else { SQLITE_BUSY }
}

unsafe extern "C" fn shm_barrier(_: *mut sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _: c_int) -> c_int {
    // SAFETY: the handle is open.
    unmap(unsafe { opened(file) });
    SQLITE_OK
}

fn unmap(open: &mut Open) {
    open.shared.unlock_index(&mut open.own, Own::ALL);
    if std::mem::take(&mut open.mapped) {
        open.shared.leave();
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, path: *const c_char, folder: c_int) -> c_int {
    // SAFETY: SQLite gives a path.
    let Some((place, name)) = (unsafe { lookup(path) }) else { return SQLITE_IOERR_DELETE };
    match place.disk.delete(&name, folder != 0) {
        Ok(()) => SQLITE_OK,
        Err(Trouble::Missing) => SQLITE_IOERR_DELETE_NOENT,
        Err(_) => SQLITE_IOERR_DELETE,
    }
}

unsafe extern "C" fn access(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    _: c_int,
    is: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a path, and there is room for the number.
    unsafe {
        let exists = lookup(path).is_some_and(|(place, name)| place.disk.exists(&name));
        *is = c_int::from(exists);
    }
    SQLITE_OK
}

unsafe extern "C" fn full_path(
    _: *mut sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    to: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a path, and as much room as it says.
    unsafe {
        let bytes = CStr::from_ptr(path).to_bytes_with_nul();
        if bytes.len() > usize::try_from(room).unwrap_or(0) {
            return SQLITE_CANTOPEN;
        }
        to.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len());
    }
    SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut sqlite3_vfs, length: c_int, to: *mut c_char) -> c_int {
    let length_bytes = usize::try_from(length).unwrap_or(0);
    // SAFETY: SQLite gives as much room as it says.
    let to = unsafe { from_raw_parts_mut(to.cast::<u8>(), length_bytes) };
    for (byte, n) in to.iter_mut().zip(0_u8..) {
        *byte = n.wrapping_mul(151);
    }
    length
}

unsafe extern "C" fn sleep(_: *mut sqlite3_vfs, micros: c_int) -> c_int {
    std::thread::sleep(Duration::from_micros(u64::from(micros.unsigned_abs())));
    micros
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EPOCH_MS + i64::try_from(since.as_millis()).unwrap_or(0)
}

unsafe extern "C" fn current_time(_: *mut sqlite3_vfs, days: *mut f64) -> c_int {
    // SAFETY: there is room for the number.
    unsafe { *days = now_ms() as f64 / 86_400_000.0 };
    SQLITE_OK
}

unsafe extern "C" fn current_time_ms(_: *mut sqlite3_vfs, ms: *mut sqlite3_int64) -> c_int {
    // SAFETY: there is room for the number.
    unsafe { *ms = now_ms() };
    SQLITE_OK
}
