//! Pages of a large library: the last against the first, over HTTP, and against a page by OFFSET in the same database.

use crate::Outcome;
use crate::http::Client;
use crate::process::Server;
use crate::report::{Report, Target, median};
use futures_util::{StreamExt, stream};
use std::path::Path;
use std::time::Instant;
use tintype_core::domain::{
    BlobId, ContentType, Entropy, ImageId, ImageSource, Labels, OwnerId, SavedImage, ThumbHash, Timestamp,
    Version,
};
use tintype_core::ports::MetadataRepo;
use tintype_local::{DataFolder, Database, SqliteMetadataRepo};

/// How many inserts wait for the same commit.
const TOGETHER: usize = 2_000;
/// How often each of the two pages is read, in turn.
const READS: usize = 300;

pub(crate) async fn measure(report: &mut Report, images: u32) -> Outcome {
    let folder = tempfile::tempdir()?;
    fill(folder.path(), images).await?;
    let server = Server::tintype_on(folder.path(), &["--model", "noop"]).await?;
    let mut client = Client::connect(&server.address).await?;
    let last = walk(&mut client).await?;
    let (mut firsts, mut lasts, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..READS {
        let first = read(&mut client, "/images?limit=50").await?.0;
        let deep = read(&mut client, &last).await?.0;
        firsts.push(first * 1e3);
        lasts.push(deep * 1e3);
        ratios.push(deep / first);
    }
    drop(server);
    report.ratio(
        &format!("a page of 50 of {images} saved images, last / first"),
        format!("{:.2} ms", median(&lasts)),
        format!("first {:.2} ms", median(&firsts)),
        median(&ratios),
        Target::AtMost(1.3),
    );
    let offset = by_offset(folder.path(), images)?;
    report
        .note("for comparison, the rows of the last page by OFFSET, without HTTP", format!("{offset:.1} ms"));
    Ok(())
}

/// Follows the cursors to the last full page, and returns its path.
async fn walk(client: &mut Client) -> Outcome<String> {
    let (mut path, mut before) = ("/images?limit=200".to_owned(), String::new());
    loop {
        let (_, page) = read(client, &path).await?;
        match page["next_cursor"].as_str() {
            Some(cursor) => {
                before = cursor.to_owned();
                path = format!("/images?limit=200&cursor={cursor}");
            }
            None => return Ok(format!("/images?limit=50&cursor={before}")),
        }
    }
}

async fn read(client: &mut Client, path: &str) -> Outcome<(f64, serde_json::Value)> {
    let started = Instant::now();
    let answer = client.get(path).await?;
    let elapsed = started.elapsed().as_secs_f64();
    let page = answer.json()?;
    match page["items"].as_array() {
        Some(items) if items.len() >= 50 => Ok((elapsed, page)),
        _ => Err(format!("{path} gave no full page: {}", answer.status).into()),
    }
}

async fn fill(folder: &Path, images: u32) -> Outcome {
    let folder = DataFolder::open(folder)?;
    let metadata = SqliteMetadataRepo::new(Database::open(&folder)?);
    let mut inserts = stream::iter(0..images)
        .map(|number| {
            let metadata = &metadata;
            async move { metadata.insert(&image(number)).await }
        })
        .buffer_unordered(TOGETHER);
    while let Some(inserted) = inserts.next().await {
        inserted?;
    }
    Ok(())
}

/// Image `number` of the library: its time and its bytes' address follow from the number.
fn image(number: u32) -> SavedImage {
    let saved_at = Timestamp::from_millis(1_700_000_000_000 + i64::from(number / 3));
    let sha256 = BlobId::of(&number.to_be_bytes());
    SavedImage {
        id: ImageId::new(saved_at, &Entropy(*sha256.as_bytes())),
        owner: OwnerId::local(),
        sha256,
        content_type: ContentType::Png,
        bytes: 7_000,
        width: 64,
        height: 64,
        thumb_hash: ThumbHash::new(sha256.as_bytes()[..24].to_vec()),
        prompt: Some(format!("red heart number {number}")),
        source: ImageSource::default(),
        title: None,
        note: None,
        tags: vec!["bench".to_owned()],
        favorite: number.is_multiple_of(10),
        rating: None,
        labels: Labels::new(),
        saved_at,
        updated_at: saved_at,
        trashed_at: None,
        version: Version::FIRST,
    }
}

/// Milliseconds to read the last 50 rows the way that pages by number do.
fn by_offset(folder: &Path, images: u32) -> Outcome<f64> {
    let database = rusqlite::Connection::open(folder.join("tintype.db"))?;
    let sql = "SELECT body FROM images WHERE owner = 'local' AND trashed_at IS NULL \
               ORDER BY saved_at DESC, id DESC LIMIT 50 OFFSET ?";
    let mut statement = database.prepare(sql)?;
    let started = Instant::now();
    let rows: Vec<String> =
        statement.query_map([images.saturating_sub(50)], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if rows.len() != 50 {
        return Err(format!("OFFSET gave {} rows", rows.len()).into());
    }
    Ok(started.elapsed().as_secs_f64() * 1e3)
}
