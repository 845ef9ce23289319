//! Why a request gets no translation.

use std::fmt::Display;

use hyper::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::reply::{self, Reply};

/// A status, and in a sentence what was expected and found.
#[derive(Debug)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    reason: String,
    /// What could be asked of this path.
    allow: Option<&'static str>,
}

#[derive(Serialize)]
struct Json<'a> {
    error: &'a str,
}

/// When to try again, in seconds, where there is no room now.
const RETRY_SECONDS: u16 = 1;

impl Refusal {
    /// The request is wrong.
    pub fn wrong(reason: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// The request is larger than it may be.
    pub fn too_large(what: &str, found: impl Display, most: impl Display, limit: &str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("{what}: expected at most {most} ({limit}), found {found}"))
    }

    /// There is no room or no time for the request now.
    pub fn busy(reason: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    /// The device failed.
    pub fn broken(reason: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, reason)
    }

    /// The path is asked with another method.
    pub fn method(allow: &'static str, found: impl Display) -> Self {
        let reason = format!("expected {allow}, found {found}");
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, reason) }
    }

    /// With this status.
    pub fn new(status: StatusCode, reason: impl Display) -> Self {
        Self { status, reason: reason.to_string(), allow: None }
    }

    /// As an answer. What is left of a request that was not read to its end would be taken for the next one.
    pub fn reply(&self) -> Response<Reply> {
        let mut response = reply::json(&Json { error: &self.reason });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_SECONDS.into());
        }
        if matches!(self.status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// As the bytes of an answer, for a connection that ends with it.
    pub fn bytes(&self) -> Vec<u8> {
        let body = serde_json::to_string(&Json { error: &self.reason }).unwrap_or_default();
        let (status, length) = (self.status, body.len() + 1);
        let retry = match status {
            StatusCode::SERVICE_UNAVAILABLE => format!("retry-after: {RETRY_SECONDS}\r\n"),
            _ => String::new(),
        };
        let headers = format!("content-type: application/json\r\ncontent-length: {length}\r\n{retry}connection: close");
        format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}\n").into_bytes()
    }
}
