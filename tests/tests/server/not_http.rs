//! Bytes that are no good HTTP: refused or dropped, and the server goes on.

use tintype_tests::{Server, Settings, raw};

#[tokio::test]
async fn what_is_no_good_http_is_refused_or_dropped_and_the_server_goes_on() {
    let server = Server::start(Settings::noop()).await;
    let post = "POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let cases: [(&str, Vec<u8>); 10] = [
        ("a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(8)),
        ("zeros", vec![0; 64]),
        ("no version", b"GET /livez\r\n\r\n".to_vec()),
        ("another protocol", b"GET /livez HTTQ/1.1\r\nhost: localhost\r\n\r\n".to_vec()),
        ("a line break in the address", b"GET /li\nvez HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec()),
        (
            "a header of 100 KB",
            format!("GET /livez HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(100_000)).into_bytes(),
        ),
        (
            "a thousand headers",
            format!("GET /livez HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1_000)).into_bytes(),
        ),
        ("a length of less than nothing", format!("{post}content-length: -1\r\n\r\n{{}}").into_bytes()),
        ("two lengths", format!("{post}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}").into_bytes()),
        ("a bad chunk", format!("{post}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}\r\n").into_bytes()),
    ];
    for (name, bytes) in cases {
        let answer = raw::send(server.address(), &bytes).await;
        let status = answer.map(|answer| answer.status);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{name}: {status:?}");
        server.client().get("/livez").send().await.expect(200);
    }
}

#[tokio::test]
async fn a_request_hidden_behind_two_ways_to_say_its_length_is_not_served() {
    let server = Server::start(Settings::noop()).await;
    let smuggled = b"POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n\
        POST /generate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n\
        {\"prompt\":\"x\"}";
    let answer = raw::send(server.address(), smuggled).await;
    assert!(answer.is_none_or(|answer| (400..500).contains(&answer.status)));
    let page = server.client().get("/jobs").send().await.expect(200).json();
    assert_eq!(page["items"], serde_json::json!([]));
}
