//! The requests of every AWS client of a world: counted, and one of them made to hang, before it is sent or after its
//! answer has come. And an endpoint and a state machine that answer what the emulators have no answer for.

use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;

/// The bucket and folder where the endpoint says it puts its answers.
pub(crate) const OUTPUT_FOLDER: &str = "async/out";

/// The request after which nothing comes, from 1, and whether it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hang {
    pub(crate) request: u64,
    pub(crate) is_sent: bool,
}

/// See the module. Clones are the same wire.
#[derive(Clone, Debug)]
pub(crate) struct Wire(Arc<State>);

#[derive(Debug)]
struct State {
    hang: Option<Hang>,
    requests: AtomicU64,
    hung: Notify,
    asked: Mutex<Vec<String>>,
    told: Mutex<Vec<Told>>,
}

/// What the state machine was told of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) token: String,
    /// The name of the error; `None` if the task succeeded.
    pub(crate) error: Option<String>,
}

impl Wire {
    pub(crate) fn new(hang: Option<Hang>) -> Self {
        let (requests, hung) = (AtomicU64::new(0), Notify::new());
        Self(Arc::new(State { hang, requests, hung, asked: Mutex::default(), told: Mutex::default() }))
    }

    /// How many requests were made.
    pub(crate) fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    pub(crate) async fn hung(&self) {
        self.0.hung.notified().await;
    }

    /// Where the inputs are that the endpoint was asked for since the last call.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        mem::take(&mut *lock(&self.0.asked))
    }

    /// What the state machine was told.
    pub(crate) fn told(&self) -> Vec<Told> {
        lock(&self.0.told).clone()
    }

    /// A client of the emulator.
    pub(crate) fn to_emulator(&self) -> SharedHttpClient {
        SharedHttpClient::new(Counted { wire: self.clone(), to: Some(Builder::new().build_http()) })
    }

    /// A client of the endpoint and of the state machine.
    pub(crate) fn to_stand_in(&self) -> SharedHttpClient {
        SharedHttpClient::new(Counted { wire: self.clone(), to: None })
    }

    /// What the request that is made now must suffer.
    fn next(&self) -> Option<Hang> {
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.hang.filter(|hang| hang.request == number)
    }

    async fn hang(&self) -> ! {
        self.0.hung.notify_one();
        std::future::pending().await
    }

    fn stand_in(&self, request: &HttpRequest) -> HttpResponse {
        let body: Value =
            request.body().bytes().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
        let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
        if let Some((_, action)) = header("x-amz-target").split_once('.') {
            let text = |name: &str| body[name].as_str().map(str::to_owned);
            let token = text("taskToken").unwrap_or_default();
            let error = if action == "SendTaskSuccess" { None } else { text("error") };
            lock(&self.0.told).push(Told { token, error });
            return answer(200, &json!({}));
        }
        lock(&self.0.asked).push(header("x-amzn-sagemaker-inputlocation"));
        answer(202, &json!({ "InferenceId": header("x-amzn-sagemaker-inference-id") }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}

#[derive(Debug)]
struct Counted {
    wire: Wire,
    to: Option<SharedHttpClient>,
}

#[derive(Debug)]
struct CountedConnector {
    wire: Wire,
    to: Option<SharedHttpConnector>,
}

impl HttpClient for Counted {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let to = self.to.as_ref().map(|client| client.http_connector(settings, components));
        SharedHttpConnector::new(CountedConnector { wire: self.wire.clone(), to })
    }
}

impl HttpConnector for CountedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (wire, to, hang) = (self.wire.clone(), self.to.clone(), self.wire.next());
        HttpConnectorFuture::new(async move {
            if hang.is_some_and(|hang| !hang.is_sent) {
                wire.hang().await;
            }
            let answer = match to {
                Some(connector) => connector.call(request).await,
                None => Ok(wire.stand_in(&request)),
            };
            if hang.is_some() {
                wire.hang().await;
            }
            answer
        })
    }
}
