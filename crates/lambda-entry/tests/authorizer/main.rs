//! Who is let in by the authorizer, with real keys, real signatures and an issuer on a real port.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::needless_pass_by_value, reason = "`json!` makes what is passed on the spot")]

mod issuer;

use aws_lambda_events::apigw::ApiGatewayCustomAuthorizerRequestTypeRequest as Request;
use issuer::{Issuer, Signer, base64};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tintype_core::{
    domain::{Entropy, OwnerId, Timestamp},
    ports::CredentialRepo,
    use_cases::{MakeKey, make_key, make_ticket},
};
use tintype_lambda::authorizer::{Authorizer, HttpsFetch, Refusal, TokenSettings, TokenVerifier};
use tintype_memory::MemoryCredentials;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const NOW_S: i64 = 1_769_860_800;
const API: &str = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123";

fn event(end: &str, rest: Value) -> Request {
    let mut event =
        json!({ "type": "REQUEST", "methodArn": format!("{API}/prod/{end}"), "requestContext": {} });
    event.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    serde_json::from_value(event).unwrap()
}

fn with_bearer(credential: &str) -> Request {
    event("GET/jobs", json!({ "headers": { "Authorization": format!("Bearer {credential}") } }))
}

fn connecting(ticket: &str) -> Request {
    event("$connect", json!({ "headers": null, "queryStringParameters": { "ticket": ticket } }))
}

/// The owner in the answer.
fn owner(answer: Result<Value, Refusal>) -> Result<String, Refusal> {
    answer.map(|answer| answer["context"]["owner"].as_str().unwrap().to_owned())
}

const OUT: Result<String, Refusal> = Err(Refusal::Unauthorized);

fn alice() -> OwnerId {
    "alice".parse().unwrap()
}

// API keys and tickets

async fn with_key(expires_at: Option<Timestamp>) -> (Authorizer, String) {
    let credentials = Arc::new(MemoryCredentials::default());
    let wish = MakeKey { owner: alice(), name: "laptop".parse().unwrap(), expires_at };
    let (secret, _) = make_key(&*credentials, wish, NOW, &Entropy([1; 32])).await.unwrap();
    (Authorizer::new(credentials, None), secret.as_str().to_owned())
}

#[tokio::test]
async fn a_known_key_lets_its_owner_use_the_whole_stage() {
    let (authorizer, key) = with_key(None).await;
    let answer = authorizer.decide(&with_bearer(&key), NOW).await.unwrap();
    assert_eq!(answer["policyDocument"]["Statement"][0]["Resource"], format!("{API}/prod/*"));
    assert_eq!(answer["context"], json!({ "owner": "alice" }));
}

#[tokio::test]
async fn a_missing_unknown_or_expired_key_is_unauthorized() {
    let (authorizer, key) = with_key(Some(NOW)).await;
    let no_header = event("GET/jobs", json!({ "headers": {} }));
    let basic = event("GET/jobs", json!({ "headers": { "authorization": format!("Basic {key}") } }));
    for request in [no_header, basic, with_bearer(&key), with_bearer(""), with_bearer("tt_guess")] {
        assert_eq!(owner(authorizer.decide(&request, NOW).await), OUT, "{request:?}");
    }
    assert_eq!(
        Refusal::Unauthorized.to_string(),
        "Unauthorized",
        "API Gateway makes a 401 of this text alone"
    );
}

#[tokio::test]
async fn a_key_opens_a_socket_too() {
    let (authorizer, key) = with_key(None).await;
    let request = event("$connect", json!({ "headers": { "Authorization": format!("Bearer {key}") } }));
    assert_eq!(owner(authorizer.decide(&request, NOW).await), Ok("alice".to_owned()));
}

#[tokio::test]
async fn a_ticket_opens_one_socket_and_nothing_else() {
    let credentials = Arc::new(MemoryCredentials::default());
    let port: &dyn CredentialRepo = &*credentials;
    let (ticket, _) = make_ticket(port, alice(), None, NOW, &Entropy([1; 32])).await.unwrap();
    let authorizer = Authorizer::new(credentials, None);
    let rest = event("GET/jobs", json!({ "queryStringParameters": { "ticket": ticket.as_str() } }));
    assert_eq!(owner(authorizer.decide(&rest, NOW).await), OUT);
    assert_eq!(owner(authorizer.decide(&with_bearer(ticket.as_str()), NOW).await), OUT);
    assert_eq!(owner(authorizer.decide(&connecting(ticket.as_str()), NOW).await), Ok("alice".to_owned()));
    assert_eq!(owner(authorizer.decide(&connecting(ticket.as_str()), NOW).await), OUT, "it is used");
}

// Tokens

/// An authorizer that takes the tokens of an issuer with these keys.
async fn trusting(keys: &[&Signer]) -> (Authorizer, Issuer) {
    let issuer = Issuer::start(keys).await;
    let settings = TokenSettings { issuer: issuer.url.clone(), audience: "tintype".to_owned() };
    let tokens = TokenVerifier::new(settings, Arc::new(HttpsFetch::default()));
    (Authorizer::new(Arc::new(MemoryCredentials::default()), Some(tokens)), issuer)
}

fn claims(issuer: &Issuer) -> Value {
    json!({ "iss": issuer.url, "sub": "auth0|alice", "aud": "tintype", "exp": NOW_S + 60, "nbf": NOW_S - 60 })
}

fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

async fn asks(authorizer: &Authorizer, token: &str) -> Result<String, Refusal> {
    owner(authorizer.decide(&with_bearer(token), NOW).await)
}

#[tokio::test]
async fn a_token_signed_by_the_issuer_stands_for_its_subject() {
    for signer in [Signer::rsa("a"), Signer::ec("a")] {
        let (authorizer, issuer) = trusting(&[&signer]).await;
        let token = signer.token(&claims(&issuer));
        assert_eq!(asks(&authorizer, &token).await, Ok("auth0|alice".to_owned()));
    }
}

#[tokio::test]
async fn a_token_for_another_or_of_another_time_is_unauthorized() {
    let signer = Signer::ec("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    for (name, value) in [
        ("aud", json!("other")),
        ("aud", json!(["other", "tintype2"])),
        ("aud", json!(null)),
        ("iss", json!("https://evil.example")),
        ("iss", json!([issuer.url])),
        ("exp", json!(NOW_S - 31)),
        ("exp", json!(null)),
        ("exp", json!("soon")),
        ("nbf", json!(NOW_S + 31)),
        ("sub", json!("a/b")),
        ("sub", json!("")),
        ("sub", json!(null)),
    ] {
        let token = signer.token(&changed(claims(&issuer), name, value.clone()));
        assert_eq!(asks(&authorizer, &token).await, OUT, "{name}: {value}");
    }
    let several = signer.token(&changed(claims(&issuer), "aud", json!(["other", "tintype"])));
    assert!(asks(&authorizer, &several).await.is_ok());
}

#[tokio::test]
async fn a_cognito_access_token_names_its_client_instead_of_an_audience() {
    let signer = Signer::rsa("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    let token = |client: &str, token_use: &str| {
        let claims = json!({
            "iss": issuer.url, "sub": "alice", "exp": NOW_S + 60, "client_id": client, "token_use": token_use,
        });
        signer.token(&claims)
    };
    assert_eq!(asks(&authorizer, &token("tintype", "access")).await, Ok("alice".to_owned()));
    assert_eq!(asks(&authorizer, &token("other", "access")).await, OUT);
    assert_eq!(asks(&authorizer, &token("tintype", "id")).await, OUT);
    let other = changed(claims(&issuer), "aud", json!("other"));
    let both = changed(changed(other, "client_id", json!("tintype")), "token_use", json!("access"));
    assert_eq!(asks(&authorizer, &signer.token(&both)).await, OUT, "an audience decides where there is one");
}

#[tokio::test]
async fn a_token_without_a_signature_is_unauthorized() {
    let signer = Signer::ec("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    for algorithm in ["none", "None", "NONE", ""] {
        let header = base64(json!({ "alg": algorithm, "kid": "a" }).to_string());
        let token = format!("{header}.{}.", base64(claims(&issuer).to_string()));
        assert_eq!(asks(&authorizer, &token).await, OUT, "{algorithm}");
    }
}

#[tokio::test]
async fn the_public_key_is_no_secret_to_sign_with() {
    let signer = Signer::rsa("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    for algorithm in ["HS256", "HS384", "HS512"] {
        let header = base64(json!({ "alg": algorithm, "kid": "a" }).to_string());
        let message = format!("{header}.{}", base64(claims(&issuer).to_string()));
        for secret in [signer.jwk()["n"].as_str().unwrap().to_owned(), signer.jwk().to_string()] {
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
            let token = format!("{message}.{}", base64(ring::hmac::sign(&key, message.as_bytes())));
            assert_eq!(asks(&authorizer, &token).await, OUT, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn a_token_signed_by_someone_else_is_unauthorized() {
    let (signer, other) = (Signer::ec("a"), Signer::ec("a"));
    let (authorizer, issuer) = trusting(&[&signer]).await;
    assert_eq!(asks(&authorizer, &other.token(&claims(&issuer))).await, OUT);
    let rsa = Signer::rsa("a").token(&claims(&issuer));
    assert_eq!(asks(&authorizer, &rsa).await, OUT, "the algorithm is the key's, not the token's");
}

#[tokio::test]
async fn a_token_that_was_changed_or_cut_is_unauthorized() {
    let signer = Signer::ec("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    let token = signer.token(&claims(&issuer));
    for length in 1..token.len() {
        assert_eq!(asks(&authorizer, &token[..length]).await, OUT, "{length} of {}", token.len());
    }
    let parts: Vec<_> = token.split('.').collect();
    let forged = base64(changed(claims(&issuer), "sub", json!("root")).to_string());
    assert_eq!(asks(&authorizer, &format!("{}.{forged}.{}", parts[0], parts[2])).await, OUT);
    assert_eq!(asks(&authorizer, &format!("{token}.{}", parts[2])).await, OUT);
}

#[tokio::test]
async fn a_header_that_must_be_understood_and_is_not_is_refused() {
    let signer = Signer::ec("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    let header = json!({ "alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false });
    assert_eq!(asks(&authorizer, &signer.token_with(&header, &claims(&issuer))).await, OUT);
}

// The issuer's keys

#[tokio::test]
async fn keys_are_asked_for_once_and_unknown_ids_cause_no_storm() {
    let (signer, stranger) = (Signer::ec("a"), Signer::ec("b"));
    let (authorizer, issuer) = trusting(&[&signer]).await;
    for _ in 0..20 {
        assert!(asks(&authorizer, &signer.token(&claims(&issuer))).await.is_ok());
        assert_eq!(asks(&authorizer, &stranger.token(&claims(&issuer))).await, OUT);
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_after_a_pause() {
    let (old, new) = (Signer::ec("old"), Signer::ec("new"));
    let (authorizer, issuer) = trusting(&[&old]).await;
    assert!(asks(&authorizer, &old.token(&claims(&issuer))).await.is_ok());
    issuer.publish(Some(&[&new]));
    let request = with_bearer(&new.token(&changed(claims(&issuer), "exp", json!(NOW_S + 9_000))));
    let later = NOW.after(Duration::from_secs(60));
    assert!(authorizer.decide(&request, later).await.is_ok());
    assert_eq!(
        asks(&authorizer, &old.token(&claims(&issuer))).await,
        OUT,
        "a key that was withdrawn is gone"
    );
}

#[tokio::test]
async fn known_keys_outlast_an_issuer_that_is_down_for_a_day() {
    let signer = Signer::ec("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    let request = with_bearer(&signer.token(&changed(claims(&issuer), "exp", json!(NOW_S + 900_000))));
    assert!(authorizer.decide(&request, NOW).await.is_ok());
    issuer.publish(None);
    let hours = |hours: u64| NOW.after(Duration::from_secs(hours * 3_600));
    assert!(authorizer.decide(&request, hours(23)).await.is_ok());
    assert_eq!(owner(authorizer.decide(&request, hours(25)).await), Err(Refusal::Failed));
}

#[tokio::test]
async fn an_issuer_that_is_down_is_no_refusal_and_is_left_in_peace() {
    let signer = Signer::ec("a");
    let (authorizer, issuer) = trusting(&[&signer]).await;
    issuer.publish(None);
    for _ in 0..5 {
        assert_eq!(asks(&authorizer, &signer.token(&claims(&issuer))).await, Err(Refusal::Failed));
    }
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn an_issuer_and_an_audience_come_together_and_over_tls() {
    let of = |issuer: Option<&str>, audience: Option<&str>| {
        TokenSettings::of(issuer.map(str::to_owned), audience.map(str::to_owned))
    };
    assert_eq!(of(None, None), Ok(None));
    assert!(of(Some("https://issuer.example"), Some("x")).unwrap().is_some());
    for (issuer, audience) in
        [(Some("https://issuer.example"), None), (None, Some("x")), (Some("http://a.example"), Some("x"))]
    {
        let error = of(issuer, audience).unwrap_err().to_string();
        assert!(error.contains("OIDC_ISSUER"), "{error}");
    }
}
