//! A page to type into.

use std::sync::LazyLock;

use hyper::Response;
use hyper::body::Bytes;

use super::reply::{self, Reply};

/// It loads nothing but answers of this server. Its parts stand in the places that are named for them.
static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    const STYLE: &str = concat!(include_str!("../../heatmap/report/figure.css"), include_str!("page/page.css"));
    const SCRIPT: &str = concat!(include_str!("../../heatmap/report/figure.js"), include_str!("page/page.js"));
    include_str!("page/page.html").replace("{{style}}", STYLE).replace("{{script}}", SCRIPT).into()
});

/// The page.
pub fn page() -> Response<Reply> {
    reply::whole("text/html; charset=utf-8", PAGE.clone())
}
