//! A client's place in a job's log: what makes delivery exactly once and in order, whatever arrives from outside.

use tintype_core::domain::Seq;

/// What to do with an event that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The client has it: drop it.
    Repeat,
    /// It is the next: send it.
    Next,
    /// Some before it are missing: read the log.
    Gap,
}

/// How far a client has read a job's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    last: Seq,
    /// Whether it wants the images' bytes as messages too.
    pub(crate) inline: bool,
}

impl Place {
    /// The place after event `last`.
    pub(crate) const fn after(last: Seq, inline: bool) -> Self {
        Self { last, inline }
    }

    /// The last event the client was sent.
    pub(crate) const fn last(self) -> Seq {
        self.last
    }

    /// What to do with event `seq`.
    pub(crate) fn judge(self, seq: Seq) -> Step {
        if seq <= self.last {
            Step::Repeat
        } else if seq == self.last.next() {
            Step::Next
        } else {
            Step::Gap
        }
    }

    /// Moves on to `seq`; never back.
    pub(crate) fn advance(&mut self, seq: Seq) {
        self.last = self.last.max(seq);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends whatever `arrivals` bring, reading the log of `length` events where there is a gap.
    fn sent(arrivals: &[u64], length: u64) -> Vec<u64> {
        let mut place = Place::after(Seq(0), false);
        let mut sent = Vec::new();
        for arrival in arrivals {
            let fresh = match place.judge(Seq(*arrival)) {
                Step::Repeat => 0..0,
                Step::Next => *arrival..arrival + 1,
                Step::Gap => place.last().0 + 1..length + 1,
            };
            for seq in fresh {
                place.advance(Seq(seq));
                sent.push(seq);
            }
        }
        sent
    }

    #[test]
    fn events_in_order_are_sent_as_they_come() {
        assert_eq!(sent(&[1, 2, 3], 3), [1, 2, 3]);
    }

    #[test]
    fn an_event_that_comes_twice_is_sent_once() {
        assert_eq!(sent(&[1, 1, 2, 1, 2], 2), [1, 2]);
    }

    #[test]
    fn a_gap_is_filled_from_the_log() {
        assert_eq!(sent(&[1, 5, 4, 2, 6], 5), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn any_arrivals_give_each_event_once_in_order() {
        for seed in 0..1_000_u64 {
            let arrivals: Vec<_> =
                (0..20).map(|n| (seed.wrapping_mul(6_364_136_223_846_793_005) >> (n * 3)) % 9 + 1).collect();
            let sent = sent(&arrivals, 9);
            assert!(sent.iter().copied().eq(1..=sent.len() as u64), "{arrivals:?} gave {sent:?}");
        }
    }
}
