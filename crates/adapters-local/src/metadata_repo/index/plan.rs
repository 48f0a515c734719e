//! How a filter is looked up: by which of its facets in the index, and by which in the records that those find.

use super::{WHOLE_LIST, counts, entries, is_counted, list_of, token};
use crate::error::Fault;
use rusqlite::Connection;
use tintype_core::domain::{ImageQuery, OwnerId, Phrase};

/// A facet that more than one in so many of the list's images have is worth no look into the index, if others leave few
/// enough: to go to the next image of a long list costs as much as to read a record, which shows all of them.
const COMMON: u64 = 8;
/// How many records are likely to be read in vain, at the most.
const LIKELY: u64 = 1_000;
/// How many records are read in vain at the very most, whatever goes together.
const AT_WORST: u64 = 10_000;

/// What FTS5 is asked for, and whether the records must be looked at too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) expression: String,
    pub(super) is_exact: bool,
}

/// The plan that gives a page soonest.
pub(super) fn quick(connection: &Connection, owner: &OwnerId, query: &ImageQuery) -> Result<Plan, Fault> {
    let list = list_of(owner, query.trashed);
    let mut facets = Vec::new();
    for facet in query.filter.facets() {
        let token = token(&list, &facet);
        let count = if is_counted(&facet) {
            counts::of(connection, &token)?
        } else {
            entries(connection, &token, AT_WORST + 1)?
        };
        facets.push((count, token));
    }
    facets.sort();
    let total = counts::of(connection, &whole_list(owner, query))?;
    let used = worth_looking_up(&facets.iter().map(|(count, _)| *count).collect::<Vec<_>>(), total);
    let is_exact = used == facets.len();
    let used = facets.into_iter().take(used).map(|(_, token)| token);
    Ok(Plan { expression: expression(owner, query, used.collect()), is_exact })
}

/// The plan that needs no record.
pub(super) fn exact(owner: &OwnerId, query: &ImageQuery) -> String {
    expression(owner, query, tokens(owner, query).collect())
}

/// How many of the facets, which so many images each have, from the rarest on.
fn worth_looking_up(counts: &[u64], total: u64) -> usize {
    let is_rare = |count: &u64| count.saturating_mul(COMMON) <= total;
    let rare = counts.iter().take_while(|count| is_rare(count)).count();
    let likely = counts[..rare].iter().fold(total as f64, |left, count| left * *count as f64 / total as f64);
    match counts.first() {
        Some(rarest) if *rarest <= AT_WORST && likely <= LIKELY as f64 => rare,
        _ => counts.len(),
    }
}

fn tokens(owner: &OwnerId, query: &ImageQuery) -> impl Iterator<Item = String> {
    let list = list_of(owner, query.trashed);
    query.filter.facets().map(move |facet| token(&list, &facet))
}

fn whole_list(owner: &OwnerId, query: &ImageQuery) -> String {
    token(&list_of(owner, query.trashed), WHOLE_LIST)
}

fn expression(owner: &OwnerId, query: &ImageQuery, mut facets: Vec<String>) -> String {
    if facets.is_empty() {
        facets.push(whole_list(owner, query));
    }
    let facets = format!("facets : ({})", facets.join(" AND "));
    let phrases: Vec<_> = query.filter.text.phrases().iter().map(phrase).collect();
    // Facets first, the rarest before: FTS5 goes along the first.
    if phrases.is_empty() { facets } else { format!("{facets} AND words : ({})", phrases.join(" AND ")) }
}

/// A phrase of letters and digits needs no escaping.
fn phrase(phrase: &Phrase) -> String {
    let star = if phrase.is_prefix() { " *" } else { "" };
    format!("\"{}\"{star}", phrase.words().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::in_memory;
    use tintype_core::domain::{ImageFilter, Seed};

    /// The plan for the favourites of one seed, which so many of a list's million images have, and which is not counted.
    /// Half of them are favourites.
    fn plan_with_seed(images: u64) -> Plan {
        let owner = "alice".parse().unwrap();
        let filter = ImageFilter { seed: Some(Seed(42)), favorite: Some(true), ..ImageFilter::default() };
        let query = ImageQuery { filter, ..ImageQuery::default() };
        let connection = in_memory();
        for (facet, images) in [(WHOLE_LIST, 1_000_000), ("favorite=true", 500_000)] {
            let token = token(&list_of(&owner, false), facet);
            connection.execute("INSERT INTO facet_counts VALUES (?, ?)", (token, images)).unwrap();
        }
        let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ?2) \
                   INSERT INTO image_index (rowid, words, facets) SELECT n, '', ?1 FROM n";
        connection.execute(sql, (token(&list_of(&owner, false), "seed=42"), images)).unwrap();
        quick(&connection, &owner, &query).unwrap()
    }

    #[test]
    fn a_seed_that_few_have_is_enough_and_of_one_that_many_have_no_record_is_read_in_vain() {
        for (images, is_exact) in [(1, false), (LIKELY, false), (AT_WORST, true), (AT_WORST + 1, true)] {
            assert_eq!(plan_with_seed(images).is_exact, is_exact, "{images}");
        }
    }

    #[test]
    fn common_facets_are_left_to_the_records_where_rare_ones_leave_few() {
        assert_eq!(worth_looking_up(&[5_000, 100_000, 250_000, 500_000], 1_000_000), 2);
        assert_eq!(worth_looking_up(&[5, 250_000], 1_000_000), 1);
    }

    #[test]
    fn every_facet_is_looked_up_where_too_many_records_would_be_read() {
        assert_eq!(worth_looking_up(&[250_000, 500_000], 1_000_000), 2);
        assert_eq!(worth_looking_up(&[20_000, 20_000, 500_000], 1_000_000), 3, "they may go together");
        assert_eq!(worth_looking_up(&[5_000, 500_000], 1_000_000), 2);
    }

    #[test]
    fn a_facet_that_no_image_has_is_enough() {
        assert_eq!(worth_looking_up(&[0, 500_000], 1_000_000), 1);
        assert_eq!(worth_looking_up(&[0, 0], 0), 2);
        assert_eq!(worth_looking_up(&[], 0), 0);
    }
}
