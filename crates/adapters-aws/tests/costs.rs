//! What a page costs does not depend on how much there is, with a filter or without; what the index adds to a picture;
//! and nothing reads a whole table. All but the last is counted against an emulator, as the conformance tests are; without
//! one it is reported as ignored.

// Each test of this crate uses a part of it.
#[expect(dead_code, reason = "the conformance tests use the rest")]
mod support;

use futures_util::{StreamExt, stream};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::{fs, path::Path, process::ExitCode};
use support::{
    Emulator,
    exclusions::{self, NOT_COUNTED},
    meter::{Asked, Meter},
};
use tintype_aws::DynamoMetadataRepo;
use tintype_core::{
    domain::{ImageChange, ImageFilter, ImageQuery, PageSize, Position, SavedImage},
    ports::{InsertedImage, MetadataRepo},
};
use tintype_testkit::samples::{START, alice, at, saved_image};

/// How many images a large library has, where `TINTYPE_COSTS_IMAGES` does not say: more take an emulator long to write.
const MANY: u64 = 5_000;
/// How many images a small one has, and a page at the most.
const FEW: u64 = 10;

fn main() -> ExitCode {
    let trials = vec![
        Trial::ignorable_test(NOT_COUNTED.case, || counted(async |emulator| check_listing(&emulator).await)),
        Trial::ignorable_test("each_word_adds_two_units_to_a_picture", || {
            counted(async |emulator| check_saving(&emulator).await)
        }),
        Trial::ignorable_test("a_change_reads_one_unit_and_writes_one_and_what_the_index_gets", || {
            counted(async |emulator| check_changing(&emulator).await)
        }),
        Trial::test("no_source_file_scans", no_scan),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn counted(check: impl AsyncFnOnce(Emulator)) -> Result<Completion, Failed> {
    let Some(emulator) = Emulator::from_environment() else {
        return Ok(Completion::ignored_with(
            "TINTYPE_AWS_ENDPOINT is not set: run `bash tests/aws/conformance`",
        ));
    };
    if exclusions::emulator_from_environment() == Some(NOT_COUNTED.emulator) {
        return Ok(Completion::ignored_with(NOT_COUNTED.why));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(check(emulator));
    Ok(Completion::Completed)
}

async fn check_listing(emulator: &Emulator) {
    let (client, table) = emulator.table().await;
    let meter = Meter::default();
    let repo = DynamoMetadataRepo::new(meter.fitted_to(&client), table);
    save(&repo, 0..FEW).await;
    let of_few = read_page(&repo, &meter, None).await;
    let filtered_of_few = read_tagged(&repo, &meter).await;
    let many = many();
    save(&repo, FEW..many).await;
    let of_many = read_page(&repo, &meter, None).await;
    let far = saved_image(many / 2, (many / 2) as i64);
    let deep = read_page(&repo, &meter, Some(Position::of_image(far.saved_at, &far.id))).await;
    // Six places and the records of all six: one more than the page, to learn whether there are more.
    assert_eq!(of_few, Asked { requests: 2, items: 12, ..of_few });
    assert_eq!(of_many, of_few, "of {many} images");
    assert_eq!(deep, of_few, "in the middle of {many} images");
    // The tag and what may be anything, once each; then the records of the four.
    assert_eq!(filtered_of_few, Asked { requests: 3, items: 8, ..filtered_of_few });
    assert_eq!(read_tagged(&repo, &meter).await, filtered_of_few, "with a filter, of {many} images");
}

/// What a picture's insertion writes, in units.
async fn saving(repo: &DynamoMetadataRepo, meter: &Meter, n: u64, words: usize) -> usize {
    let prompt = (0..words).map(|word| format!("word{word} ")).collect();
    let image = SavedImage { prompt: Some(prompt), ..saved_image(n, 0) };
    meter.take();
    assert_eq!(repo.insert(&image).await.expect("insert"), InsertedImage::Created);
    meter.take().write_units
}

async fn check_saving(emulator: &Emulator) {
    let (client, table) = emulator.table().await;
    let meter = Meter::default();
    let repo = DynamoMetadataRepo::new(meter.fitted_to(&client), table);
    // Its record, its address, its place in the list; and its seed, which is in the index too.
    let without_words = saving(&repo, &meter, 1, 0).await;
    assert_eq!(without_words, 8);
    assert_eq!(saving(&repo, &meter, 2, 20).await, without_words + 40);
    // As many as an image is indexed by; its record has more than a KB.
    assert_eq!(saving(&repo, &meter, 3, 100).await, 8 + 180);
}

async fn check_changing(emulator: &Emulator) {
    let (client, table) = emulator.table().await;
    let meter = Meter::default();
    let repo = DynamoMetadataRepo::new(meter.fitted_to(&client), table);
    let image = saved_image(1, 0);
    assert_eq!(repo.insert(&image).await.expect("insert"), InsertedImage::Created);
    let change = async |edit: fn(&mut SavedImage)| {
        meter.take();
        let change = ImageChange::new(at(1), move |image| {
            let mut edited = image.clone();
            edit(&mut edited);
            Ok(edited)
        });
        repo.change(&alice(), &image.id, &change).await.expect("change").expect("applied");
        let Asked { requests, read_units, write_units, .. } = meter.take();
        (requests, read_units, write_units)
    };
    assert_eq!(change(|image| image.width = 65).await, (2, 1, 1));
    assert_eq!(change(|image| image.width = 65).await, (1, 1, 0), "nothing changes");
    // The tag is a facet, and its word is in the index too: two places more, and everything in a transaction.
    assert_eq!(change(|image| image.tags = vec!["star".to_owned()]).await, (2, 1, 6));
}

#[expect(clippy::disallowed_methods, reason = "how large the library is is a setting of the test")]
fn many() -> u64 {
    let given = std::env::var("TINTYPE_COSTS_IMAGES").ok();
    given.map_or(MANY, |given| given.parse().expect("TINTYPE_COSTS_IMAGES must be a number"))
}

async fn save(repo: &DynamoMetadataRepo, numbers: std::ops::Range<u64>) {
    let images = stream::iter(numbers).map(|n| async move {
        // The tag is a rare one.
        let tags = if n % 3 == 0 && n < FEW { vec!["rare".to_owned()] } else { Vec::new() };
        let image = SavedImage { tags, ..saved_image(n, n as i64) };
        let inserted = repo.insert(&image).await.expect("insert");
        assert_eq!(inserted, InsertedImage::Created);
    });
    images.buffer_unordered(16).collect::<()>().await;
}

async fn read_page(repo: &DynamoMetadataRepo, meter: &Meter, after: Option<Position>) -> Asked {
    meter.take();
    let query = ImageQuery { after, limit: PageSize::new(5).expect("a good size"), ..ImageQuery::default() };
    let page = repo.list(&alice(), &query, at(1).max(START)).await.expect("list");
    assert_eq!(page.items.len(), 5);
    meter.take()
}

async fn read_tagged(repo: &DynamoMetadataRepo, meter: &Meter) -> Asked {
    meter.take();
    let filter = ImageFilter { tags: vec!["rare".to_owned()], ..ImageFilter::default() };
    let query = ImageQuery { filter, limit: PageSize::new(5).expect("a good size"), ..ImageQuery::default() };
    let page = repo.list(&alice(), &query, START).await.expect("list");
    assert_eq!(page.items.len(), 4);
    meter.take()
}

fn no_scan() -> Result<(), Failed> {
    let mut sources = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources)?;
    assert!(sources.len() > 10, "only {} source files were found", sources.len());
    for (path, source) in sources {
        for call in [".scan(", "scan::builders", "execute_statement"] {
            if source.contains(call) {
                return Err(format!("{path} calls `{call}`: every read names its partition").into());
            }
        }
    }
    Ok(())
}

fn collect(folder: &Path, sources: &mut Vec<(String, String)>) -> Result<(), Failed> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, sources)?;
        } else {
            sources.push((path.display().to_string(), fs::read_to_string(&path)?));
        }
    }
    Ok(())
}
