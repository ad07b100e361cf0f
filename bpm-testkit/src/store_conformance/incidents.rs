//! Incidents: open until somebody settles them, once.

use bpm_core::change::Closing;
use bpm_core::store::{Closed, Store, Verdict};

use super::rows::{incident, incident_id, start, turn};
use super::{Places, closed, ok, refused, write};

/// Incidents are listed until they are settled; then they say how, when and by whom.
pub fn incidents<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let mut first = start(1, None);
    first.raised = vec![incident(2, 1), incident(1, 1)];
    write(&store, vec![first]);
    assert_eq!(ok(store.incidents(10)), [incident(1, 1), incident(2, 1)], "oldest first");
    assert_eq!(ok(store.incidents(1)), [incident(1, 1)]);
    let mut second = turn(1, 2);
    second.settled = vec![(incident_id(1), closed(Closing::Retried))];
    second.raised = vec![incident(3, 1)];
    write(&store, vec![second]);
    assert_eq!(ok(store.incidents(10)), [incident(2, 1), incident(3, 1)]);
    let mut again = turn(1, 3);
    again.settled = vec![(incident_id(1), closed(Closing::Failed))];
    refused(&store, again, Verdict::Stale);
    assert_eq!(ok(store.incident(incident_id(2))), Some(incident(2, 1)));
    assert_eq!(ok(store.incident(incident_id(9))), None);
    let how = |n| ok(store.incident(incident_id(n))).and_then(|incident| incident.closed);
    assert_eq!(how(1), Some(closed(Closing::Retried)), "an incident is settled once");
    let mut third = turn(1, 3);
    let unnamed = Closed { by: None, ..closed(Closing::Cancelled) };
    third.raised = vec![incident(4, 1)];
    third.settled = vec![
        (incident_id(2), closed(Closing::Skipped)),
        (incident_id(3), closed(Closing::Failed)),
        (incident_id(4), unnamed.clone()),
    ];
    write(&store, vec![third]);
    assert_eq!(ok(store.incidents(10)), []);
    assert_eq!(how(2), Some(closed(Closing::Skipped)));
    assert_eq!(how(3), Some(closed(Closing::Failed)));
    assert_eq!(how(4), Some(unnamed), "raised and settled in one turn");
}
