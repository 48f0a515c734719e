//! The library's id and commit counter beside the blobs: how a database that is new, foreign or older is told from the one
//! that the blobs were stored with.
//!
//! The mark is a copy of two values of the table `library`, in the file `blobs/LIBRARY`. It is renewed at every start, before
//! every sweep that deletes, and every minute in between. The database is never behind its mark, unless it lost commits.

use crate::{
    durable,
    error::OpenError,
    image_store::{BLOBS, is_any_blob},
    private::{self, make_private},
};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use std::{
    fs::{self, FileTimes},
    io,
    path::{Path, PathBuf},
};

/// The mark's name in the folder of blobs.
const FILE: &str = "LIBRARY";

/// Which library it is, and how many transactions it has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LibraryMark {
    /// The library's id.
    pub(crate) library: String,
    /// Its commit counter.
    pub(crate) commits: u64,
}

fn path(folder: &Path) -> PathBuf {
    folder.join(BLOBS).join(FILE)
}

impl LibraryMark {
    /// The mark beside the blobs of the data folder. `None` if there is none, or it can't be understood: then the number of
    /// orphans is the only thing that tells a lost database.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read(path(folder)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mark = Self::parse(&text);
        if mark.is_none() {
            tracing::warn!(file = %path(folder).display(), "the mark of the library can't be read; it is written anew");
        }
        Ok(mark)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let mark: Value = serde_json::from_slice(text).ok()?;
        let (library, commits) = (mark["library"].as_str()?.to_owned(), mark["commits"].as_u64()?);
        let mark_of_values = Self { library, commits };
        (mark["checksum"].as_u64()? == mark_of_values.checksum()).then_some(mark_of_values)
    }

    fn checksum(&self) -> u64 {
        u64::from(crc32fast::hash(format!("{} {}", self.library, self.commits).as_bytes()))
    }

    /// Writes the mark beside the blobs, durably.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let path = path(folder);
        make_private(&folder.join(BLOBS))?;
        let mark = json!({ "library": self.library, "commits": self.commits, "checksum": self.checksum() });
        let unfinished = path.with_extension("part");
        durable::fill(private::create(&unfinished)?, format!("{mark}\n").as_bytes(), FileTimes::new())?;
        durable::rename(&unfinished, &path)
    }

    /// The id and the counter that the database itself has. An earlier layout has no counter; `None` if it has no id either.
    pub(crate) fn of(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let columns = "SELECT count(*) FROM pragma_table_info('library') WHERE name = ?";
        let has = |column: &str| connection.query_row(columns, [column], |row| row.get::<_, bool>(0));
        if !has("id")? {
            return Ok(None);
        }
        let sql =
            if has("commits")? { "SELECT id, commits FROM library" } else { "SELECT id, 0 FROM library" };
        let values = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(values.map(|(library, commits)| Self { library, commits }))
    }
}

/// Refuses a database that has no record of the blobs beside it.
pub(crate) fn refuse_new(folder: &Path, database: &Path) -> Result<(), OpenError> {
    let at = |path: PathBuf| move |source| OpenError::File { path, source };
    let is_new = match fs::metadata(database) {
        Ok(found) => found.len() == 0,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(at(database.to_owned())(error)),
    };
    let blobs = folder.join(BLOBS);
    if is_new && is_any_blob(&blobs).map_err(at(blobs))? {
        return Err(OpenError::LostDatabase { folder: folder.to_owned() });
    }
    Ok(())
}

/// The mark of the library that the blobs of a data folder were stored with; `None` if there are no blobs, or no mark.
pub(crate) fn of_the_blobs(folder: &Path) -> Result<Option<LibraryMark>, OpenError> {
    let blobs = folder.join(BLOBS);
    let at = |path: PathBuf| move |source| OpenError::File { path, source };
    let mark = LibraryMark::read(folder).map_err(at(path(folder)))?;
    Ok(if is_any_blob(&blobs).map_err(at(blobs))? { mark } else { None })
}

/// Refuses a database that is not the one with this mark of the blobs beside it, or an older copy of it. The mark is to be
/// read before the database.
pub(crate) fn refuse_other(
    mark: Option<&LibraryMark>,
    folder: &Path,
    connection: &Connection,
) -> Result<(), OpenError> {
    let Some(mark) = mark else { return Ok(()) };
    let failed = |source| OpenError::Database { folder: folder.to_owned(), source };
    let folder = folder.to_owned();
    match LibraryMark::of(connection).map_err(failed)? {
        Some(ours) if ours.library != mark.library => Err(OpenError::ForeignDatabase { folder }),
        Some(ours) if ours.commits < mark.commits => {
            Err(OpenError::OlderDatabase { folder, missing: mark.commits - ours.commits })
        }
        Some(_) => Ok(()),
        None => Err(OpenError::ForeignDatabase { folder }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_a_damaged_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(LibraryMark::read(folder.path()).unwrap(), None);
        let mark = LibraryMark { library: "abc".to_owned(), commits: 7 };
        mark.write(folder.path()).unwrap();
        assert_eq!(LibraryMark::read(folder.path()).unwrap(), Some(mark));
        let text = fs::read_to_string(path(folder.path())).unwrap();
        fs::write(path(folder.path()), text.replace(":7", ":6")).unwrap();
        assert_eq!(LibraryMark::read(folder.path()).unwrap(), None);
    }
}
