//! Clients that post, save and cancel until the server is gone.

use crate::record::{Life, Record};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};
use tintype_tests::{Answer, Client, Request, is_terminal, pictures, text};
use tokio::task::JoinSet;

const CLIENTS: usize = 6;
/// The most a client asks for in one cycle: what is told must be looked at, too.
const ASKS: usize = 40;

/// Counts uploads, so that no two are the same picture.
static UPLOADS: AtomicU32 = AtomicU32::new(0);

/// Lets the clients loose; each ends when the server does not answer any more.
pub(crate) fn start(client: &Client, record: &Arc<Mutex<Record>>, random: &mut fastrand::Rng) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = Lively {
            client: client.clone(),
            record: record.clone(),
            random: random.fork(),
            mine: Vec::new(),
            uploads: Vec::new(),
        };
        clients.spawn(client.run());
    }
    clients
}

/// A client that does at random what clients do.
struct Lively {
    client: Client,
    record: Arc<Mutex<Record>>,
    random: fastrand::Rng,
    /// Its jobs of this cycle.
    mine: Vec<String>,
    /// The pictures it uploaded in this cycle; no two clients upload the same.
    uploads: Vec<String>,
}

/// The server is gone.
struct Gone;

impl Lively {
    async fn run(mut self) {
        for _ in 0..ASKS {
            if self.step().await.is_err() {
                return;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Gone> {
        match self.random.u8(0..14) {
            0..=3 => self.post().await,
            4 | 5 => self.post_with_a_new_key().await,
            6 => self.post_with_an_old_key().await,
            7 | 8 => self.upload().await,
            9 => self.save().await,
            10..=12 => self.throw_away_or_take_back().await,
            _ => self.cancel().await,
        }
    }

    async fn post(&mut self) -> Result<(), Gone> {
        let count = self.random.u8(1..3);
        let request = self.client.post("/generate").json(&json!({ "prompt": "heart", "count": count }));
        let job = sent(request).await?.expect(202).json();
        self.accepted(&job);
        Ok(())
    }

    async fn post_with_a_new_key(&mut self) -> Result<(), Gone> {
        let (key, prompt) = (format!("{:x}", self.random.u128(..)), format!("heart {}", self.random.u32(..)));
        self.record.lock().unwrap().keys.insert(key.clone(), (prompt.clone(), None));
        self.post_keyed(key, prompt).await
    }

    /// As a client does that got no answer, or did not hear it.
    async fn post_with_an_old_key(&mut self) -> Result<(), Gone> {
        let Some((key, prompt)) = self.random_key() else { return Ok(()) };
        self.post_keyed(key, prompt).await
    }

    fn random_key(&mut self) -> Option<(String, String)> {
        let record = self.record.lock().unwrap();
        let index = self.random.usize(0..record.keys.len().max(1));
        record.keys.iter().nth(index).map(|(key, (prompt, _))| (key.clone(), prompt.clone()))
    }

    async fn post_keyed(&mut self, key: String, prompt: String) -> Result<(), Gone> {
        let request = self.client.post("/generate").header("idempotency-key", &key);
        let answer = sent(request.json(&json!({ "prompt": prompt }))).await?;
        // Still being accepted: nothing was told.
        if answer.status != 409 {
            let job = answer.expect(202).json();
            self.record.lock().unwrap().keyed(&key, text(&job, "/id"));
            self.accepted(&job);
        }
        Ok(())
    }

    async fn upload(&mut self) -> Result<(), Gone> {
        let number = UPLOADS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let image = pictures::base64(&pictures::png_of([number[1], number[2], number[3]]));
        let answer = sent(self.client.post("/save").json(&json!({ "image": image }))).await?;
        self.saved(&answer);
        self.uploads.push(text(&answer.json(), "/id").to_owned());
        Ok(())
    }

    async fn throw_away_or_take_back(&mut self) -> Result<(), Gone> {
        if self.uploads.is_empty() {
            return Ok(());
        }
        let index = self.random.usize(0..self.uploads.len());
        let (id, client) = (self.uploads[index].clone(), self.client.clone());
        let path = format!("/images/{id}");
        let (life, request) = match self.random.u8(0..4) {
            0 | 1 => (Life::Trashed, client.request("DELETE", path)),
            2 => (Life::Kept, client.post(format!("{path}/restore"))),
            _ => (Life::Erased, client.request("DELETE", format!("{path}?permanent=true"))),
        };
        if life == Life::Erased {
            self.uploads.swap_remove(index);
        }
        self.record.lock().unwrap().becoming(&id, life);
        let answer = sent(request).await?;
        assert!(matches!(answer.status, 200 | 204), "{life:?}: {answer:?}");
        self.record.lock().unwrap().lives(&id, life);
        Ok(())
    }

    async fn save(&mut self) -> Result<(), Gone> {
        let Some(id) = self.random.choice(&self.mine).cloned() else { return Ok(()) };
        let answer = sent(self.client.post("/save").json(&json!({ "job_id": id, "index": 0 }))).await?;
        // It may not have ended yet, or not well.
        if answer.status != 409 {
            self.saved(&answer);
            self.record.lock().unwrap().ended(&id, "succeeded");
        }
        Ok(())
    }

    async fn cancel(&mut self) -> Result<(), Gone> {
        let Some(id) = self.random.choice(&self.mine).cloned() else { return Ok(()) };
        let job = sent(self.client.post(format!("/jobs/{id}/cancel"))).await?.expect(200).json();
        let status = text(&job, "/status");
        assert!(is_terminal(&format!("job.{status}")), "canceling left it {status}");
        self.record.lock().unwrap().ended(&id, status);
        Ok(())
    }

    fn accepted(&mut self, job: &Value) {
        let id = text(job, "/id").to_owned();
        self.record.lock().unwrap().accepted(&id);
        self.mine.push(id);
    }

    fn saved(&self, answer: &Answer) {
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        let image = answer.json();
        self.record.lock().unwrap().saved(text(&image, "/id"), text(&image, "/sha256"));
    }
}

/// What a server that has been killed leaves unanswered was not acknowledged.
async fn sent(request: Request) -> Result<Answer, Gone> {
    request.try_send().await.map_err(|_| Gone)
}
