//! Finding pictures in a large library over HTTP: by words, and by filters in combination; and the same by looking at
//! every row.

use crate::Outcome;
use crate::http::Client;
use crate::report::{Report, Target, median, percentile};
use std::path::Path;
use std::time::Instant;

/// How often each query is asked.
const ASKED: usize = 40;
/// What a word search and a filter may take, in milliseconds.
const WORDS_MS: f64 = 20.0;
const FILTER_MS: f64 = 30.0;

/// Words that many pictures have, or few, or none; next to each other, and as beginnings.
const WORDS: [&str; 12] = [
    "q=heart",
    "q=red",
    "q=thing4711",
    "q=red+thing17",
    "q=%22red+heart%22",
    "q=%22heart+over+the+thing42%22",
    "q=thing47*",
    "q=h*",
    "q=t*",
    "q=thing17+thing18",
    "q=heart+over+and",
    "q=nothing",
];
/// Filters that go well together, and that rule each other out.
const FILTERS: [&str; 15] = [
    "favorite=true",
    "rating=5",
    "tag=tag+7",
    "favorite=true&rating=4",
    "tag=tag+7&favorite=true&rating=5",
    "width=512&height=512&favorite=true",
    "seed=7",
    "seed=7&favorite=true",
    "seed=4242",
    "seed=4242&tag=tag+7",
    "seed=4242&rating=5&width=256",
    "tag=tag+7&tag=tag+8",
    "width=256&height=1024",
    "from=2023-11-14T22:15:00Z&to=2023-11-14T22:16:00Z&rating=3",
    "q=red&favorite=true&rating=3&tag=tag+9&width=1024",
];

pub(crate) async fn measure(report: &mut Report, client: &mut Client, folder: &Path, images: u32) -> Outcome {
    let words = slowest(client, &WORDS, "").await?;
    add(report, &format!("a word search in {images} saved images"), &words, WORDS_MS);
    let filters = slowest(client, &FILTERS, "").await?;
    add(report, &format!("a filter over {images} saved images"), &filters, FILTER_MS);
    let oldest = slowest(client, &FILTERS, "&sort=oldest").await?;
    add(report, "the same filters, the oldest first", &oldest, FILTER_MS);
    let best = slowest(client, &WORDS, "&sort=best").await?;
    report.note("the same words, ranked: the slowest", format!("{:.1} ms, {}", best.ms, best.query));
    let timeline = timed(client, "/images/timeline?limit=200", 3).await?;
    report.note(
        "the timeline of all of it: its months and the cursor of each page",
        format!("{:.0} ms", median(&timeline)),
    );
    // The first question reads all vectors into memory.
    let meaning = "/images/by-meaning?limit=50&q=vehicles+in+the+sea";
    let (first, others) = (timed(client, meaning, 1).await?, timed(client, meaning, ASKED).await?);
    report.note(
        "a search by meaning, and the first one",
        format!("{:.0} ms, {:.0} ms", median(&others), median(&first)),
    );
    let (scan, rows) = by_scan(folder)?;
    report.note(
        "for comparison, a look at every row for one word, without HTTP",
        format!("{scan:.0} ms, {rows} found"),
    );
    Ok(())
}

/// The slowest of some queries, at its 99th percentile.
struct Slowest {
    query: String,
    ms: f64,
}

async fn slowest(client: &mut Client, queries: &[&str], more: &str) -> Outcome<Slowest> {
    let mut slowest = Slowest { query: String::new(), ms: 0.0 };
    for query in queries {
        let times = timed(client, &format!("/images?limit=50&{query}{more}"), ASKED).await?;
        let ms = percentile(&times, 0.99);
        if ms > slowest.ms {
            slowest = Slowest { query: (*query).to_owned(), ms };
        }
    }
    Ok(slowest)
}

/// Milliseconds of each answer.
async fn timed(client: &mut Client, path: &str, times: usize) -> Outcome<Vec<f64>> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let started = Instant::now();
        let answer = client.get(path).await?;
        took.push(started.elapsed().as_secs_f64() * 1e3);
        if answer.status != 200 {
            return Err(format!("{path}: {}", answer.status).into());
        }
    }
    Ok(took)
}

fn add(report: &mut Report, what: &str, slowest: &Slowest, allowed_ms: f64) {
    let (measured, floor) =
        (format!("{:.1} ms, {}", slowest.ms, slowest.query), format!("{allowed_ms} ms allowed"));
    report.ratio(what, measured, floor, slowest.ms / allowed_ms, Target::AtMost(1.0));
}

/// Milliseconds to look for a rare word in every record, and how many have it.
fn by_scan(folder: &Path) -> Outcome<(f64, usize)> {
    let database = rusqlite::Connection::open(folder.join("tintype.db"))?;
    let mut statement = database.prepare(
        "SELECT body FROM images WHERE owner = 'local' AND trashed_at IS NULL AND body LIKE '%thing4711 %' \
         ORDER BY saved_at DESC, id DESC LIMIT 50",
    )?;
    let started = Instant::now();
    let rows: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((started.elapsed().as_secs_f64() * 1e3, rows.len()))
}
