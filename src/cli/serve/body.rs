//! Bodies of requests.

use std::error::Error;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::{Body, Bytes, Incoming};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::limits::Limits;
use super::refusal::Refusal;

/// All of a body, if it is not too large and comes by the deadline.
pub async fn read(body: Incoming, limits: &Limits, deadline: Instant) -> Result<Bytes, Refusal> {
    let most = limits.limit_body;
    let too_large = |found: &str| Refusal::too_large("body, in bytes", found, most, "--limit-body");
    let said = body.size_hint().lower();
    if said > most {
        return Err(too_large(&said.to_string()));
    }
    let whole = Limited::new(body, usize::try_from(most).unwrap_or(usize::MAX)).collect();
    match timeout_at(deadline, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large("more")),
        Ok(Err(error)) => Err(Refusal::wrong(format!("body: {}", chain(&*error)))),
        Err(_) => {
            let reason = format!("body: expected all of it within {} seconds (--limit-time)", limits.limit_time);
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, reason))
        }
    }
}

/// An error and what it comes from.
fn chain(error: &dyn Error) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.fold(error.to_string(), |said, source| format!("{said}: {source}"))
}

/// The JSON of a body.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let text = str::from_utf8(body).map_err(|error| {
        Refusal::wrong(format!("body: expected UTF-8, found another byte at {}", error.valid_up_to()))
    })?;
    serde_json::from_str(text).map_err(|error| Refusal::wrong(format!("body: {error}")))
}
