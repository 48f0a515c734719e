//! Input of every bad kind: refused with a 4xx problem that names what is wrong, and it costs the server nothing.

use serde_json::{Value, json};
use tintype_tests::{Answer, Client, Request, Server, Settings, pictures, text};

/// How much more memory the server may have in use after everything bad was sent twenty times.
const GROWTH_KIB: u64 = 64 * 1024;

/// A bad request, and what must be said of it.
struct Case {
    name: &'static str,
    request: Request,
    status: u16,
    code: &'static str,
    /// The field it must name, where it is about one.
    pointer: Option<&'static str>,
}

impl Case {
    fn check(&self, answer: Answer) {
        let problem = answer.problem(self.status, self.code);
        assert!(!text(&problem, "/detail").is_empty(), "{}", self.name);
        assert!(!text(&problem, "/request_id").is_empty(), "{}", self.name);
        if let Some(pointer) = self.pointer {
            let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{}: {problem:#}", self.name));
            assert!(errors.iter().any(|error| error["pointer"] == pointer), "{}: {problem:#}", self.name);
        }
        // Its `instance` is the address that was asked for, and no more of what was sent comes back.
        assert!(problem.to_string().len() < 12_288, "{}: the answer repeats what was sent", self.name);
    }
}

/// Collects cases against one server that has a job and an image.
struct Cases {
    client: Client,
    job: String,
    image: String,
    all: Vec<Case>,
}

impl Cases {
    fn add(
        &mut self,
        name: &'static str,
        request: Request,
        status: u16,
        code: &'static str,
        pointer: &'static str,
    ) {
        let pointer = Some(pointer).filter(|pointer| !pointer.is_empty());
        self.all.push(Case { name, request, status, code, pointer });
    }

    /// A body for `/generate` that is JSON and wrong in one field.
    #[expect(clippy::needless_pass_by_value, reason = "so that a case is one line")]
    fn field(&mut self, name: &'static str, body: Value, pointer: &'static str) {
        self.add(name, self.client.post("/generate").json(&body), 422, "invalid", pointer);
    }

    /// A body for `/generate`, as it is.
    fn body(
        &mut self,
        name: &'static str,
        body: Vec<u8>,
        status: u16,
        code: &'static str,
        pointer: &'static str,
    ) {
        self.add(name, self.client.post("/generate").body(body), status, code, pointer);
    }

    /// A picture for `/save`.
    fn picture(&mut self, name: &'static str, image: &str) {
        self.add(name, self.client.post("/save").json(&json!({ "image": image })), 422, "invalid", "/image");
    }

    fn fields(&mut self) {
        self.field("no prompt", json!({}), "/prompt");
        self.field("an empty prompt", json!({ "prompt": "" }), "/prompt");
        self.field("a blank prompt", json!({ "prompt": " \n\t" }), "/prompt");
        self.field("a prompt of 2,001 characters", json!({ "prompt": "é".repeat(2_001) }), "/prompt");
        self.field("a prompt of a megabyte", json!({ "prompt": "x".repeat(1 << 20) }), "/prompt");
        self.field("a control character", json!({ "prompt": "red\u{0}heart" }), "/prompt");
        self.field(
            "a negative prompt that is too long",
            with("negative_prompt", json!("x".repeat(2_001))),
            "/negative_prompt",
        );
        self.field("a seed below 0", with("seed", json!(-1)), "/seed");
        self.field("a seed past the largest", with("seed", json!(4_294_967_296_u64)), "/seed");
        self.field("a size that is not allowed", with("width", json!(100)), "/width");
        self.field("a size that overflows", with("height", json!(i64::MAX)), "/height");
        self.field("no steps", with("steps", json!(0)), "/steps");
        self.field("too many images", with("count", json!(1_000)), "/count");
        self.field("too strong a guidance", with("guidance_scale", json!(1e300)), "/guidance_scale");
        self.field("a guidance of less than nothing", with("guidance_scale", json!(-1)), "/guidance_scale");
        self.field("a priority that is too high", with("priority", json!(10)), "/priority");
        self.field("a deadline in the past", with("deadline_s", json!(0)), "/deadline_s");
        self.field("an unknown model", with("model", json!("../../etc/passwd")), "/model");
        self.field("an unknown scheduler", with("scheduler", json!("magic")), "/scheduler");
        self.field("an unknown format", with("output_format", json!("svg")), "/output_format");
        self.field("an unknown field", with("promt", json!("x")), "/promt");
        self.field(
            "a webhook to a private address",
            with("webhook", json!("http://169.254.169.254/")),
            "/webhook",
        );
        self.field(
            "too many labels",
            with("labels", (0..17).map(|n| (n.to_string(), json!("x"))).collect()),
            "/labels",
        );
        self.field("a label without a name", with("labels", json!({ "": "x" })), "/labels/");
        self.field("a strength without an image", with("strength", json!(0.5)), "/strength");
        self.field(
            "an image the model can't start from",
            with("init_image", json!(pictures::base64(&pictures::png(1)))),
            "/init_image",
        );
        self.field("text for a number", with("width", json!("64")), "/width");
        self.field("a fraction for a whole number", with("steps", json!(1.5)), "/steps");
        self.field("a list for a text", json!({ "prompt": ["red heart"] }), "/prompt");
        self.field("a number for a label", with("labels", json!({ "a": 1 })), "/labels/a");
        self.field("a list for an object", json!(["red heart"]), "");
    }

    fn bodies(&mut self) {
        self.body("no body", vec![], 400, "bad_json", "");
        self.body("half an object", b"{\"prompt\":".to_vec(), 400, "bad_json", "");
        self.body("more after the object", b"{\"prompt\":\"x\"} {}".to_vec(), 400, "bad_json", "");
        self.body("NaN", b"{\"prompt\":\"x\",\"guidance_scale\":NaN}".to_vec(), 400, "bad_json", "");
        self.body(
            "a number past every range",
            b"{\"prompt\":\"x\",\"guidance_scale\":1e999}".to_vec(),
            400,
            "bad_json",
            "",
        );
        self.body(
            "a number of a thousand digits",
            format!("{{\"prompt\":\"x\",\"seed\":{}}}", "9".repeat(1_000)).into(),
            400,
            "bad_json",
            "",
        );
        self.body(
            "a whole number past 64 bits",
            b"{\"prompt\":\"x\",\"seed\":99999999999999999999}".to_vec(),
            422,
            "invalid",
            "/seed",
        );
        self.body("bytes that are no UTF-8", b"{\"prompt\":\"\xff\xfe\"}".to_vec(), 400, "bad_json", "");
        self.body("half a surrogate pair", br#"{"prompt":"\ud800"}"#.to_vec(), 400, "bad_json", "");
        self.body(
            "the same field twice",
            b"{\"prompt\":\"x\",\"prompt\":\"y\"}".to_vec(),
            422,
            "invalid",
            "/prompt",
        );
        self.body(
            "a list in a list in a list",
            [b"{\"prompt\":".as_slice(), &[b'['; 50_000]].concat(),
            400,
            "bad_json",
            "",
        );
        self.body("objects in objects", "{\"labels\":".repeat(50_000).into_bytes(), 400, "bad_json", "");
        self.body(
            "a body of 32 MB",
            format!("{{\"prompt\":\"{}\"}}", "x".repeat(32 << 20)).into(),
            413,
            "body_too_large",
            "",
        );
        let plain = self.client.post("/generate").json(&heart()).header("content-type", "text/plain");
        self.add("another content type", plain.clone(), 415, "unsupported_media_type", "");
        self.add("no content type", plain.without("content-type"), 415, "unsupported_media_type", "");
    }

    fn uploads(&mut self) {
        let png = pictures::png(1);
        self.picture("no base64", "not base64!");
        self.picture("an empty picture", "");
        self.picture("a data URL that is not base64", "data:image/png,xyz");
        self.picture("a truncated PNG", &pictures::base64(&png[..png.len() / 2]));
        self.picture("a PNG with a broken byte", &pictures::base64(&broken(&png)));
        self.picture("a PNG that unpacks to 16 GB", &pictures::base64(&pictures::huge_png()));
        self.picture("a PNG without data", &pictures::base64(&png[..8]));
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
        self.picture("an SVG", &pictures::base64(svg));
        self.picture(
            "an SVG that says it is a PNG",
            &format!("data:image/png;base64,{}", pictures::base64(svg)),
        );
        self.picture("a page", &pictures::base64(b"<html><script>alert(1)</script></html>"));
        self.picture("a GIF", &pictures::base64(b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"));
        self.picture("an upload of 20 MiB and more", &"A".repeat(28_000_000));
        let save = |client: &Client, body: Value| client.post("/save").json(&body);
        let (client, job) = (self.client.clone(), self.job.clone());
        let image = pictures::base64(&png);
        self.add("neither a job nor a picture", save(&client, json!({})), 422, "invalid", "/job_id");
        self.add(
            "a job and a picture",
            save(&client, json!({ "job_id": job, "image": image })),
            422,
            "invalid",
            "/image",
        );
        self.add(
            "an index below 0",
            save(&client, json!({ "job_id": job, "index": -1 })),
            422,
            "invalid",
            "/index",
        );
        self.add(
            "an index past the last",
            save(&client, json!({ "job_id": job, "index": 99 })),
            404,
            "not_found",
            "",
        );
        self.add(
            "a path for a job",
            save(&client, json!({ "job_id": "../../lock" })),
            422,
            "invalid",
            "/job_id",
        );
        self.add(
            "too good a rating",
            save(&client, json!({ "image": image, "rating": 6 })),
            422,
            "invalid",
            "/rating",
        );
        self.add(
            "too many tags",
            save(&client, json!({ "image": image, "tags": vec!["t"; 33] })),
            422,
            "invalid",
            "/tags",
        );
        self.add(
            "a tag of nothing",
            save(&client, json!({ "image": image, "tags": ["a", " "] })),
            422,
            "invalid",
            "/tags/1",
        );
        self.add(
            "too long a title",
            save(&client, json!({ "image": image, "title": "x".repeat(201) })),
            422,
            "invalid",
            "/title",
        );
    }

    fn paths(&mut self) {
        let client = self.client.clone();
        for (name, path) in [
            ("a path in a job's id", "/jobs/..%2f..%2flock"),
            ("a dot path in an image's id", "/images/%2e%2e%2f%2e%2e"),
            ("a zero byte in an id", "/images/%00"),
            ("bytes that are no UTF-8 in an id", "/images/%ff%fe"),
            ("an id in capitals", "/jobs/0197A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B"),
            ("an id of a megabyte's worth of escapes", "/jobs/%41%41%41%41%41%41%41%41"),
            ("a path below the gallery's files", "/assets/..%2f..%2fCargo.toml"),
        ] {
            self.add(name, client.get(path), 404, "not_found", "");
        }
        let place = format!("/jobs/{}/images/-1", self.job);
        self.add("a place below 0", client.get(place), 404, "not_found", "");
        self.add("no such route", client.get("/no-such-route"), 404, "no_such_route", "");
        self.add("another method", client.get("/generate"), 405, "method_not_allowed", "");
        self.add("a method nobody knows", client.request("BREW", "/jobs"), 405, "method_not_allowed", "");
        self.add(
            "an address of 9 KB",
            client.get(format!("/jobs/{}", "x".repeat(9_000))),
            414,
            "uri_too_long",
            "",
        );
        self.add("no handshake", client.get("/ws"), 426, "upgrade_required", "");
    }

    fn queries(&mut self) {
        let client = self.client.clone();
        let content = format!("/images/{}/content", self.image);
        for (name, path, pointer) in [
            ("a cursor that was made up", "/images?cursor=abc".to_owned(), "/cursor"),
            ("a cursor that was changed", format!("/jobs?cursor={}", "A".repeat(54)), "/cursor"),
            ("a page of none", "/images?limit=0".to_owned(), "/limit"),
            ("a page of too many", "/jobs?limit=201".to_owned(), "/limit"),
            ("a page of a word", "/jobs?limit=many".to_owned(), "/limit"),
            ("an unknown order", "/images?sort=random".to_owned(), "/sort"),
            ("an unknown status", "/jobs?status=done".to_owned(), "/status"),
            ("an unknown parameter", "/images?colour=red".to_owned(), "/colour"),
            ("the same parameter twice", "/images?limit=1&limit=2".to_owned(), "/limit"),
            ("an unknown variant", format!("{content}?variant=huge"), "/variant"),
            ("a width of nothing", format!("{content}?w=0"), "/w"),
            ("a width past the largest", format!("{content}?w=100000"), "/w"),
            ("content as SVG", format!("{content}?format=svg"), "/format"),
        ] {
            self.add(name, client.get(path), 400, "bad_query", pointer);
        }
        let events = format!("/jobs/{}/events?after=-1", self.job);
        self.add("an event before the first", client.get(events), 400, "bad_query", "/after");
    }

    fn headers(&mut self) {
        let client = self.client.clone();
        let image = format!("/images/{}", self.image);
        let generate = || client.post("/generate").json(&heart());
        let edit = || client.request("PATCH", &image).json(&json!({ "title": "x" }));
        let long = "k".repeat(256);
        self.add("an empty key", generate().header("idempotency-key", ""), 400, "bad_header", "");
        self.add("a key with a blank", generate().header("idempotency-key", "a b"), 400, "bad_header", "");
        self.add(
            "a key of 256 characters",
            generate().header("idempotency-key", &long),
            400,
            "bad_header",
            "",
        );
        self.add(
            "a key that is no ASCII",
            generate().header("idempotency-key", "ключ"),
            400,
            "bad_header",
            "",
        );
        self.add("a version that is no tag", edit().header("if-match", "1"), 400, "bad_header", "");
        self.add("a weak tag", edit().header("if-match", "W/\"v1\""), 412, "stale", "");
        self.add("a tag of another server", edit().header("if-match", "\"abc\""), 412, "stale", "");
        self.add("an old version", edit().header("if-match", "\"v999\""), 412, "stale", "");
        let content = client.get(format!("{image}/content"));
        self.add(
            "a range past the end",
            content.header("range", "bytes=99999999-"),
            416,
            "range_not_satisfiable",
            "",
        );
        let events = client.get(format!("/jobs/{}/events", self.job));
        self.add("an event that is no number", events.header("last-event-id", "x"), 400, "bad_header", "");
        let livez = client.get("/livez");
        self.add(
            "headers of 20 KB",
            livez.clone().header("x-long", &"x".repeat(20_000)),
            431,
            "headers_too_large",
            "",
        );
        self.add("another host", livez.clone().header("host", "evil.example"), 421, "unknown_host", "");
        self.add("a host that is none", livez.clone().header("host", "a b"), 421, "unknown_host", "");
        self.add("no host", livez.without("host"), 421, "unknown_host", "");
        self.add(
            "another site",
            generate().header("origin", "https://evil.example"),
            403,
            "foreign_origin",
            "",
        );
        self.add("no site", generate().header("origin", "null"), 403, "foreign_origin", "");
    }

    fn edits(&mut self) {
        let client = self.client.clone();
        let image = format!("/images/{}", self.image);
        let edit = |body: Value| client.request("PATCH", &image).json(&body);
        let cases = [
            ("an edit of the bytes", edit(json!({ "sha256": "0" })), "/sha256"),
            ("a rating of none", edit(json!({ "rating": 0 })), "/rating"),
            ("no tags", edit(json!({ "tags": [null] })), "/tags/0"),
            ("too long a note", edit(json!({ "note": "x".repeat(4_001) })), "/note"),
        ];
        for (name, request, pointer) in cases {
            self.add(name, request, 422, "invalid", pointer);
        }
    }
}

fn heart() -> Value {
    json!({ "prompt": "red heart" })
}

fn with(field: &str, value: Value) -> Value {
    let mut body = heart();
    body[field] = value;
    body
}

/// `png` with a bit of its data turned over.
fn broken(png: &[u8]) -> Vec<u8> {
    let mut bytes = png.to_vec();
    let data = bytes.windows(4).position(|four| four == b"IDAT").unwrap();
    bytes[data + 8] ^= 0x10;
    bytes
}

async fn cases(server: &Server) -> Vec<Case> {
    let client = server.client();
    let job = client.drawn(heart()).await;
    let image = client.save(text(&job, "/id"), 0).await;
    let [job, image] = [text(&job, "/id"), text(&image, "/id")].map(str::to_owned);
    let mut cases = Cases { client, job, image, all: Vec::new() };
    cases.fields();
    cases.bodies();
    cases.uploads();
    cases.paths();
    cases.queries();
    cases.headers();
    cases.edits();
    cases.all
}

#[tokio::test]
async fn every_bad_request_is_refused_with_a_problem_that_names_what_is_wrong() {
    let server = Server::start(Settings::noop()).await;
    let cases = cases(&server).await;
    assert!(cases.len() >= 40);
    for case in &cases {
        println!("{}", case.name);
        case.check(case.request.clone().send_regardless().await);
    }
    server.client().get("/readyz").send().await.expect(200);
    let jobs = server.client().get("/jobs").send().await.expect(200).json();
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "a bad request made a job");
}

#[tokio::test]
async fn bad_requests_leave_nothing_in_memory() {
    let server = Server::start(Settings::noop()).await;
    let cases = cases(&server).await;
    let (resident, peak) = (server.resident_kib(), server.peak_kib());
    for _ in 0..20 {
        for case in &cases {
            let answer = case.request.clone().send_regardless().await;
            assert!((400..500).contains(&answer.status), "{}: {answer:?}", case.name);
        }
    }
    let (grown, highest) = (server.resident_kib().saturating_sub(resident), server.peak_kib() - peak);
    println!(
        "{} kinds 20 times: resident {resident} KiB, {grown} more; the peak {highest} KiB more",
        cases.len()
    );
    assert!(grown <= GROWTH_KIB, "{grown} KiB more are in use");
}
