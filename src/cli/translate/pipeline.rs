//! Windows of lines, read and divided into symbols by threads of their own while the device translates others.

use std::collections::{HashMap, VecDeque};
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

/// The most different words that are translated together, and the most words: those of a long text are shown while the
/// next ones are translated.
const MOST_DISTINCT: usize = 1 << 12;
const MOST_WORDS: usize = 1 << 18;

/// Lines that are translated together.
pub struct Window {
    /// In their order.
    pub lines: Vec<Line>,
    /// The different sources of all lines.
    pub prepared: Prepared,
}

/// A line and its sources, or some of its words.
#[derive(Debug)]
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
    /// words. Texts repeat words: each source of a part is translated once.
    fn divide(&self, lines: Vec<lines::Line>) -> Vec<Part> {
        let (mut parts, mut part) = (Vec::new(), Part::default());
        for lines::Line { number, text, mut bytes } in lines {
            let text = text.map(Arc::<str>::from);
            let places = match &text {
                Ok(text) if self.each_word => places(text),
                Ok(text) => std::iter::once(0..text.len()).collect(),
                Err(_) => Vec::new(),
            };
            let mut left = places.into_iter().peekable();
            let mut begins = true;
            while begins || left.peek().is_some() {
                let (places, sources) = (Vec::new(), Vec::new());
                let mut line = Line { number, text: text.clone(), bytes, places, sources, begins, ends: false };
                while let Some(place) = left.next_if(|_| !self.each_word || !part.is_full()) {
                    line.sources.push(part.place(&text.as_deref().unwrap_or_default()[place.clone()]));
                    line.places.push(place);
                }
                line.ends = left.peek().is_none();
                part.lines.push(line);
                if part.is_full() && self.each_word {
                    parts.push(std::mem::take(&mut part));
                }
                (begins, bytes) = (false, 0);
            }
        }
        parts.push(part);
        parts
    }

    fn window(&self, Part { lines, distinct, .. }: Part) -> Result<Window> {
        Ok(Window { lines, prepared: self.translator.prepare(&distinct, &self.options)? })
    }
}

/// Lines, or words of them, and their different sources.
#[derive(Default)]
struct Part {
    lines: Vec<Line>,
    distinct: Vec<Arc<str>>,
    places: HashMap<Arc<str>, usize>,
    sources: usize,
}

impl Part {
    /// Which of the different sources this is.
    fn place(&mut self, source: &str) -> usize {
        self.sources += 1;
        if let Some(&place) = self.places.get(source) {
            return place;
        }
        let source = Arc::<str>::from(source);
        self.distinct.push(Arc::clone(&source));
        self.places.insert(source, self.distinct.len() - 1);
        self.distinct.len() - 1
    }

    fn is_full(&self) -> bool {
        self.distinct.len() >= MOST_DISTINCT || self.sources >= MOST_WORDS
    }
}

/// Where the words of a text stand.
fn places(text: &str) -> Vec<Range<usize>> {
    // A word is a slice of the text: how far its beginning is from the text's.
    let place = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
    words(text).map(|word| place(word)..place(word) + word.len()).collect()
}

/// Windows in the order of the input. Few are under way at a time, so that memory does not grow with the input.
pub struct Pipeline(Stages);

enum Stages {
    /// Threads read and prepare while the device translates: worker i prepares windows i, i + workers, …
    Threads { prepared: Vec<Receiver<Prepare>>, next: usize, threads: Vec<JoinHandle<()>> },
    /// Where no thread can be had, one does all.
    One { input: Box<Input>, task: Task, parts: VecDeque<Part> },
}

impl Pipeline {
    /// Begins to read, with so many threads that divide lines into symbols.
    pub fn start(input: Input, task: Task, workers: usize) -> Self {
        let place = input.place().clone();
        let workers = (0..workers).map_while(|_| Worker::start(task.clone(), place.clone()).ok());
        let (mut waiting, mut prepared, mut threads) = (Vec::new(), Vec::new(), Vec::new());
        for worker in workers {
            waiting.push(worker.waiting);
            prepared.push(worker.prepared);
            threads.push(worker.thread);
        }
        // A thread that cannot be had would take the input with it: that is handed over once the thread is there.
        let (hand_over, handed_over) = sync_channel::<Input>(1);
        let reader = spawn(move || {
            let Ok(mut input) = handed_over.recv() else { return };
            // It ends with the input, or when nobody wants more.
            for (window, worker) in input.windows().zip((0..waiting.len()).cycle()) {
                if waiting[worker].send(window).is_err() {
                    return;
                }
            }
        });
        match reader {
            Ok(reader) if !prepared.is_empty() => {
                threads.push(reader);
                // It waits for the input until then, and so is there to take it.
                let _ = hand_over.send(input);
                Self(Stages::Threads { prepared, next: 0, threads })
            }
            _ => Self(Stages::One { input: Box::new(input), task, parts: VecDeque::new() }),
        }
    }

    /// The next window; none at the end.
    pub fn next_window(&mut self) -> Result<Option<Window>> {
        match &mut self.0 {
            Stages::Threads { prepared, next, threads } => {
                let worker = *next % prepared.len();
                if let Ok((window, is_last)) = prepared[worker].recv() {
                    *next += usize::from(is_last);
                    return window.map(Some);
                }
                // Nothing more comes: because it is the end, and not because a thread has broken down.
                for thread in threads.drain(..) {
                    thread.join().unwrap_or_else(|panic| resume_unwind(panic));
                }
                Ok(None)
            }
            Stages::One { input, task, parts } => {
                if parts.is_empty() {
                    let window = input.windows().next().transpose();
                    let window = window.map_err(|error| input.place().failure(error))?;
                    parts.extend(window.map(|lines| task.divide(lines)).unwrap_or_default());
                }
                parts.pop_front().map(|part| task.window(part)).transpose()
            }
        }
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
    fn start(task: Task, place: Place) -> io::Result<Self> {
        let (waiting, windows) = sync_channel::<Lines>(1);
        let (ready, prepared) = sync_channel(1);
        let thread = spawn(move || {
            for window in windows {
                let parts: Vec<Result<Part>> = match window {
                    Ok(lines) => task.divide(lines).into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(place.failure(error))],
                };
                let count = parts.len();
                for (at, part) in parts.into_iter().enumerate() {
                    let window = part.and_then(|part| task.window(part));
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
fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("windows".to_owned()).spawn(work)
}
