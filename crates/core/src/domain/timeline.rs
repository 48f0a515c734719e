//! How a list lies in time: so that a client can go to any part of it at once.

use super::{Position, Timestamp, limits};
use serde::Serialize;
use std::fmt;

/// A month of a year, in UTC. Its text and its JSON are as in `2026-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month of `moment`; January 1970 where that has none.
    pub fn of(moment: Timestamp) -> Self {
        let moment = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or_default();
        let date = jiff::tz::Offset::UTC.to_datetime(moment).date();
        Self { year: date.year(), month: date.month() }
    }

    /// The moments of this month: the first one, and the first that is past it.
    fn bounds(self) -> (Timestamp, Timestamp) {
        let next = if self.month == 12 {
            Self { year: self.year + 1, month: 1 }
        } else {
            Self { month: self.month + 1, ..self }
        };
        (self.start(), next.start())
    }

    fn start(self) -> Timestamp {
        let start = jiff::civil::Date::new(self.year, self.month, 1).and_then(|date| {
            jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
        });
        Timestamp::from_millis(start.map_or(i64::MAX, |start| start.as_millisecond()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How many images of a list were saved in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MonthCount {
    /// The month.
    pub month: Month,
    /// How many; at least one.
    pub count: u64,
}

/// Where a page of a list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<P = Position> {
    /// The place of the last image before it; `None` for the first page.
    pub after: Option<P>,
    /// When its first image was saved.
    pub saved_at: Timestamp,
}

/// How a list lies in time, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline<P = Position> {
    /// The months that have images.
    pub months: Vec<MonthCount>,
    /// Where each page begins.
    pub marks: Vec<Mark<P>>,
    /// Whether all of the list was counted: [`limits::TIMELINE_PAGES_MAX`] pages at most are, and a store may stop before at a
    /// number that it documents.
    pub is_complete: bool,
}

/// Makes a [`Timeline`] of images that are told in the order of a list.
#[derive(Debug)]
pub struct TimelineCounter<P> {
    timeline: Timeline<P>,
    page: u32,
    counted: u64,
    last: Option<P>,
    month: (Timestamp, Timestamp),
}

impl<P: Copy> TimelineCounter<P> {
    /// Of a list that is read in pages of `page` images.
    pub const fn new(page: u32) -> Self {
        let epoch = Timestamp::from_millis(0);
        let timeline = Timeline { months: Vec::new(), marks: Vec::new(), is_complete: true };
        Self { timeline, page, counted: 0, last: None, month: (epoch, epoch) }
    }

    /// Counts the list's next image, unless it would begin one page too many.
    pub fn count(&mut self, saved_at: Timestamp, place: P) {
        if self.counted.is_multiple_of(u64::from(self.page)) {
            if self.timeline.marks.len() == limits::TIMELINE_PAGES_MAX {
                self.timeline.is_complete = false;
                return;
            }
            self.timeline.marks.push(Mark { after: self.last, saved_at });
        }
        self.counted += 1;
        self.last = Some(place);
        // Looked up once a month and not once an image: there may be millions.
        if !(self.month.0..self.month.1).contains(&saved_at) {
            let month = Month::of(saved_at);
            self.month = month.bounds();
            self.timeline.months.push(MonthCount { month, count: 0 });
        }
        if let Some(last) = self.timeline.months.last_mut() {
            last.count += 1;
        }
    }

    /// How many were counted.
    pub const fn counted(&self) -> u64 {
        self.counted
    }

    /// What was counted; `is_told` says whether all of the list was told.
    pub fn finish(self, is_told: bool) -> Timeline<P> {
        Timeline { is_complete: is_told && self.timeline.is_complete, ..self.timeline }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_month_ends_where_the_next_one_begins() {
        let december = Month::of(moment("2026-12-31T23:59:59.999Z"));
        assert_eq!(december.to_string(), "2026-12");
        assert_eq!(december.bounds(), (moment("2026-12-01"), moment("2027-01-01")));
        assert_eq!(Month::of(moment("2027-01-01")).to_string(), "2027-01");
    }

    #[test]
    fn pages_are_marked_by_what_comes_before_them() {
        let mut counter = TimelineCounter::new(2);
        let days = ["2026-03-01", "2026-02-28", "2026-02-01", "2026-01-01", "2025-12-31"];
        for (n, day) in days.into_iter().enumerate() {
            counter.count(moment(day), n);
        }
        let timeline = counter.finish(true);
        let months: Vec<_> =
            timeline.months.iter().map(|month| format!("{} {}", month.month, month.count)).collect();
        assert_eq!(months, ["2026-03 1", "2026-02 2", "2026-01 1", "2025-12 1"]);
        let marks: Vec<_> = timeline.marks.iter().map(|mark| (mark.after, mark.saved_at)).collect();
        assert_eq!(marks, [(None, moment(days[0])), (Some(1), moment(days[2])), (Some(3), moment(days[4]))]);
    }

    #[test]
    fn no_more_is_counted_than_as_many_pages_as_are_marked_at_most() {
        let most = 2 * limits::TIMELINE_PAGES_MAX;
        for (told, is_complete) in [(most, true), (most + 3, false)] {
            let mut counter = TimelineCounter::new(2);
            (0..told).for_each(|n| counter.count(moment("2026-03-01"), n));
            let timeline = counter.finish(true);
            assert_eq!(timeline.marks.len(), limits::TIMELINE_PAGES_MAX);
            assert_eq!(timeline.months[0].count, most as u64);
            assert_eq!(timeline.is_complete, is_complete);
        }
    }
}
