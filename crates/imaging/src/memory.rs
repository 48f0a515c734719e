//! The memory that all operations of the process share. It is of the process, so it is the one state of this crate.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most bytes that the pixels of all operations of a process take together.
pub const MEMORY_BYTES: u64 = 192 * 1024 * 1024;

static MEMORY: Memory =
    Memory { state: Mutex::new(State { next: 0, turn: 0, used: 0 }), freed: Condvar::new() };

struct Memory {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    /// The number of the next operation that comes.
    next: u64,
    /// The number of the operation whose turn it is: they are served in their order.
    turn: u64,
    used: u64,
}

/// A share of the memory, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    bytes: u64,
}

fn state() -> MutexGuard<'static, State> {
    MEMORY.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a share of `bytes`. A share of more than there is waits until nothing else is taken.
pub(crate) fn take(bytes: u64) -> Permit {
    let mut state = state();
    let number = state.next;
    state.next += 1;
    while state.turn != number || (state.used > 0 && state.used + bytes > MEMORY_BYTES) {
        state = MEMORY.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    state.turn += 1;
    state.used += bytes;
    MEMORY.freed.notify_all();
    Permit { bytes }
}

impl Drop for Permit {
    fn drop(&mut self) {
        state().used -= self.bytes;
        MEMORY.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc::channel, thread, time::Duration};

    #[test]
    fn operations_beyond_the_memory_wait_and_are_served_in_their_order() {
        let first = take(MEMORY_BYTES);
        let (served, order) = channel();
        let waiters: Vec<_> = (0..3)
            .map(|number| {
                let served = served.clone();
                let waiter = thread::spawn(move || {
                    let permit = take(MEMORY_BYTES / 2 + 1);
                    served.send(number).unwrap();
                    drop(permit);
                });
                // Until it stands in line.
                let stands = || {
                    let state = state();
                    state.next - state.turn > number
                };
                while !stands() {
                    thread::sleep(Duration::from_millis(1));
                }
                waiter
            })
            .collect();
        assert!(order.try_recv().is_err());
        drop(first);
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!(order.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        // More than there is, alone.
        drop(take(2 * MEMORY_BYTES));
    }
}
