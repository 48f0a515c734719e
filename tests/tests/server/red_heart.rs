//! What the product promises first: ask for a red heart, and see one.

use serde_json::json;
use std::time::{Duration, Instant};
use tintype_tests::{Server, Settings, Socket, pictures, sha256, text};

/// What a red heart on white is, in mean colours: its middle is clearly more red than anything else, its corners are
/// light and of no colour.
fn is_red_heart(picture: &[u8]) -> Result<(), String> {
    let picture = pictures::decode(picture);
    if picture.dimensions() != (64, 64) {
        return Err(format!("{:?} pixels", picture.dimensions()));
    }
    let [red, green, blue] = pictures::mean_colour(&picture, 24, 24, 16);
    if red < 150 || green > 110 || blue > 110 {
        return Err(format!("the middle is not red: {red} {green} {blue}"));
    }
    for (left, top) in [(0, 0), (56, 0), (0, 56), (56, 56)] {
        let corner = pictures::mean_colour(&picture, left, top, 8);
        if corner.iter().any(|channel| *channel < 200) {
            return Err(format!("the corner at {left}, {top} is not white: {corner:?}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_red_heart_is_accepted_within_a_second_of_the_start_and_arrives_over_the_socket() {
    let server = Server::start(Settings::embedded()).await;
    // Not before the start: the program may have had to be built first.
    let (started_in, listening) = (server.started_in, Instant::now());
    let client = server.client();
    let accepted = client.generate(json!({ "prompt": "red heart", "seed": 7 })).await;
    let took = started_in + listening.elapsed();
    println!("listening after {started_in:?}, accepted after {took:?}");
    assert!(took < Duration::from_secs(1), "accepted after {took:?}");

    let mut socket = Socket::open(&client).await;
    socket.subscribe(text(&accepted, "/id"), 0).await;
    let last = socket.until_end(text(&accepted, "/id")).await.pop().unwrap();
    println!("arrived after {:?}", started_in + listening.elapsed());
    let image = &last["data"]["images"][0];
    let picture = client.get(text(image, "/url")).send().await.expect(200);
    keep(&picture.body);
    assert_eq!(sha256(&picture.body), text(image, "/sha256"));
    is_red_heart(&picture.body).unwrap();
}

/// `TINTYPE_KEEP` names a file for people who want to see for themselves.
#[expect(clippy::disallowed_methods, reason = "an edge: whoever runs the tests may want the picture")]
fn keep(picture: &[u8]) {
    if let Some(path) = std::env::var_os("TINTYPE_KEEP") {
        std::fs::write(path, picture).unwrap();
    }
}
