//! A large library: pictures of every kind in a database, as a server would have saved them.

use crate::Outcome;
use futures_util::{StreamExt, stream};
use std::path::Path;
use tintype_core::domain::{
    BlobId, ContentType, Entropy, GenerateInput, GenerationRequest, ImageId, ImageSource, Labels, ModelCard,
    OwnerId, SavedImage, Seed, SourceInput, ThumbHash, Timestamp, Version,
};
use tintype_core::ports::{Embedder, MetadataRepo, TextEmbedder, VectorIndex};
use tintype_local::{DataFolder, Database, LookEmbedder, SqliteMetadataRepo, SqliteVectorIndex, VectorKind};
use tintype_word_vectors::WordVectors;

/// How many inserts wait for the same commit.
const TOGETHER: usize = 2_000;
/// The colours that prompts begin with, each in one of so many.
pub(crate) const COLOURS: [&str; 4] = ["red", "blue", "green", "silver"];
/// How many other words there are.
pub(crate) const THINGS: u32 = 5_000;
/// How many tags there are.
pub(crate) const TAGS: u32 = 200;
/// The seed of about half of the pictures, as of somebody who keeps one.
const KEPT_SEED: u32 = 4_242;

/// Milliseconds after which the next three were saved, where a benchmark does not care.
pub(crate) const APART_MS: u32 = 1;

/// Fills the database in `folder` with images saved three at a time, `apart_ms` after each other. Their prompts are read; to
/// look at there is nothing, for they have no bytes. So a server of it begins with nothing to do.
pub(crate) async fn fill(folder: &Path, images: u32, apart_ms: u32) -> Outcome {
    let folder = DataFolder::open(folder)?;
    let database = Database::open(&folder)?;
    let metadata = SqliteMetadataRepo::new(database.clone());
    let looks = SqliteVectorIndex::new(database.clone(), VectorKind::Look);
    looks.use_space(&LookEmbedder::default().space()).await?;
    let meanings = SqliteVectorIndex::new(database, VectorKind::Meaning);
    meanings.use_space(&WordVectors.space()).await?;
    let request = request()?;
    let mut inserts = stream::iter(0..images)
        .map(|number| {
            let (metadata, looks, meanings, request) = (&metadata, &looks, &meanings, &request);
            async move {
                let image = image(number, apart_ms, request);
                let meaning = WordVectors.embed(image.prompt.as_deref().unwrap_or_default()).await?;
                metadata.insert(&image).await?;
                looks.put(&image.owner, &image.id, None, None).await?;
                meanings.put(&image.owner, &image.id, None, meaning.vector).await
            }
        })
        .buffer_unordered(TOGETHER);
    while let Some(inserted) = inserts.next().await {
        inserted?;
    }
    Ok(())
}

fn request() -> Outcome<GenerationRequest> {
    let input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
    Ok(GenerationRequest::resolve(&input, SourceInput::default(), &ModelCard::example(), Seed(1))?)
}

/// Image `number` of the library: everything about it follows from the number.
fn image(number: u32, apart_ms: u32, request: &GenerationRequest) -> SavedImage {
    let saved_at = Timestamp::from_millis(1_700_000_000_000 + i64::from(number / 3) * i64::from(apart_ms));
    let sha256 = BlobId::of(&number.to_be_bytes());
    let drawn = |place: usize, of: u32| {
        let bytes = sha256.as_bytes();
        u32::from_be_bytes([bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3]]) % of
    };
    let side = 256 << drawn(16, 3);
    SavedImage {
        id: ImageId::new(saved_at, &Entropy(*sha256.as_bytes())),
        owner: OwnerId::local(),
        sha256,
        content_type: ContentType::Png,
        bytes: 7_000,
        thumb_hash: ThumbHash::new(sha256.as_bytes()[..24].to_vec()),
        width: side,
        height: if drawn(20, 2) == 0 { side } else { 512 },
        prompt: Some(format!(
            "{} heart over the thing{} and thing{}",
            COLOURS[drawn(0, 4) as usize],
            drawn(4, THINGS),
            drawn(8, THINGS)
        )),
        source: ImageSource {
            job: None,
            request: Some(request.clone()),
            seed: Some(Seed(if drawn(22, 2) == 0 { KEPT_SEED } else { drawn(12, 1_000) })),
        },
        parent: None,
        title: None,
        note: None,
        tags: vec![format!("tag {}", drawn(24, TAGS))],
        collections: Vec::new(),
        favorite: drawn(28, 10) == 0,
        rating: u8::try_from(drawn(27, 6)).ok().filter(|rating| *rating > 0),
        labels: Labels::new(),
        saved_at,
        updated_at: saved_at,
        trashed_at: None,
        version: Version::FIRST,
    }
}
