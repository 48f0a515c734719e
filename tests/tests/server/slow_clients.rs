//! Clients that are slow or silent are cut off, and nobody else notices.

use std::{net::SocketAddr, time::Duration};
use tintype_tests::{Server, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

/// The longest any of them may last: the server's limits are 10 s for a head and 20 s for a body.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends `start`, then `drip` every half second; whether the server ended it in time.
async fn is_cut_off(address: SocketAddr, start: &[u8], drip: &[u8]) -> bool {
    let (mut reader, mut writer) = TcpStream::connect(address).await.unwrap().into_split();
    writer.write_all(start).await.unwrap();
    let dripping = async {
        loop {
            sleep(Duration::from_millis(500)).await;
            if drip.is_empty() || writer.write_all(drip).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut received = Vec::new();
    let ended = timeout(LIMIT, reader.read_to_end(&mut received));
    tokio::select! {
        ended = ended => ended.is_ok(),
        () = dripping => false,
    }
}

#[tokio::test]
async fn slow_clients_are_cut_off_and_others_are_served_meanwhile() {
    let server = Server::start(Settings::noop()).await;
    let address = server.address();
    let head = b"POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let with_length = [head.as_slice(), b"content-length: 1000\r\n\r\n{"].concat();
    let chunked = [head.as_slice(), b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"].concat();
    let cut_off = async {
        tokio::join!(
            is_cut_off(address, b"", b""),
            is_cut_off(address, b"GET /livez HT", b""),
            is_cut_off(address, b"GET /livez HTTP/1.1\r\n", b"x: y\r\n"),
            is_cut_off(address, &with_length, b""),
            is_cut_off(address, &with_length, b" "),
            is_cut_off(address, &chunked, b"1\r\n \r\n"),
        )
    };
    let others = async {
        loop {
            server.client().get("/livez").send().await.expect(200);
            sleep(Duration::from_millis(200)).await;
        }
    };
    let (silent, half_head, dripped_head, no_body, dripped_body, dripped_chunks) = tokio::select! {
        cut_off = cut_off => cut_off,
        () = others => unreachable!("it serves for ever"),
    };
    assert!(silent, "a client that says nothing");
    assert!(half_head, "a client that stops in its head");
    assert!(dripped_head, "a client that drips its head");
    assert!(no_body, "a client that stops in its body");
    assert!(dripped_body, "a client that drips its body");
    assert!(dripped_chunks, "a client that drips its chunks");
}
