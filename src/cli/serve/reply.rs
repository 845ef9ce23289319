//! Answers of HTTP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Response;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use super::record::Record;
use super::stream::Lines;

/// The body of an answer. Its request is over when it is dropped.
#[derive(Debug)]
pub struct Reply {
    content: Content,
    record: Option<Record>,
}

#[derive(Debug)]
enum Content {
    /// All at once, until it is sent.
    Whole(Bytes),
    /// Line by line.
    Lines(Box<Lines>),
}

/// The media type of JSON.
const JSON: &str = "application/json";

/// The media type of lines of JSON.
pub const NDJSON: &str = "application/x-ndjson";

/// JSON, and the end of a line for those who read it in a terminal.
pub fn json(value: &impl Serialize) -> Response<Reply> {
    json_bytes(serde_json::to_vec(value).unwrap_or_default())
}

/// JSON that is written already.
pub fn json_bytes(mut json: Vec<u8>) -> Response<Reply> {
    json.push(b'\n');
    whole(JSON, json)
}

/// Bytes of this media type.
pub fn whole(media: &'static str, bytes: impl Into<Bytes>) -> Response<Reply> {
    response(media, Content::Whole(bytes.into()))
}

/// Lines of JSON.
pub fn lines(lines: Lines) -> Response<Reply> {
    response(NDJSON, Content::Lines(Box::new(lines)))
}

fn response(media: &'static str, content: Content) -> Response<Reply> {
    let mut response = Response::new(Reply { content, record: None });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

impl Reply {
    /// Keeps the record of its request.
    pub fn keep(&mut self, record: Record) {
        self.record = Some(record);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let (Content::Lines(lines), Some(record)) = (&self.content, &mut self.record)
            && !lines.is_whole()
        {
            record.cut_off();
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Self { content, record } = self.get_mut();
        match content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Lines(lines) => {
                lines.poll(record.as_mut(), context).map(|some| some.map(|part| part.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Lines(_) => SizeHint::default(),
        }
    }
}
