//! Checksums of rows, so that damage to the database file is an error and never an answer.
//!
//! A checksum is the CRC-32 of a row's columns, each with its length in front. It finds what a disk or a memory chip did
//! to a row, not what a person did on purpose.

use crate::error::Fault;
use rusqlite::{Connection, Row, types::ValueRef};
use tintype_core::{ErrorKind, PortError};

/// The checksum of these values of one row.
pub(crate) fn of(values: &[ValueRef<'_>]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for value in values {
        let mut field = |kind: u8, bytes: &[u8]| {
            hasher.update(&[kind]);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        match value {
            ValueRef::Null => field(0, &[]),
            ValueRef::Integer(number) => field(1, &number.to_le_bytes()),
            ValueRef::Real(number) => field(2, &number.to_le_bytes()),
            ValueRef::Text(bytes) => field(3, bytes),
            ValueRef::Blob(bytes) => field(4, bytes),
        }
    }
    i64::from(hasher.finalize())
}

/// A text as a column's value.
pub(crate) const fn text(text: &str) -> ValueRef<'_> {
    ValueRef::Text(text.as_bytes())
}

/// A number that may be missing as a column's value.
pub(crate) fn number<'a>(number: Option<i64>) -> ValueRef<'a> {
    number.map_or(ValueRef::Null, ValueRef::Integer)
}

/// Compares the checksum in column `at` of `row` with `count` columns from `first` on.
///
/// # Errors
/// [`Data`](ErrorKind::Data), naming the table, if they differ.
pub(crate) fn check(
    row: &Row<'_>,
    table: &'static str,
    at: usize,
    first: usize,
    count: usize,
) -> Result<(), Fault> {
    let stored: Option<i64> = row.get(at)?;
    let values: Vec<_> =
        (first..first + count).map(|column| row.get_ref(column)).collect::<rusqlite::Result<_>>()?;
    if stored == Some(of(&values)) {
        return Ok(());
    }
    let message = format!("a row of the table {table} does not match its checksum; the database is damaged");
    Err(PortError::new(ErrorKind::Data, "Database::read", message).into())
}

/// A table whose rows carry a checksum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    /// Its name.
    pub(crate) table: &'static str,
    /// The column of the checksum.
    pub(crate) checksum: &'static str,
    /// The columns that are summed, in their order.
    pub(crate) columns: &'static str,
    /// The columns that name a row.
    pub(crate) key: &'static str,
}

/// Every checksum that there is.
pub(crate) const CHECKED: [Checked; 5] = [
    Checked {
        table: "jobs",
        checksum: "checksum",
        columns: "id, owner, status, created_at, expires_at, body",
        key: "id",
    },
    Checked {
        table: "jobs",
        checksum: "key_checksum",
        columns: "id, idempotency_key, fingerprint",
        key: "id",
    },
    Checked { table: "events", checksum: "checksum", columns: "job_id, seq, time, body", key: "job_id, seq" },
    Checked {
        table: "images",
        checksum: "checksum",
        columns: "id, owner, sha256, saved_at, trashed_at, version, body",
        key: "id",
    },
    Checked { table: "collections", checksum: "checksum", columns: "id, owner, version, body", key: "id" },
];

impl Checked {
    fn width(&self) -> usize {
        self.columns.split(',').count()
    }

    /// How many rows do not match their checksum.
    pub(crate) fn count_damaged(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let sql = format!("SELECT {}, {} FROM {}", self.columns, self.checksum, self.table);
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut damaged = 0;
        while let Some(row) = rows.next()? {
            damaged += u64::from(check(row, self.table, self.width(), 0, self.width()).is_err());
        }
        Ok(damaged)
    }
}

/// Gives every row of a database that had no checksums its own.
pub(crate) fn enter_all(connection: &Connection) -> Result<(), Fault> {
    for checked in CHECKED {
        let Checked { table, checksum, columns, key } = checked;
        let keys = key.split(", ").count();
        let select = format!("SELECT {key}, {columns} FROM {table}");
        let conditions: Vec<_> =
            key.split(", ").enumerate().map(|(n, column)| format!("{column} = ?{}", n + 2)).collect();
        let update = format!("UPDATE {table} SET {checksum} = ?1 WHERE {}", conditions.join(" AND "));
        let (mut select, mut update) = (connection.prepare(&select)?, connection.prepare(&update)?);
        // In memory first: a table is not changed while it is read.
        let mut sums = Vec::new();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let key: Vec<rusqlite::types::Value> =
                (0..keys).map(|n| row.get(n)).collect::<rusqlite::Result<_>>()?;
            let values: Vec<_> =
                (keys..keys + checked.width()).map(|n| row.get_ref(n)).collect::<rusqlite::Result<_>>()?;
            sums.push((of(&values), key));
        }
        for (sum, key) in sums {
            let values = std::iter::once(rusqlite::types::Value::Integer(sum)).chain(key);
            update.execute(rusqlite::params_from_iter(values))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_of_every_column_counts() {
        let body = br#"{"prompt":"red heart"}"#.to_vec();
        let sum = |body: &[u8]| of(&[ValueRef::Blob(b"id"), ValueRef::Text(body), ValueRef::Integer(7)]);
        for bit in 0..body.len() * 8 {
            let mut flipped = body.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(sum(&flipped), sum(&body), "bit {bit}");
        }
    }

    #[test]
    fn what_moves_from_one_column_to_the_next_counts() {
        assert_ne!(of(&[text("ab"), text("c")]), of(&[text("a"), text("bc")]));
        assert_ne!(of(&[number(None)]), of(&[number(Some(0))]));
    }

    #[test]
    fn rows_of_an_earlier_layout_are_summed_and_a_changed_one_is_counted() {
        let connection = crate::database::in_memory();
        let insert = "INSERT INTO collections (id, owner, version, body) VALUES (x'01', 'alice', 1, '{}')";
        connection.execute(insert, []).unwrap();
        let collections = CHECKED[4];
        assert_eq!(collections.count_damaged(&connection).unwrap(), 1, "there is no checksum yet");
        enter_all(&connection).unwrap();
        assert_eq!(collections.count_damaged(&connection).unwrap(), 0);
        connection.execute("UPDATE collections SET owner = 'bob'", []).unwrap();
        assert_eq!(collections.count_damaged(&connection).unwrap(), 1);
    }
}
