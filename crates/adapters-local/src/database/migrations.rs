//! The layout of the tables, step by step. A step that was released never changes; a new one is added at the end.

use crate::{
    checksum,
    error::{Fault, OpenError},
    metadata_repo::index,
};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// One change of the layout: SQL, and then what SQL can't do.
#[derive(Clone, Copy)]
struct Step {
    sql: &'static str,
    then: fn(&Connection) -> Result<(), Fault>,
}

const STEPS: &[Step] = &[
    Step { sql: include_str!("../../migrations/0001_jobs_and_images.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("../../migrations/0002_search.sql"), then: index::enter_all },
    Step { sql: include_str!("../../migrations/0003_library.sql"), then: index::enter_again },
    Step { sql: include_str!("../../migrations/0004_vectors.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("../../migrations/0005_vectors_of_changed_prompts.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("../../migrations/0006_library_id.sql"), then: |_| Ok(()) },
    Step { sql: include_str!("../../migrations/0007_folded_words.sql"), then: index::enter_again },
    Step { sql: include_str!("../../migrations/0008_proof_of_deletion.sql"), then: checksum::enter_all },
    Step { sql: include_str!("../../migrations/0009_background_attempts.sql"), then: |_| Ok(()) },
];

/// The newest layout: `user_version` of a database that took every step.
const NEWEST: i64 = STEPS.len() as i64;

/// Takes the steps that the database has not taken yet, each in one transaction.
pub(crate) fn migrate(connection: &mut Connection, folder: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { folder: folder.to_owned(), source };
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let Some(missing) = usize::try_from(found).ok().and_then(|found| STEPS.get(found..)) else {
        return Err(OpenError::Newer { folder: folder.to_owned(), found, known: NEWEST });
    };
    for (version, step) in (found + 1..).zip(missing) {
        take(connection, *step, version).map_err(failed)?;
    }
    Ok(())
}

fn take(connection: &mut Connection, step: Step, version: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(step.sql)?;
    (step.then)(&transaction).map_err(Fault::into_sqlite)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_empty_database_takes_every_step_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        assert_eq!(version(&connection), NEWEST);
        connection.execute("INSERT INTO events VALUES (x'00', 1, 0, '{}', 0)", []).unwrap();
    }

    fn insert(connection: &Connection, n: u64, body: &str) {
        let sql =
            "INSERT INTO images (id, owner, sha256, saved_at, version, body) VALUES (?, 'alice', ?, ?, 1, ?)";
        let (id, sha256) = ([n as u8; 16], [n as u8; 32]);
        connection.execute(sql, rusqlite::params![id, sha256, n, body]).unwrap();
    }

    #[test]
    fn images_of_before_the_search_are_found_and_one_that_is_unreadable_stops_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        take(&mut connection, STEPS[0], 1).unwrap();
        let image = tintype_testkit::samples::saved_image(1, 0);
        insert(&connection, 1, &serde_json::to_string(&image).unwrap());
        insert(&connection, 2, "{}");
        connection.execute("UPDATE images SET id = ? WHERE saved_at = 1", [image.id.as_bytes()]).unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        let found = "SELECT count(*) FROM image_index WHERE image_index MATCH 'words : heart'";
        assert_eq!(connection.query_row(found, [], |row| row.get::<_, u32>(0)).unwrap(), 1);
    }

    #[test]
    fn an_image_whose_record_can_t_be_read_is_replaced_and_waits_for_the_vector_of_its_prompt() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("x")).unwrap();
        insert(&connection, 1, "no record");
        let change = r#"DELETE FROM vectors_waiting; UPDATE images SET body = '{"prompt": "red heart"}'"#;
        connection.execute_batch(change).unwrap();
        let waiting = "SELECT count(*) FROM vectors_waiting WHERE kind = 'meaning'";
        assert_eq!(connection.query_row(waiting, [], |row| row.get::<_, u32>(0)).unwrap(), 1);
    }

    #[test]
    fn a_newer_database_is_refused_with_what_to_do() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", NEWEST + 1).unwrap();
        let error = migrate(&mut connection, Path::new("x")).unwrap_err();
        assert!(matches!(error, OpenError::Newer { .. }));
        assert!(error.to_string().contains("--data"), "{error}");
        assert_eq!(version(&connection), NEWEST + 1);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let mut connection = Connection::open_in_memory().unwrap();
        take(&mut connection, Step { sql: "CREATE TABLE a (b); CREATE TABLE a (b);", then: |_| Ok(()) }, 1)
            .unwrap_err();
        assert_eq!(version(&connection), 0);
        connection.execute("CREATE TABLE a (b)", []).unwrap();
    }
}
