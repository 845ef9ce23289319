//! Windows of lines, read and divided into symbols by threads of their own while the device translates others.

use std::collections::HashMap;
use std::io;
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

/// Lines that are translated together.
pub struct Window {
    /// In their order.
    pub lines: Vec<Line>,
    /// The different sources of all lines.
    pub prepared: Prepared,
}

/// A line and its sources.
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: std::result::Result<String, BadLine>,
    /// Its bytes in the input.
    pub bytes: u64,
    /// Which of the window's sources are its: one, none for one that is no text, or one for each of its words.
    pub sources: Vec<usize>,
}

impl Task {
    /// Texts repeat words: each source of a window is translated once.
    fn window(&self, lines: Vec<lines::Line>) -> Result<Window> {
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut distinct: Vec<&str> = Vec::with_capacity(lines.len());
        let mut place = |source| {
            *places.entry(source).or_insert_with(|| {
                distinct.push(source);
                distinct.len() - 1
            })
        };
        let sources: Vec<Vec<usize>> = lines
            .iter()
            .map(|line| match &line.text {
                Ok(text) if self.each_word => words(text).map(&mut place).collect(),
                Ok(text) => vec![place(text)],
                Err(_) => Vec::new(),
            })
            .collect();
        let prepared = self.translator.prepare(&distinct, &self.options)?;
        let lines = lines.into_iter().zip(sources).map(|(lines::Line { number, text, bytes }, sources)| Line {
            number,
            text,
            bytes,
            sources,
        });
        Ok(Window { lines: lines.collect(), prepared })
    }
}

/// Windows in the order of the input. Few are under way at a time, so that memory does not grow with the input.
pub struct Pipeline {
    /// Worker i prepares windows i, i + workers, …
    prepared: Vec<Receiver<Result<Window>>>,
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
        self.next += 1;
        if let Ok(window) = self.prepared[worker].recv() {
            return window.map(Some);
        }
        // Nothing more comes: because it is the end, and not because a thread has broken down.
        for thread in self.threads.drain(..) {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        Ok(None)
    }
}

/// What the reader has of a window.
type Lines = io::Result<Vec<lines::Line>>;

/// A thread that prepares what it is sent.
struct Worker {
    waiting: SyncSender<Lines>,
    prepared: Receiver<Result<Window>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start(task: Task, place: Place) -> Result<Self> {
        let (waiting, windows) = sync_channel::<Lines>(1);
        let (ready, prepared) = sync_channel(1);
        let thread = spawn(move || {
            for window in windows {
                let window = window.map_err(|error| place.failure(error)).and_then(|lines| task.window(lines));
                if ready.send(window).is_err() {
                    return;
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
