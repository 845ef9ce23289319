//! What is asked by which path and method.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::UNIX_EPOCH;

use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_ENCODING, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::guard;
use super::record::Record;
use super::refusal::Refusal;
use super::reply::{self, NDJSON, Reply};
use super::server::Server;
use super::{body, opennmt, page, pronounce, translate};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Page,
    Health,
    Metrics,
    Models,
    Translate,
    Pronounce,
    OpenNmtHealth,
    OpenNmtModels,
    OpenNmtTranslate,
    /// A model is to be moved, unloaded or copied, by this method.
    OpenNmtMove(&'static str),
    Nowhere,
}

impl Route {
    fn of(path: &str) -> Self {
        match path {
            "/" => Self::Page,
            "/health" => Self::Health,
            "/metrics" => Self::Metrics,
            "/models" => Self::Models,
            "/translate" => Self::Translate,
            "/pronounce" => Self::Pronounce,
            "/translator/health" => Self::OpenNmtHealth,
            "/translator/models" => Self::OpenNmtModels,
            "/translator/translate" => Self::OpenNmtTranslate,
            _ => {
                let moved = ["unload_model", "to_cpu", "to_gpu", "clone_model"].into_iter().find(|action| {
                    let id = path.strip_prefix("/translator/").and_then(|rest| rest.strip_prefix(action));
                    id.and_then(|id| id.strip_prefix('/')).is_some_and(|id| !id.is_empty())
                });
                moved.map_or(Self::Nowhere, |action| {
                    Self::OpenNmtMove(if action == "clone_model" { "POST" } else { "GET" })
                })
            }
        }
    }

    /// What it is counted as.
    fn name(self) -> &'static str {
        match self {
            Self::Page => "/",
            Self::Health => "/health",
            Self::Metrics => "/metrics",
            Self::Models => "/models",
            Self::Translate => "/translate",
            Self::Pronounce => "/pronounce",
            Self::OpenNmtHealth => "/translator/health",
            Self::OpenNmtModels => "/translator/models",
            Self::OpenNmtTranslate => "/translator/translate",
            Self::OpenNmtMove(_) => "/translator",
            Self::Nowhere => "other",
        }
    }

    /// How it is asked.
    fn method(self) -> &'static str {
        match self {
            Self::Translate | Self::Pronounce | Self::OpenNmtTranslate => "POST",
            Self::OpenNmtMove(method) => method,
            _ => "GET",
        }
    }

    /// How it may be asked: whoever may read an answer may also ask for its header alone.
    fn allowed(self) -> &'static str {
        match self.method() {
            "GET" => "GET, HEAD",
            other => other,
        }
    }

    fn allows(self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| allowed == method)
    }
}

const PATHS: &str = "expected one of the paths /, /health, /metrics, /models, /translate, /pronounce and those of OpenNMT-py, \
                     /translator/translate, /translator/models, /translator/health";

/// Answers a request; the answer has its id.
pub async fn answer(server: Arc<Server>, request: Request<Incoming>) -> Response<Reply> {
    let id = id(request.headers());
    let route = Route::of(request.uri().path());
    let mut record = Record::new(Arc::clone(&server.metrics), id.clone(), route.name());
    let mut response = match found(&server, route, request, &mut record).await {
        Ok(response) => response,
        Err(refusal) => refusal.reply(),
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    record.answered(response.status());
    response.body_mut().keep(record);
    response
}

async fn found(
    server: &Arc<Server>,
    route: Route,
    request: Request<Incoming>,
    record: &mut Record,
) -> Result<Response<Reply>, Refusal> {
    check_header(&request)?;
    if route == Route::Nowhere {
        return Err(Refusal::new(StatusCode::NOT_FOUND, PATHS));
    }
    if !route.allows(request.method()) {
        return Err(Refusal::method(route.allowed(), request.method()));
    }
    match route {
        Route::Page => Ok(page::page()),
        Route::Health => health(server),
        Route::Metrics => Ok(reply::whole(
            "text/plain; version=0.0.4",
            server.metrics.text(server.models.names(), server.queue.lines()),
        )),
        Route::Models => Ok(reply::json(&server.models.names().collect::<Vec<_>>())),
        Route::OpenNmtHealth => Ok(opennmt::health()),
        Route::OpenNmtModels => Ok(opennmt::models(server)),
        Route::OpenNmtMove(_) => Ok(opennmt::unmoved(request.uri().path().rsplit('/').next().unwrap_or_default())),
        Route::Translate => {
            let stream = wants_lines(request.headers());
            let deadline = Instant::now() + server.limits.time();
            let asked = ask(server, request, deadline, translate::ask).await?;
            in_time(server, deadline, asked.answer(server, stream, deadline, record)).await
        }
        Route::Pronounce => {
            let deadline = Instant::now() + server.limits.time();
            let asked = ask(server, request, deadline, pronounce::ask).await?;
            in_time(server, deadline, asked.answer(server)).await
        }
        Route::OpenNmtTranslate => {
            let deadline = Instant::now() + server.limits.time();
            let asked = ask(server, request, deadline, opennmt::ask).await?;
            in_time(server, deadline, asked.answer(server, record)).await
        }
        Route::Nowhere => Err(Refusal::new(StatusCode::NOT_FOUND, PATHS)),
    }
}

/// What every request must have: in HTTP/1.1 the host that it means, once; and a body that is text as it stands.
fn check_header(request: &Request<Incoming>) -> Result<(), Refusal> {
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        return Err(Refusal::wrong(format!("header: expected one host, found {hosts}")));
    }
    let coded = request.headers().get_all(CONTENT_ENCODING).iter().find(|coding| *coding != "identity");
    coded.map_or(Ok(()), |coding| {
        let reason = format!("header: expected no content-encoding, found {coding:?}");
        Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
    })
}

/// Whether lines of JSON are among what is accepted.
fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let mut kinds = accepted.flat_map(|accepted| accepted.split(',')).filter_map(|kind| kind.split(';').next());
    kinds.any(|kind| kind.trim().eq_ignore_ascii_case(NDJSON))
}

/// A body that is larger is parsed beside the thread that all connections share.
const SMALL: usize = 1 << 13;

async fn ask<T: Send + 'static>(
    server: &Arc<Server>,
    request: Request<Incoming>,
    deadline: Instant,
    ask: fn(&Server, &[u8]) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let body = body::read(request.into_body(), &server.limits, deadline).await?;
    if body.len() <= SMALL {
        return guard::run(|| ask(server, &body));
    }
    let server = Arc::clone(server);
    spawn_blocking(move || guard::run(|| ask(&server, &body))).await.map_err(Refusal::broken)?
}

async fn in_time(
    server: &Server,
    deadline: Instant,
    answer: impl Future<Output = Result<Response<Reply>, Refusal>>,
) -> Result<Response<Reply>, Refusal> {
    timeout_at(deadline, answer).await.unwrap_or_else(|_| {
        let seconds = server.limits.limit_time;
        Err(Refusal::busy(format!("expected an answer within {seconds} seconds (--limit-time), found none")))
    })
}

fn health(server: &Server) -> Result<Response<Reply>, Refusal> {
    if server.metrics.is_failing() {
        return Err(Refusal::busy("the device failed at the last batch"));
    }
    Ok(reply::json(&json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "device": server.models.device(),
        "models": server.models.names().collect::<Vec<_>>(),
    })))
}

/// The id that a request comes with, if that can be one, or a new one.
fn id(headers: &HeaderMap) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Another server, or this one after a restart, has others.
    static STARTED: LazyLock<u64> = LazyLock::new(|| UNIX_EPOCH.elapsed().map_or(0, |since| since.as_micros() as u64));
    const LONGEST: usize = 128;
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    match given.filter(|id| !id.is_empty() && id.len() <= LONGEST) {
        Some(id) => id.to_owned(),
        None => format!("{:x}-{:x}", *STARTED, NEXT.fetch_add(1, Ordering::Relaxed)),
    }
}
