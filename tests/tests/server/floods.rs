//! Clients that take nothing, come in crowds, or guess: what they hold is bounded, and others are served meanwhile.

use serde_json::{Value, json};
use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};
use tintype_tests::{Client, Server, Settings, Socket, pictures, soon, text};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

/// How many clients ask and take nothing.
const STALLED: usize = 300;
/// The most memory that they may hold in all, in KiB.
const HELD_KIB: u64 = 100 * 1_000;
/// How long the server has to come to rest with them.
const SETTLING: Duration = Duration::from_secs(6);

/// Keeps a picture of noise of about 10 MB; its path.
async fn large_image(client: &Client) -> String {
    let image = pictures::noise_png(1_820);
    assert!(image.len() > 9_900_000, "{}", image.len());
    let image = pictures::base64(&image);
    let saved = client.post("/save").json(&json!({ "image": image, "prompt": "noise" })).send().await;
    let path = format!("/images/{}", text(&saved.expect(201).json(), "/id"));
    // What is made of a new picture in the background takes memory of its own.
    sleep(Duration::from_secs(3)).await;
    path
}

/// A client that asks for `path` and takes nothing of the answer.
async fn stalled(address: SocketAddr, path: &str, headers: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // What the system keeps for it is not the server's memory.
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// How much more memory than `before` a server has at its most, in KiB, with clients that take nothing of `path`, and how many of them
/// were answered with this status.
async fn held_by_stalled_clients(
    server: &Server,
    before: u64,
    path: &str,
    headers: &str,
    status: u16,
) -> (u64, usize) {
    server.forget_peak();
    let mut clients = Vec::new();
    for _ in 0..STALLED {
        clients.push(stalled(server.address(), path, headers).await);
    }
    sleep(SETTLING).await;
    let held = server.peak_kib().saturating_sub(before);
    let starts: Vec<_> = clients.into_iter().map(|client| tokio::spawn(status_of(client))).collect();
    let mut answered = 0;
    for start in starts {
        answered += usize::from(start.await.unwrap() == Some(status));
    }
    (held, answered)
}

/// The status that has come, if one has.
async fn status_of(mut client: TcpStream) -> Option<u16> {
    let mut start = [0; 12];
    timeout(Duration::from_secs(2), client.read_exact(&mut start)).await.ok()?.ok()?;
    std::str::from_utf8(&start).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

#[tokio::test]
async fn three_hundred_stalled_downloads_of_10_mb_hold_less_than_100_mb() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let path = format!("{}/content", large_image(&client).await);
    let before = server.resident_kib();
    for (headers, status) in [("", 200), ("range: bytes=1000-\r\n", 206)] {
        let (held, answered) = held_by_stalled_clients(&server, before, &path, headers, status).await;
        println!("{STALLED} stalled downloads {headers:?}: {held} KiB");
        assert_eq!(answered, STALLED, "all are answered at the same time");
        assert!(held <= HELD_KIB, "{held} KiB are held");
    }
    // Others are served, whole and right.
    let whole = client.get(&path).send().await.expect(200);
    assert_eq!(whole.header("content-length"), whole.body.len().to_string());
    assert!(whole.body == pictures::noise_png(1_820), "the bytes differ");
}

#[tokio::test]
async fn a_download_whose_blob_is_removed_or_damaged_meanwhile_breaks_off() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = large_image(&client).await;
    let sha256 = client.get(&image).send().await.expect(200).json()["sha256"].as_str().unwrap().to_owned();
    let blob = server.data().join("blobs").join(&sha256[..2]).join(&sha256[2..4]).join(&sha256);
    let right = pictures::noise_png(1_820);
    for damage in [true, false] {
        let mut download =
            stalled(server.address(), &format!("{image}/content"), "connection: close\r\n").await;
        download.read_exact(&mut [0; 1]).await.unwrap();
        if damage {
            std::fs::write(&blob, vec![0; right.len()]).unwrap();
        } else {
            std::fs::remove_file(&blob).unwrap();
        }
        let mut received = Vec::new();
        drop(soon("the end of the download", download.read_to_end(&mut received)).await);
        let start = received.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert!(received.len() - start < right.len(), "it is not whole");
        assert!(right.starts_with(&received[start..]), "no byte is wrong");
        let status = client.get(format!("{image}/content")).send().await.status;
        assert_eq!(status, if damage { 500 } else { 404 });
        std::fs::write(&blob, &right).unwrap();
    }
    assert!(client.get(format!("{image}/content")).send().await.expect(200).body == right);
}

#[tokio::test]
async fn stalled_downloads_that_are_made_in_memory_hold_less_than_100_mb() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let image = large_image(&client).await;
    // Made before: what that takes is bounded elsewhere.
    let rendition = format!("{image}/content?w=1800&format=png");
    let made = client.get(&rendition).send().await.expect(200);
    assert!(made.body.len() > 5_000_000, "{}", made.body.len());
    let others = format!("{image}/content?w=64&format=jpeg");
    client.get(&others).send().await.expect(200);
    let before = server.resident_kib();
    for path in [format!("{image}/content?strip=metadata"), rendition] {
        let (held, answered) = held_by_stalled_clients(&server, before, &path, "", 200).await;
        println!("{STALLED} stalled downloads of {path}: {held} KiB, {answered} answered");
        assert!(answered > 0, "some are answered");
        assert!(held <= HELD_KIB, "{held} KiB are held for {path}");
    }
    client.get(&others).send().await.expect(200);
}

#[tokio::test]
async fn stalled_lists_hold_less_than_100_mb() {
    let server = Server::start(Settings::noop().workers(0)).await;
    let client = server.client();
    // The longest prompts, of characters of four bytes.
    let long = "\u{1f5bc}".repeat(2_000);
    for _ in 0..100 {
        client.generate(json!({ "prompt": long, "negative_prompt": long })).await;
    }
    let path = "/jobs?limit=100";
    assert!(client.get(path).send().await.expect(200).body.len() > 1_500_000);
    let before = server.resident_kib();
    let (held, answered) = held_by_stalled_clients(&server, before, path, "", 200).await;
    println!("{STALLED} stalled lists: {held} KiB, {answered} answered");
    assert!(answered > 0, "some are answered");
    assert!(held <= HELD_KIB, "{held} KiB are held");
    soon("a list after the stalled ones are gone", async {
        while client.get(path).send().await.status != 200 {
            sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn with_64_open_files_idle_sockets_starve_neither_saves_nor_jobs() {
    let server = Server::start(Settings::noop().open_files(64)).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let client = server.client();
    for shade in 0..10 {
        let image = pictures::base64(&pictures::png(shade));
        let saved = client.post("/save").json(&json!({ "image": image, "prompt": "x" })).send().await;
        let id = text(&saved.expect(201).json(), "/id").to_owned();
        let content = client.get(format!("/images/{id}/content")).send().await.expect(200);
        assert_eq!(content.body, pictures::png(shade));
        client.drawn(json!({ "prompt": "a cat" })).await;
        idle.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let log = server.log();
    assert!(!log.contains("no connection can be accepted") && !log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn the_longest_idle_connection_is_closed_for_a_new_one_and_a_busy_one_is_not() {
    let server = Server::start(Settings::noop().flag("max-connections", 8)).await;
    let client = server.client();
    let mut socket = Socket::open(&client).await;
    let mut oldest = TcpStream::connect(server.address()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
        client.get("/livez").send().await.expect(200);
    }
    assert_eq!(soon("the end of the oldest", oldest.read(&mut [0])).await.unwrap_or(0), 0);
    socket.say(&json!({ "action": "ping" })).await;
    assert_eq!(socket.next().await["type"], "pong");
}

#[tokio::test]
async fn where_every_connection_is_busy_one_more_is_answered_with_503() {
    let server = Server::start(Settings::noop().flag("max-connections", 2)).await;
    let client = server.client();
    let _busy = (Socket::open(&client).await, Socket::open(&client).await);
    let refused = client.get("/livez").send_regardless().await;
    assert_eq!(refused.header("retry-after"), "2");
    refused.problem(503, "unavailable");
}

/// The status of an answer to a client whose address is this one of the machine.
async fn status_from(address: IpAddr, server: SocketAddr) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    let head = "GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    drop(stream.write_all(head.as_bytes()).await);
    let mut answer = Vec::new();
    drop(soon("an answer", stream.read_to_end(&mut answer)).await);
    String::from_utf8_lossy(&answer).split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn one_address_cannot_take_the_places_of_others() {
    let settings = Settings::noop().flag("max-connections", 8).flag("max-connections-per-address", 4);
    let server = Server::start(settings).await;
    let client = server.client();
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(Socket::open(&client).await);
    }
    let [crowded, other] = ["127.0.0.1", "127.0.0.2"].map(|address| address.parse().unwrap());
    assert_eq!(status_from(crowded, server.address()).await, 503);
    assert_eq!(status_from(other, server.address()).await, 200);
}

#[tokio::test]
async fn connections_without_a_key_cannot_take_all_places() {
    let settings = Settings::noop().key("anna", "secret").flag("max-connections", 8);
    let server = Server::start(settings).await;
    let client = server.client_with_key("secret");
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Socket::open(&client).await);
    }
    let mut without_key = Vec::new();
    for _ in 0..50 {
        without_key.push(TcpStream::connect(server.address()).await.unwrap());
    }
    client.get("/images").send().await.expect(200);
    for socket in &mut sockets {
        socket.say(&json!({ "action": "ping" })).await;
        assert_eq!(socket.next().await["type"], "pong");
    }
}

#[tokio::test]
async fn a_websocket_that_is_flooded_with_messages_is_closed_with_1008() {
    let server = Server::start(Settings::noop()).await;
    let client = server.client();
    let mut socket = Socket::open(&client).await;
    let ping = json!({ "action": "ping" }).to_string();
    for _ in 0..5_000 {
        if !socket.try_say(&ping).await {
            break;
        }
    }
    assert_eq!(socket.goodbye().await.map(u16::from), Some(1008));
    // As many as a client needs that follows the most jobs.
    let mut honest = Socket::open(&client).await;
    for _ in 0..512 {
        honest.say_text(ping.clone()).await;
    }
    for _ in 0..512 {
        assert_eq!(honest.next().await["type"], "pong");
    }
}

#[tokio::test]
async fn wrong_keys_are_slowed_and_then_refused_while_a_right_one_is_served_from_the_same_address() {
    let server = Server::start(Settings::noop().key("anna", "secret")).await;
    let wrong = server.client_with_key("guess");
    for _ in 0..10 {
        let started = Instant::now();
        wrong.get("/images").send().await.problem(401, "unauthorized");
        assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    }
    // What follows is late; all at once, so that the test is not.
    let late: Vec<_> = (0..20).map(|_| tokio::spawn(guess(wrong.clone()))).collect();
    let mut statuses = Vec::new();
    for guess in late {
        let (answer, took) = guess.await.unwrap();
        assert!(took >= Duration::from_secs(1), "{took:?}");
        statuses.push(answer["status"].clone());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
    let throttled = wrong.get("/images").send().await.expect(429);
    let seconds: u64 = throttled.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    throttled.problem(429, "throttled");
    let started = Instant::now();
    server.client_with_key("secret").get("/images").send().await.expect(200);
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    // No key at all is no guess.
    server.client().get("/images").send().await.problem(401, "unauthorized");
    // Nor does a wrong ticket get around it.
    let ticket = server.client().get("/ws?ticket=ticket_guess");
    let ticket = ticket.header("connection", "upgrade").header("upgrade", "websocket");
    let ticket =
        ticket.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    ticket.send().await.problem(429, "throttled");
}

async fn guess(client: Client) -> (Value, Duration) {
    let started = Instant::now();
    let answer = client.get("/images").send().await.json();
    (answer, started.elapsed())
}
