//! Windows of lines, read and divided into symbols by threads of their own while the device translates others.

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
    /// The sources of all lines.
    pub prepared: Prepared,
}

/// A line and how many sources it has.
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Its text.
    pub text: std::result::Result<String, BadLine>,
    /// Its bytes in the input.
    pub bytes: u64,
    /// How many of the window's sources are its: 1, none for one that is no text, or as many as it has words.
    pub sources: usize,
}

impl Task {
    fn window(&self, lines: Vec<lines::Line>) -> Result<Window> {
        let mut sources: Vec<&str> = Vec::with_capacity(lines.len());
        let mut counts = Vec::with_capacity(lines.len());
        for line in &lines {
            let before = sources.len();
            match &line.text {
                Ok(text) if self.each_word => sources.extend(words(text)),
                Ok(text) => sources.push(text),
                Err(_) => {}
            }
            counts.push(sources.len() - before);
        }
        let prepared = self.translator.prepare(&sources, &self.options)?;
        let counted = lines.into_iter().zip(counts).map(|(lines::Line { number, text, bytes }, sources)| Line {
            number,
            text,
            bytes,
            sources,
        });
        Ok(Window { lines: counted.collect(), prepared })
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
    pub fn start(mut input: Input, task: Task, workers: usize) -> Self {
        let place = input.place().clone();
        let (mut waiting, mut prepared, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..workers {
            let (to, from, thread) = worker(task.clone(), place.clone());
            waiting.push(to);
            prepared.push(from);
            threads.push(thread);
        }
        // It ends with the input, or when nobody wants more.
        threads.push(thread::spawn(move || {
            for (window, worker) in input.windows().zip((0..workers).cycle()) {
                if waiting[worker].send(window).is_err() {
                    return;
                }
            }
        }));
        Self { prepared, next: 0, threads }
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
fn worker(task: Task, place: Place) -> (SyncSender<Lines>, Receiver<Result<Window>>, JoinHandle<()>) {
    let (sender, windows) = sync_channel::<Lines>(1);
    let (ready, prepared) = sync_channel(1);
    let thread = thread::spawn(move || {
        for window in windows {
            let window = window.map_err(|error| place.failure(error)).and_then(|lines| task.window(lines));
            if ready.send(window).is_err() {
                return;
            }
        }
    });
    (sender, prepared, thread)
}
