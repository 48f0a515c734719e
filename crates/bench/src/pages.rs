//! Pages of a large library: the last against the first, over HTTP, and against a page by OFFSET in the same database.

use crate::Outcome;
use crate::http::Client;
use crate::process::Server;
use crate::report::{Report, Target, median, percentile};
use crate::{library, search};
use std::path::Path;
use std::time::Instant;

/// How often each of the two pages is read, in turn.
const READS: usize = 300;
/// What a page may take, in milliseconds.
const PAGE_MS: f64 = 3.0;

pub(crate) async fn measure(report: &mut Report, images: u32) -> Outcome {
    let folder = tempfile::tempdir()?;
    library::fill(folder.path(), images, library::APART_MS).await?;
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
    search::measure(report, &mut client, folder.path(), images).await?;
    drop(server);
    let slowest = percentile(&firsts, 0.99).max(percentile(&lasts, 0.99));
    report.ratio(
        "any page of 50, at the 99th percentile",
        format!("{slowest:.2} ms"),
        format!("{PAGE_MS} ms allowed"),
        slowest / PAGE_MS,
        Target::AtMost(1.0),
    );
    report.ratio(
        &format!("a page of 50 of {images} saved images, last / first"),
        format!("{:.2} ms", median(&lasts)),
        format!("first {:.2} ms", median(&firsts)),
        median(&ratios),
        Target::AtMost(1.2),
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
