//! An issuer of tokens with keys made on the spot, and its documents on a real HTTP server.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use getrandom::{SysRng, rand_core::UnwrapErr};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use rsa::{PrivateKey, pkcs8::EncodePrivateKey, traits::PublicKeyParts};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key and its public half as a JWK.
pub(crate) enum Signer {
    Rsa { key: RsaKeyPair, jwk: Value },
    Ec { key: EcdsaKeyPair, jwk: Value },
}

impl Signer {
    pub(crate) fn rsa(id: &str) -> Self {
        let private = PrivateKey::new(&mut UnwrapErr(SysRng), 2_048).unwrap();
        let key = RsaKeyPair::from_pkcs8(private.to_pkcs8_der().unwrap().as_bytes()).unwrap();
        let (n, e) = (private.n_bytes(), private.e_bytes());
        Self::Rsa { key, jwk: json!({ "kty": "RSA", "kid": id, "n": base64(n), "e": base64(e) }) }
    }

    pub(crate) fn ec(id: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": id, "x": base64(x), "y": base64(y) });
        Self::Ec { key, jwk }
    }

    pub(crate) fn jwk(&self) -> &Value {
        match self {
            Self::Rsa { jwk, .. } | Self::Ec { jwk, .. } => jwk,
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RS256",
            Self::Ec { .. } => "ES256",
        }
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa { key, .. } => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ec { key, .. } => key.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
        }
    }

    /// A token that says `claims`.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "typ": "JWT", "alg": self.algorithm(), "kid": self.jwk()["kid"] }), claims)
    }

    /// A token with this header.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = base64(self.sign(&message));
        format!("{message}.{signature}")
    }
}

/// The issuer's server.
pub(crate) struct Issuer {
    pub(crate) url: String,
    /// What it publishes; `None` makes it answer 500.
    pub(crate) keys: Arc<Mutex<Option<Vec<Value>>>>,
    /// How often its keys were asked for.
    pub(crate) asked: Arc<AtomicU32>,
}

impl Issuer {
    pub(crate) async fn start(keys: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let keys = keys.iter().map(|key| key.jwk().clone()).collect();
        let issuer = Self { url, keys: Arc::new(Mutex::new(Some(keys))), asked: Arc::default() };
        tokio::spawn(serve(listener, issuer.url.clone(), issuer.keys.clone(), issuer.asked.clone()));
        issuer
    }

    pub(crate) fn publish(&self, keys: Option<&[&Signer]>) {
        *self.keys.lock().unwrap() = keys.map(|keys| keys.iter().map(|key| key.jwk().clone()).collect());
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn serve(
    listener: TcpListener,
    url: String,
    keys: Arc<Mutex<Option<Vec<Value>>>>,
    asked: Arc<AtomicU32>,
) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let published = keys.lock().unwrap().clone();
        let (status, body) = match (head.starts_with(b"GET /.well-known/openid-configuration "), published) {
            (true, Some(_)) => (200, json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })),
            (true, None) => {
                asked.fetch_add(1, Ordering::SeqCst);
                (500, json!({}))
            }
            (false, keys) => {
                asked.fetch_add(1, Ordering::SeqCst);
                (200, json!({ "keys": keys.unwrap_or_default() }))
            }
        };
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}
