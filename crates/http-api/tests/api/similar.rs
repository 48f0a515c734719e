//! What looks alike, and what means the like.

use crate::desk::{Desk, ask};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::sync::Arc;
use tintype_core::{
    PortResult,
    domain::{Blob, Clock, Embedding, OutputFormat, Space, limits},
    imaging,
    ports::{Embedder, Ports, VectorIndex},
    use_cases::{Alike, Meaning, embed_prompts_waiting, embed_waiting},
};
use tintype_http::Access;
use tintype_memory::{Memory, MemoryVectors};
use tintype_word_vectors::WordVectors;

/// Looks at once.
#[derive(Debug)]
struct Eye;

#[async_trait]
impl Embedder for Eye {
    fn space(&self) -> Space {
        imaging::look_space()
    }

    async fn embed(&self, picture: &Blob) -> PortResult<Option<Embedding>> {
        imaging::look(picture.bytes(), picture.content_type(), &limits::IMAGES)
    }
}

/// A deployment that looks at what is saved, and reads its prompts, when it is told to.
struct Gallery {
    desk: Desk,
    alike: Alike,
    meaning: Meaning,
}

impl Gallery {
    async fn open() -> Self {
        let memory = Memory::new();
        let vectors = Arc::new(MemoryVectors::new(memory.metadata.clone()));
        vectors.use_space(&Eye.space()).await.unwrap();
        let alike = Alike { embedder: Arc::new(Eye), vectors };
        let prompts = Arc::new(MemoryVectors::new(memory.metadata.clone()));
        let meaning = Meaning { embedder: Arc::new(WordVectors), vectors: prompts };
        meaning.vectors.use_space(&meaning.embedder.space()).await.unwrap();
        let given = (alike.clone(), meaning.clone());
        let desk = Desk::build(
            Access::Open,
            |api| api.with_alike(given.0).with_meaning(given.1),
            |own| Ports { metadata: memory.metadata, images: memory.images, ..own },
        );
        Self { desk, alike, meaning }
    }

    async fn look(&self) -> u32 {
        let now = self.desk.memory.clock.now();
        let passed = embed_waiting(&self.desk.ports, &self.alike, 100, now).await;
        passed.outcome.unwrap();
        passed.images
    }

    async fn save(&self, colour: [u8; 3], across: bool) -> String {
        let pixel = |at: u32| {
            let place = if across { at / 32 } else { at % 32 };
            if (8..16).contains(&place) { colour } else { [255; 3] }
        };
        let picture = imaging::encode_rgb(32, 32, (0..32 * 32).flat_map(pixel).collect(), OutputFormat::Png);
        let image = STANDARD.encode(picture.unwrap().blob.bytes());
        self.desk.post("/save", json!({ "image": image })).await.id()
    }

    async fn similar(&self, id: &str, query: &str) -> Value {
        let answer = self.desk.get(&format!("/images/{id}/similar{query}")).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.json()["items"].clone()
    }
}

fn ids(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

const RED: [u8; 3] = [200, 20, 20];
const BLUE: [u8; 3] = [20, 20, 200];

#[tokio::test]
async fn the_likest_come_first_without_the_image_itself() {
    let gallery = Gallery::open().await;
    let (red, blue) = (gallery.save(RED, true).await, gallery.save(BLUE, true).await);
    let turned = gallery.save(RED, false).await;
    assert_eq!(gallery.look().await, 3);
    let items = gallery.similar(&red, "").await;
    assert_eq!(ids(&items), [blue.as_str(), &turned]);
    let scores: Vec<_> =
        items.as_array().unwrap().iter().map(|item| item["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[0] < 1.0, "{scores:?}");
    assert_eq!(ids(&gallery.similar(&red, "?limit=1").await), [blue.as_str()]);
}

#[tokio::test]
async fn what_is_in_the_trash_or_erased_is_not_found() {
    let gallery = Gallery::open().await;
    let red = gallery.save(RED, true).await;
    let (trashed, erased) = (gallery.save(BLUE, true).await, gallery.save(RED, false).await);
    let stays = gallery.save(BLUE, false).await;
    gallery.look().await;
    gallery.desk.send(ask("DELETE", &format!("/images/{trashed}"))).await;
    gallery.desk.send(ask("DELETE", &format!("/images/{erased}?permanent=true"))).await;
    assert_eq!(ids(&gallery.similar(&red, "?limit=1").await), [stays.as_str()]);
    gallery.desk.send(ask("POST", &format!("/images/{trashed}/restore"))).await;
    assert_eq!(ids(&gallery.similar(&red, "").await), [trashed.as_str(), &stays]);
}

#[tokio::test]
async fn an_image_that_was_not_looked_at_yet_is_a_conflict_and_says_so() {
    let gallery = Gallery::open().await;
    let red = gallery.save(RED, true).await;
    let answer = gallery.desk.get(&format!("/images/{red}/similar")).await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.problem(), "conflict");
    assert_eq!(gallery.look().await, 1);
    assert_eq!(gallery.look().await, 0);
    assert!(ids(&gallery.similar(&red, "").await).is_empty());
}

#[tokio::test]
async fn a_deployment_that_does_not_look_has_no_such_route() {
    let desk = Desk::open();
    let id = desk.saved_image().await;
    assert_eq!(desk.get(&format!("/images/{id}/similar")).await.problem(), "no_such_route");
    let gallery = Gallery::open().await;
    assert_eq!(gallery.desk.get("/images/x/similar").await.problem(), "not_found");
    assert_eq!(gallery.desk.get("/images/x/similar?near=1").await.problem(), "bad_query");
    let document = gallery.desk.get("/openapi.json").await.json();
    assert!(document["paths"]["/images/{id}/similar"]["get"].is_object());
}

impl Gallery {
    /// Saves a picture of a prompt, another one for each.
    async fn save_prompt(&self, prompt: &str) -> String {
        let shade = u8::try_from(prompt.len()).unwrap();
        let picture = imaging::encode_rgb(2, 2, vec![shade; 12], OutputFormat::Png).unwrap();
        let image = STANDARD.encode(picture.blob.bytes());
        self.desk.post("/save", json!({ "image": image, "prompt": prompt })).await.id()
    }

    async fn read(&self) -> u32 {
        let now = self.desk.memory.clock.now();
        let passed = embed_prompts_waiting(&self.desk.ports, &self.meaning, 100, now).await;
        passed.outcome.unwrap();
        passed.images
    }

    async fn by_meaning(&self, query: &str) -> Value {
        let answer = self.desk.get(&format!("/images/by-meaning{query}")).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.json()
    }
}

#[tokio::test]
async fn prompts_that_mean_the_like_are_found_without_a_word_in_common() {
    let gallery = Gallery::open().await;
    let car = gallery.save_prompt("a red sports car").await;
    let truck = gallery.save_prompt("an old delivery truck at night").await;
    gallery.save_prompt("a violin on a table").await;
    // One that has no prompt, and one whose prompt says nothing.
    gallery.save(RED, true).await;
    gallery.save_prompt("the of").await;
    assert!(ids(&gallery.by_meaning("?q=vehicles").await["items"]).is_empty());
    assert_eq!((gallery.read().await, gallery.read().await), (5, 0));
    let answer = gallery.by_meaning("?q=vehicles").await;
    assert_eq!(ids(&answer["items"]), [truck.as_str(), &car]);
    assert_eq!(answer["unknown"], json!([]));
    assert_eq!(ids(&gallery.by_meaning("?q=vehicles&limit=1").await["items"]).len(), 1);
    assert!(ids(&gallery.by_meaning("?q=tax%20law").await["items"]).is_empty());

    gallery.desk.send(ask("DELETE", &format!("/images/{car}"))).await;
    assert_eq!(ids(&gallery.by_meaning("?q=vehicles").await["items"]), [truck.as_str()]);
    gallery.desk.send(ask("DELETE", &format!("/images/{truck}?permanent=true"))).await;
    assert!(ids(&gallery.by_meaning("?q=vehicles").await["items"]).is_empty());
}

#[tokio::test]
async fn words_that_are_not_known_are_told() {
    let gallery = Gallery::open().await;
    let answer = gallery.by_meaning("?q=Qwrtzp+vehicles").await;
    assert_eq!(answer, json!({ "items": [], "unknown": ["qwrtzp"] }));
}

#[tokio::test]
async fn a_meaning_is_asked_for_in_words_of_a_bounded_length() {
    let gallery = Gallery::open().await;
    let long = format!("?q={}", "a".repeat(201));
    for query in ["", "?q=", "?q=...", long.as_str()] {
        let answer = gallery.desk.get(&format!("/images/by-meaning{query}")).await;
        assert_eq!(
            (answer.problem(), answer.pointers()),
            ("bad_query".to_owned(), vec!["/q".to_owned()]),
            "{query}"
        );
    }
    assert_eq!(gallery.desk.get("/images/by-meaning?q=car&tag=red").await.problem(), "bad_query");
}

#[tokio::test]
async fn a_deployment_that_does_not_search_by_meaning_says_so_and_how_else_to_search() {
    let desk = Desk::open();
    for path in ["/images/by-meaning", "/images/by-meaning?q=car&limit=2"] {
        let answer = desk.get(path).await;
        assert_eq!(answer.problem(), "no_such_route");
        let detail = answer.json()["detail"].clone();
        assert!(detail.as_str().unwrap().starts_with("this server has no search by meaning"), "{detail}");
    }
    let document = desk.get("/openapi.json").await.json();
    assert!(document["paths"].get("/images/by-meaning").is_none());
}
