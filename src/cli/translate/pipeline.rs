//! Windows of lines, read and divided into symbols by threads of their own while the device translates others.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use seq2seq::{Prepared, TranslateOptions, Translator, words};

use crate::cli::failure::{Place, Result};
use crate::cli::input::Input;
use crate::cli::lines::{self, BadLine};

/// What is done with a window beside the device.
#[derive(Clone)]
pub struct Task {
    /// Whose tokenizer divides the lines.
    pub translator: Arc<Translator>,
    /// How to translate.
    pub options: TranslateOptions,
    /// Whether the words of a line are sources of their own.
    pub each_word: bool,
}

/// The most words that are translated together: those of a long text are shown while the next ones are translated.
const MOST_WORDS: usize = 1 << 13;

/// Lines that are translated together.
pub struct Window {
    /// In their order.
    pub lines: Vec<Line>,
    /// The different sources of all lines.
    pub prepared: Prepared,
}

/// A line and its sources, or some of its words.
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: std::result::Result<Arc<str>, BadLine>,
    /// Its bytes in the input, told once of all its parts.
    pub bytes: u64,
    /// Where its sources stand in the text: all of it, or each of these words.
    pub places: Vec<Range<usize>>,
    /// Which of the window's sources they are.
    pub sources: Vec<usize>,
    /// Whether these are its first words.
    pub begins: bool,
    /// Whether these are its last words.
    pub ends: bool,
}

impl Line {
    /// Its sources.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let text = self.text.as_deref().unwrap_or_default();
        self.places.iter().map(|place| &text[place.clone()])
    }
}

impl Task {
    /// The parts of a window of lines that are translated one after the other: all lines at once, but for long texts of
    /// words.
    fn divide(&self, lines: Vec<lines::Line>) -> Vec<Vec<Line>> {
        let (mut parts, mut part, mut words) = (Vec::new(), Vec::new(), 0);
        for lines::Line { number, text, mut bytes } in lines {
            let text = text.map(Arc::<str>::from);
            let mut left = match &text {
                Ok(text) if self.each_word => places(text),
                Ok(text) => std::iter::once(0..text.len()).collect(),
                Err(_) => Vec::new(),
            };
            let mut begins = true;
            while begins || !left.is_empty() {
                if words == MOST_WORDS {
                    parts.push(std::mem::take(&mut part));
                    words = 0;
                }
                let later = left.split_off(left.len().min(MOST_WORDS - words));
                let places = std::mem::replace(&mut left, later);
                words += if self.each_word { places.len() } else { 0 };
                let (text, ends) = (text.clone(), left.is_empty());
                part.push(Line { number, text, bytes, places, sources: Vec::new(), begins, ends });
                (begins, bytes) = (false, 0);
            }
        }
        parts.push(part);
        parts
    }

    /// Texts repeat words: each source of a window is translated once.
    fn window(&self, mut lines: Vec<Line>) -> Result<Window> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut distinct: Vec<&str> = Vec::with_capacity(lines.len());
        let mut place = |source| {
            *places.entry(source).or_insert_with(|| {
                distinct.push(source);
                distinct.len() - 1
            })
        };
        let sources: Vec<Vec<usize>> = lines.iter().map(|line| line.texts().map(&mut place).collect()).collect();
        let prepared = self.translator.prepare(&distinct, &self.options)?;
        for (line, sources) in lines.iter_mut().zip(sources) {
            line.sources = sources;
        }
        Ok(Window { lines, prepared })
    }
}

/// Where the words of a text stand.
fn places(text: &str) -> Vec<Range<usize>> {
    // A word is a slice of the text: how far its beginning is from the text's.
    let place = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    words(text).map(|word| place(word)..place(word) + word.len()).collect()
}

/// Windows in the order of the input. Few are under way at a time, so that memory does not grow with the input.
pub struct Pipeline {
    /// Worker i prepares windows i, i + workers, …
    prepared: Vec<Receiver<Prepare>>,
    next: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Pipeline {
    /// Begins to read, with so many threads that divide lines into symbols.
    pub fn start(mut input: Input, task: Task, workers: usize) -> Result<Self> {
        let place = input.place().clone();
        let (mut waiting, mut prepared, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..workers {
            let worker = Worker::start(task.clone(), place.clone())?;
            waiting.push(worker.waiting);
            prepared.push(worker.prepared);
            threads.push(worker.thread);
        }
        // It ends with the input, or when nobody wants more.
        threads.push(spawn(move || {
            for (window, worker) in input.windows().zip((0..workers).cycle()) {
                if waiting[worker].send(window).is_err() {
                    return;
                }
            }
        })?);
        Ok(Self { prepared, next: 0, threads })
    }

    /// The next window; none at the end.
    pub fn next_window(&mut self) -> Result<Option<Window>> {
        let worker = self.next % self.prepared.len();
        if let Ok((window, is_last)) = self.prepared[worker].recv() {
            self.next += usize::from(is_last);
            return window.map(Some);
        }
        // Nothing more comes: because it is the end, and not because a thread has broken down.
        for thread in self.threads.drain(..) {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        Ok(None)
    }
}

/// A part of what the reader has of a window, prepared, and whether it is the last one.
type Prepare = (Result<Window>, bool);

/// What the reader has of a window.
type Lines = io::Result<Vec<lines::Line>>;

/// A thread that prepares what it is sent.
struct Worker {
    waiting: SyncSender<Lines>,
    prepared: Receiver<Prepare>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(task: Task, place: Place) -> Result<Self> {
        let (waiting, windows) = sync_channel::<Lines>(1);
        let (ready, prepared) = sync_channel(1);
        let thread = spawn(move || {
            for window in windows {
                let parts = match window {
                    Ok(lines) => task.divide(lines).into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(place.failure(error))],
                };
                let count = parts.len();
                for (at, part) in parts.into_iter().enumerate() {
                    let window = part.and_then(|lines| task.window(lines));
                    if ready.send((window, at + 1 == count)).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { waiting, prepared, thread })
    }
}

/// A thread, if one can be had.
fn spawn(work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = thread::Builder::new().name("windows".to_owned()).spawn(work);
    thread.map_err(|error| Place::Stream("a thread that reads ahead").failure(error))
}
