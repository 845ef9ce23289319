//! The requests that wait, and whose turn it is.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use seq2seq::{PreparedSource, TranslateOptions};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::TrySendError;

use super::answer::{Answer, Answers};

/// What lines must have in common to be translated together.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The place of the model among those of the server.
    pub model: usize,
    /// How to translate.
    pub options: TranslateOptions,
}

/// A line that waits.
#[derive(Debug)]
pub struct Line {
    /// Its place in its request.
    pub place: usize,
    /// What the device will read.
    pub source: PreparedSource,
}

/// A line whose turn it is, with the way back to whoever asked.
#[derive(Debug)]
pub struct Drawn {
    /// The line.
    pub line: Line,
    /// Takes one answer, always.
    pub reply: OwnedPermit<Answer>,
}

/// A request, or what is left of it.
#[derive(Debug)]
struct Request {
    number: u64,
    kind: Kind,
    lines: VecDeque<Line>,
    answers: Answers,
    arrived: Instant,
    /// How many lines were taken of it in this draw.
    taken: usize,
}

/// Requests of bounded size altogether; the device's thread draws lines of them, a share of each in turn.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    bounds: Bounds,
}

/// How much waits, and how much is drawn at once.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most lines that wait.
    pub lines: usize,
    /// The most symbols of these.
    pub symbols: usize,
    /// The most lines that are drawn at once, of one request.
    pub share: usize,
    /// The most lines that are drawn at once, of all requests.
    pub drawn_lines: usize,
    /// The most symbols of these.
    pub drawn_symbols: usize,
    /// How long fewer than a share wait for others.
    pub wait: Duration,
}

#[derive(Debug, Default)]
struct State {
    /// The next comes first.
    turns: VecDeque<Request>,
    lines: usize,
    symbols: usize,
    requests: u64,
    /// The lines that were drawn last.
    drawn: usize,
    closed: bool,
}

/// For what of a request there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Its lines, beside so many that wait.
    Lines(usize),
    /// Its symbols, beside so many that wait.
    Symbols(usize),
    /// Nothing may enter any more.
    Closed,
}

/// A request's place in the queue, given up when this is dropped.
#[derive(Debug)]
pub struct Ticket {
    queue: Arc<Queue>,
    number: u64,
    /// Whether it has more lines than there is room for answers.
    waits: bool,
}

impl Queue {
    /// An empty queue.
    pub fn new(bounds: Bounds) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), bounds }
    }

    /// Lets a request wait, if there is room for it.
    pub fn enter(self: &Arc<Self>, kind: Kind, lines: VecDeque<Line>, answers: Answers) -> Result<Ticket, Full> {
        let symbols = symbols(&lines);
        let mut state = self.lock();
        if state.closed {
            return Err(Full::Closed);
        }
        if state.lines + lines.len() > self.bounds.lines {
            return Err(Full::Lines(state.lines));
        }
        if state.symbols + symbols > self.bounds.symbols {
            return Err(Full::Symbols(state.symbols));
        }
        state.lines += lines.len();
        state.symbols += symbols;
        state.requests += 1;
        let number = state.requests;
        let waits = lines.len() > answers.max_capacity();
        if !lines.is_empty() {
            state.turns.push_back(Request { number, kind, lines, answers, arrived: Instant::now(), taken: 0 });
        }
        drop(state);
        self.changed.notify_one();
        Ok(Ticket { queue: Arc::clone(self), number, waits })
    }

    /// How many lines wait.
    pub fn lines(&self) -> usize {
        self.lock().lines
    }

    /// Nothing more will enter.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Nothing more will enter, and nobody will draw: whoever waits is told so.
    pub fn abandon(&self) {
        let mut state = self.lock();
        *state = State { closed: true, requests: state.requests, ..State::default() };
    }

    /// The lines whose turn it is, which are of one kind: waits for some, and so long for as many as were drawn last.
    /// Nothing when the queue is closed and empty.
    pub fn draw(&self, pause: Duration) -> Option<(Kind, Vec<Drawn>)> {
        let mut state = self.lock();
        let paused = Instant::now() + pause;
        loop {
            let now = Instant::now();
            state = match state.oldest() {
                None if state.closed && state.turns.is_empty() => return None,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(arrived) => {
                    let wait = if state.lines < self.bounds.share { arrived + self.bounds.wait } else { now };
                    let pause = if state.lines < state.drawn { paused } else { now };
                    let left = wait.max(pause).saturating_duration_since(now);
                    if left.is_zero() || state.closed {
                        match state.draw(&self.bounds) {
                            (Some(kind), lines) if !lines.is_empty() => return Some((kind, lines)),
                            _ => state,
                        }
                    } else {
                        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                    }
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// An answer was read: there is room for another.
    pub fn has_read(&self) {
        if self.waits {
            // Whoever is about to wait for this has the lock.
            drop(self.queue.lock());
            self.queue.changed.notify_one();
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        if let Some(at) = state.turns.iter().position(|request| request.number == self.number)
            && let Some(request) = state.turns.remove(at)
        {
            state.lines -= request.lines.len();
            state.symbols -= symbols(&request.lines);
        }
        drop(state);
        self.queue.changed.notify_one();
    }
}

impl State {
    /// When the request came that has waited longest of those that can take an answer.
    fn oldest(&self) -> Option<Instant> {
        self.turns.iter().filter(|request| request.has_room()).map(|request| request.arrived).min()
    }

    /// A line of each request in turn, again and again, until all bounds are reached. Requests of another kind keep their
    /// places; those that could have had more come behind those whose turn did not come.
    fn draw(&mut self, bounds: &Bounds) -> (Option<Kind>, Vec<Drawn>) {
        let kind = self.turns.iter().find(|request| request.has_room()).map(|request| request.kind.clone());
        let (mut drawn, mut symbols) = (Vec::new(), 0);
        let (mut others, mut served) = (VecDeque::new(), VecDeque::new());
        let mut round = std::mem::take(&mut self.turns);
        round.iter_mut().for_each(|request| request.taken = 0);
        while drawn.len() < bounds.drawn_lines && symbols < bounds.drawn_symbols {
            let Some(mut request) = round.pop_front() else { break };
            if Some(&request.kind) != kind.as_ref() {
                others.push_back(request);
                continue;
            }
            match request.take(bounds.share) {
                Some(line) => {
                    symbols += line.line.source.symbols();
                    drawn.push(line);
                    if !request.lines.is_empty() {
                        round.push_back(request);
                    }
                }
                None => served.push_back(request),
            }
        }
        self.turns = others;
        self.turns.append(&mut round);
        self.turns.append(&mut served);
        self.lines -= drawn.len();
        self.symbols -= symbols;
        self.drawn = drawn.len();
        (kind, drawn)
    }
}

/// The symbols of lines.
fn symbols<'a>(lines: impl IntoIterator<Item = &'a Line>) -> usize {
    lines.into_iter().map(|line| line.source.symbols()).sum()
}

impl Request {
    /// Whether whoever asked is there, and takes another answer.
    fn has_room(&self) -> bool {
        !self.answers.is_closed() && self.answers.capacity() > 0
    }

    /// The next line, if it is to have one more of its share.
    fn take(&mut self, share: usize) -> Option<Drawn> {
        if self.taken == share {
            return None;
        }
        let reply = match self.answers.clone().try_reserve_owned() {
            Ok(reply) => reply,
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => return None,
        };
        let line = self.lines.pop_front()?;
        self.taken += 1;
        Some(Drawn { line, reply })
    }
}

#[cfg(test)]
mod tests {
    use seq2seq::Translator;
    use seq2seq::device::{Device, DeviceRequest, Precision};
    use seq2seq::model::Model;
    use tokio::sync::mpsc::{Receiver, channel};

    use super::super::answer::Answer;
    use super::*;

    const BOUNDS: Bounds =
        Bounds { lines: 10, symbols: 9, share: 2, drawn_lines: 5, drawn_symbols: 100, wait: Duration::ZERO };

    fn translator() -> Translator {
        let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
        Translator::new(Model::embedded().expect("the model"), device).expect("a translator")
    }

    /// A request of so many lines enters, for a client that takes `room` answers.
    fn enter(queue: &Arc<Queue>, beam: usize, lines: usize, room: usize) -> Result<(Ticket, Receiver<Answer>), Full> {
        let options = TranslateOptions { beam, ..TranslateOptions::default() };
        let prepared = translator().prepare(&vec!["a"; lines], &options).expect("options");
        let lines = prepared.into_iter().enumerate().map(|(place, source)| Line { place, source }).collect();
        let (answers, answered) = channel(room);
        Ok((queue.enter(Kind { model: 0, options }, lines, answers)?, answered))
    }

    /// The beam of the lines that are drawn next, and their places.
    fn draw(queue: &Queue) -> (usize, Vec<usize>) {
        let (kind, lines) = queue.draw(Duration::ZERO).expect("lines");
        (kind.options.beam, lines.iter().map(|drawn| drawn.line.place).collect())
    }

    #[test]
    fn each_request_has_its_share() {
        let queue = Arc::new(Queue::new(BOUNDS));
        let _long = enter(&queue, 1, 6, 8).expect("room");
        let _short = enter(&queue, 1, 1, 8).expect("room");
        assert_eq!(draw(&queue), (1, vec![0, 0, 1]), "one of each, and no more than two of one");
        assert_eq!(queue.lines(), 4);
        assert_eq!(draw(&queue), (1, vec![2, 3]));
    }

    #[test]
    fn other_kinds_keep_their_turns() {
        let queue = Arc::new(Queue::new(BOUNDS));
        let _greedy = enter(&queue, 1, 3, 8).expect("room");
        let _beam = enter(&queue, 5, 1, 8).expect("room");
        assert_eq!([draw(&queue), draw(&queue), draw(&queue)], [(1, vec![0, 1]), (5, vec![0]), (1, vec![2])]);
    }

    #[test]
    fn a_slow_reader_waits_for_itself_alone() {
        let queue = Arc::new(Queue::new(BOUNDS));
        let (_ticket, mut answers) = enter(&queue, 1, 3, 1).expect("room");
        let (kind, lines) = queue.draw(Duration::ZERO).expect("lines");
        assert_eq!((kind.options.beam, lines.len()), (1, 1));
        let _other = enter(&queue, 5, 1, 8).expect("room");
        assert_eq!(draw(&queue), (5, vec![0]), "there is no room for an answer to the first");
        drop(lines);
        assert!(answers.try_recv().is_err());
        assert_eq!(draw(&queue), (1, vec![1]));
    }

    #[test]
    fn who_leaves_makes_room() {
        let queue = Arc::new(Queue::new(BOUNDS));
        let first = enter(&queue, 1, 8, 8).expect("room");
        assert_eq!(enter(&queue, 1, 3, 8).err(), Some(Full::Lines(8)));
        assert_eq!(enter(&queue, 1, 2, 8).err(), Some(Full::Symbols(8)));
        drop(first);
        assert_eq!(queue.lines(), 0);
        let _second = enter(&queue, 1, 3, 8).expect("room");
        queue.close();
        assert_eq!(enter(&queue, 1, 1, 8).err(), Some(Full::Closed));
        assert_eq!([draw(&queue), draw(&queue)], [(1, vec![0, 1]), (1, vec![2])]);
        assert!(queue.draw(Duration::ZERO).is_none());
    }

    #[test]
    fn what_nobody_draws_is_not_waited_for() {
        let queue = Arc::new(Queue::new(BOUNDS));
        let (_ticket, mut answers) = enter(&queue, 1, 3, 1).expect("room");
        queue.abandon();
        assert_eq!(answers.try_recv().err(), Some(tokio::sync::mpsc::error::TryRecvError::Disconnected));
        assert_eq!((queue.lines(), enter(&queue, 1, 1, 8).err()), (0, Some(Full::Closed)));
    }
}
