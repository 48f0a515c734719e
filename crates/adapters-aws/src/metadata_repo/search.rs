//! What a filter may find, in the order of the list: by the index where it holds what is asked for, else by the list.
//! That none is left out is all that is promised: [`ImageQuery::wants`] decides by the record.

use super::{
    index::{self, Heading, Sought},
    places::{self, list_of},
};
use crate::dynamodb::Table;
use futures_util::future::try_join_all;
use std::cmp::Ordering;
use tintype_core::{
    PortResult,
    domain::{ImageQuery, OwnerId, Position, Sort},
};

/// How many places are read of each heading at a time, after the first time.
const PLACES_AT_ONCE: u32 = 1_000;
/// How many places of a start of words are read: where more begin so, the start says nothing.
const START_PLACES: u32 = 5_000;

/// Goes along a list.
#[derive(Debug)]
pub(super) struct Search<'a> {
    table: &'a Table,
    operation: &'static str,
    owner: &'a OwnerId,
    query: &'a ImageQuery,
    /// What is known of each heading. Empty where the list is looked through.
    known: Vec<Known>,
    /// What is known of the images that may be anything.
    overfull: Known,
    after: Option<Position>,
    at_once: u32,
}

/// A part of a list.
#[derive(Debug)]
pub(super) struct Part {
    /// What may be looked for, in the order of the list.
    pub(super) places: Vec<Position>,
    /// Where the part ends; `None` where the list does.
    pub(super) end: Option<Position>,
}

/// What is known of one heading from where the search is.
#[derive(Debug)]
struct Known {
    sought: Sought,
    places: Vec<Position>,
    reach: Reach,
}

/// Up to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Nowhere,
    Place(Position),
    End,
}

impl Known {
    const fn nothing(sought: Sought) -> Self {
        Self { sought, places: Vec::new(), reach: Reach::Nowhere }
    }
}

impl<'a> Search<'a> {
    /// The list of `query` from where it starts, of which `at_once` places are read at first.
    pub(super) fn new(
        table: &'a Table,
        operation: &'static str,
        (owner, query): (&'a OwnerId, &'a ImageQuery),
        at_once: u32,
    ) -> Self {
        let sought = if query.trashed { Vec::new() } else { index::sought(owner, &query.filter) };
        let known = sought.into_iter().map(Known::nothing).collect();
        let overfull = Known::nothing(Sought::Heading(index::overfull(owner)));
        Self { table, operation, owner, query, known, overfull, after: query.after, at_once }
    }

    /// Whether it goes by the index.
    pub(super) const fn is_indexed(&self) -> bool {
        !self.known.is_empty()
    }

    /// The next part; not after one without an end.
    pub(super) async fn next(&mut self) -> PortResult<Part> {
        let part = match self.next_of_index().await? {
            Some(part) => part,
            None => self.next_of_list().await?,
        };
        self.after = part.end;
        Ok(part)
    }

    async fn next_of_list(&mut self) -> PortResult<Part> {
        let list = Heading::whole(list_of(self.owner, self.query.trashed));
        let (places, reach) = self.read(&list, self.at_once).await?;
        let end = if let Reach::Place(last) = reach { Some(last) } else { None };
        Ok(Part { places, end })
    }

    /// `None` where the index says nothing.
    async fn next_of_index(&mut self) -> PortResult<Option<Part>> {
        if self.known.is_empty() {
            return Ok(None);
        }
        self.learn().await?;
        let best = self.known.iter().max_by(|a, b| self.better(a, b));
        let Some(best) = best else { return Ok(None) };
        let reach = self.nearer(best.reach, self.overfull.reach);
        let is_likely = |place: &&Position| self.known.iter().all(|known| self.admits(known, place));
        let found = best.places.iter().filter(is_likely).chain(&self.overfull.places);
        let mut places: Vec<_> = found.filter(|place| self.is_in(place, reach)).copied().collect();
        places.sort_by(|a, b| self.order(a, b));
        places.dedup();
        let end = if let Reach::Place(end) = reach { Some(end) } else { None };
        self.at_once = PLACES_AT_ONCE;
        Ok(Some(Part { places, end }))
    }

    /// Reads on where something ended.
    async fn learn(&mut self) -> PortResult<()> {
        let ended = |known: &&Known| known.reach != Reach::End;
        let all = self.known.iter().chain([&self.overfull]).filter(ended);
        let read = try_join_all(all.map(|known| self.look_up(&known.sought))).await?;
        let all = self.known.iter_mut().chain([&mut self.overfull]);
        for (known, read) in all.filter(|known| known.reach != Reach::End).zip(read) {
            (known.places, known.reach) = read;
        }
        self.known.retain(|known| known.reach != Reach::Nowhere);
        Ok(())
    }

    async fn look_up(&self, sought: &Sought) -> PortResult<(Vec<Position>, Reach)> {
        match sought {
            Sought::Heading(heading) => self.read(heading, self.at_once).await,
            Sought::Start(start) => self.read_start(start).await,
        }
    }

    /// At most so many places under `heading`.
    async fn read(&self, heading: &Heading, limit: u32) -> PortResult<(Vec<Position>, Reach)> {
        let Some(stretch) = heading.stretch(self.query, self.after.as_ref()) else {
            return Ok((Vec::new(), Reach::End));
        };
        let items = self.table.query(self.operation, &stretch, Some(limit)).await?;
        let places: Vec<_> =
            items.iter().map(|item| places::position(self.operation, item)).collect::<PortResult<_>>()?;
        let is_all = places.len() < limit as usize;
        let reach = places.last().filter(|_| !is_all).map_or(Reach::End, |last| Reach::Place(*last));
        Ok((places, reach))
    }

    /// Every place under a word that begins so, unless there are too many.
    async fn read_start(&self, start: &Heading) -> PortResult<(Vec<Position>, Reach)> {
        let items = self.table.query(self.operation, &start.beginning(), Some(START_PLACES)).await?;
        if items.len() == START_PLACES as usize {
            return Ok((Vec::new(), Reach::Nowhere));
        }
        let mut places: Vec<_> =
            items.iter().map(|item| places::position(self.operation, item)).collect::<PortResult<_>>()?;
        places.retain(|place| self.query.filter.includes(place.at));
        places.sort_by(|a, b| self.order(a, b));
        places.dedup();
        Ok((places, Reach::End))
    }

    /// Whether what is known says that the image at `place` has what is asked for, or says nothing of it.
    fn admits(&self, known: &Known, place: &Position) -> bool {
        !self.is_in(place, known.reach) || known.places.binary_search_by(|a| self.order(a, place)).is_ok()
    }

    /// Whether `place` lies after where the search is, and not past `reach`.
    fn is_in(&self, place: &Position, reach: Reach) -> bool {
        let is_ahead = self.after.is_none_or(|after| self.order(&after, place) == Ordering::Less);
        let is_near = match reach {
            Reach::Nowhere => false,
            Reach::Place(end) => self.order(place, &end) != Ordering::Greater,
            Reach::End => true,
        };
        is_ahead && is_near
    }

    /// The one that takes the search further, and of two that go to the end the one with fewer images.
    fn better(&self, a: &Known, b: &Known) -> Ordering {
        self.order_of_reach(a.reach, b.reach).then(b.places.len().cmp(&a.places.len()))
    }

    fn nearer(&self, a: Reach, b: Reach) -> Reach {
        if self.order_of_reach(a, b) == Ordering::Greater { b } else { a }
    }

    fn order_of_reach(&self, a: Reach, b: Reach) -> Ordering {
        match (a, b) {
            (Reach::Place(a), Reach::Place(b)) => self.order(&a, &b),
            (Reach::Nowhere, Reach::Nowhere) | (Reach::End, Reach::End) => Ordering::Equal,
            (Reach::Nowhere, _) | (_, Reach::End) => Ordering::Less,
            (_, Reach::Nowhere) | (Reach::End, _) => Ordering::Greater,
        }
    }

    fn order(&self, a: &Position, b: &Position) -> Ordering {
        match self.query.sort {
            Sort::Newest => b.cmp(a),
            Sort::Oldest => a.cmp(b),
        }
    }
}
