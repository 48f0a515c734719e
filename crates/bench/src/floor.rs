//! The floor: the least axum program that does the same durable insert with group commit. It parses a prompt, gives it
//! an id, writes a row, and answers 202 once the row is on the disk.

use crate::Outcome;
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::mpsc;
use tokio::sync::oneshot;

type Insert = (u64, String, oneshot::Sender<()>);

/// Serves the floor from `folder` on any port, and writes the address to `folder/ready`.
pub(crate) async fn serve(folder: &Path) -> Outcome {
    let database = open(&folder.join("floor.db"))?;
    let (sender, inserts) = mpsc::channel();
    std::thread::spawn(move || write(database, &inserts));
    let router = Router::new().route("/generate", post(insert)).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    std::fs::write(folder.join("ready.new"), listener.local_addr()?.to_string())?;
    std::fs::rename(folder.join("ready.new"), folder.join("ready"))?;
    Ok(axum::serve(listener, router).await?)
}

fn open(path: &Path) -> Outcome<Connection> {
    let database = Connection::open(path)?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE jobs (id INTEGER PRIMARY KEY, body TEXT NOT NULL);",
    )?;
    Ok(database)
}

/// Commits all that waits together, then answers.
fn write(mut database: Connection, inserts: &mpsc::Receiver<Insert>) {
    while let Ok(first) = inserts.recv() {
        let batch: Vec<Insert> = std::iter::once(first).chain(inserts.try_iter()).collect();
        if commit(&mut database, &batch).is_ok() {
            for (_, _, answer) in batch {
                answer.send(()).ok();
            }
        }
    }
}

fn commit(database: &mut Connection, batch: &[Insert]) -> rusqlite::Result<()> {
    let transaction = database.transaction()?;
    {
        let mut statement = transaction.prepare_cached("INSERT INTO jobs (id, body) VALUES (?1, ?2)")?;
        for (id, body, _) in batch {
            statement.execute((id >> 1, body))?;
        }
    }
    transaction.commit()
}

async fn insert(
    State(sender): State<mpsc::Sender<Insert>>,
    Json(request): Json<Value>,
) -> Result<(StatusCode, Json<Value>), StatusCode> {
    let id = getrandom::u64().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let (answer, done) = oneshot::channel();
    sender.send((id, request.to_string(), answer)).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    done.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "status": "queued" }))))
}
