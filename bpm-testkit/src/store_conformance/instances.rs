//! Lists of instances, by status and process.

use bpm_core::store::{InstanceFilter, Status, Store};

use super::rows::{instance, start, state, turn};
use super::{Places, ok, write};

/// Instances are listed in the order of their ids, narrowed by what the filter says.
pub fn instances<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let list = |filter: InstanceFilter| -> Vec<_> {
        ok(store.instances(&filter)).into_iter().map(|row| row.id).collect()
    };
    let ids = |ids: &[u8]| -> Vec<_> { ids.iter().map(|n| instance(*n)).collect() };
    let all = InstanceFilter::default;
    assert_eq!(list(all()), []);
    for (n, status) in [(3, Status::Suspended), (1, Status::Suspended), (2, Status::Completed)] {
        let mut last = turn(n, 2);
        last.state = Some(state(status));
        write(&store, vec![start(n, None), last]);
    }
    write(&store, vec![start(4, None)]);
    let of = |status| InstanceFilter { status: Some(status), ..all() };
    let shop = |process: &str| Some(process.to_owned());
    assert_eq!(list(all()), ids(&[1, 2, 3, 4]));
    assert_eq!(list(of(Status::Suspended)), ids(&[1, 3]));
    assert_eq!(list(of(Status::Running)), ids(&[4]));
    assert_eq!(list(of(Status::Failed)), []);
    assert_eq!(list(InstanceFilter { limit: Some(1), ..of(Status::Suspended) }), ids(&[1]));
    let behind = InstanceFilter { after: Some(instance(1)), ..of(Status::Suspended) };
    assert_eq!(list(behind), ids(&[3]));
    assert_eq!(list(InstanceFilter { after: Some(instance(2)), ..all() }), ids(&[3, 4]));
    assert_eq!(list(InstanceFilter { process: shop("shop"), ..all() }), ids(&[1, 2, 3, 4]));
    assert_eq!(list(InstanceFilter { process: shop("other"), ..all() }), []);
    let row = ok(store.instances(&of(Status::Completed))).remove(0);
    assert_eq!(Some(row), ok(store.instance(instance(2))));
}
