//! What becomes of a line, on the way from the device to whoever asked.

use std::sync::Arc;

use seq2seq::Translation;
use tokio::sync::mpsc::Sender;

use super::clock::Times;

/// A translation, or why there is none.
pub type Found = Result<Translation, String>;

/// What became of a line.
#[derive(Debug)]
pub struct Answer {
    /// Its place in its request, from 0.
    pub place: usize,
    /// What was found; or else what the device failed at.
    pub found: Result<Found, Arc<str>>,
    /// When.
    pub times: Times,
}

/// Where answers go, as many as there is room for.
pub type Answers = Sender<Answer>;
