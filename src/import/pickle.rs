//! Pickles as data: an interpreter of the opcodes that PyTorch's files use, which builds values and runs nothing.
//!
//! A class or function of a pickle is no more than its name. What Python would call becomes a [`Record`]: the name, what it
//! would be called with, and what is put into the result afterwards. So a stranger's file can say what it likes.
//!
//! Values lie side by side and name each other by number, as a pickle's own memo does: a file takes memory in proportion
//! to its size, however often it mentions a value, and nothing here recurses. Whoever walks along values that may contain
//! themselves counts the steps.

use std::collections::BTreeMap;

/// The most values of a pickle: a vocabulary of a million tokens with all its counts has two or three.
const MOST_OBJECTS: usize = 1 << 23;

/// How many names one may have to follow from a value to what it is.
const DEEPEST: usize = 32;

/// A value: a small one itself, another by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Object(usize),
}

/// What has a number.
#[derive(Clone, Debug)]
enum Object {
    Text(String),
    /// Bytes, and numbers of more than 64 bits.
    Bytes(Vec<u8>),
    /// Lists, tuples and sets.
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Global {
        module: String,
        name: String,
    },
    Record(Box<Record>),
    /// What the file keeps outside of the pickle.
    Persistent(Value),
}

/// What Python would have made by a call.
#[derive(Clone, Debug)]
struct Record {
    callable: Value,
    arguments: Value,
    state: Value,
    items: Vec<Value>,
    pairs: Vec<(Value, Value)>,
}

/// All values of a pickle.
#[derive(Clone, Debug)]
pub struct Pickle {
    objects: Vec<Object>,
    root: Value,
    /// Bytes up to the end of its last opcode.
    length: usize,
}

/// A value of a pickle.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pickle: &'a Pickle,
    value: Value,
}

impl Pickle {
    /// Reads a pickle that begins where `bytes` begin; others may stand behind it.
    ///
    /// # Errors
    ///
    /// What is wrong, and at which byte.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine =
            Machine { bytes, at: 0, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new() };
        match machine.run() {
            Ok(root) => Ok(Self { objects: machine.objects, root, length: machine.at }),
            Err(reason) => Err(format!("pickle, byte {}: {reason}", machine.at)),
        }
    }

    /// The value that the pickle is.
    pub fn root(&self) -> Node<'_> {
        self.node(self.root)
    }

    /// The names of all values that are kept outside of the pickle.
    pub fn persistent(&self) -> impl Iterator<Item = Node<'_>> {
        self.objects.iter().filter_map(|object| match object {
            Object::Persistent(name) => Some(self.node(*name)),
            _ => None,
        })
    }

    /// Its length in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    fn node(&self, value: Value) -> Node<'_> {
        Node { pickle: self, value }
    }
}

impl<'a> Node<'a> {
    fn object(self) -> Option<&'a Object> {
        match self.value {
            Value::Object(index) => self.pickle.objects.get(index),
            _ => None,
        }
    }

    fn record(self) -> Option<&'a Record> {
        match self.object() {
            Some(Object::Record(record)) => Some(record),
            _ => None,
        }
    }

    /// A string.
    pub fn text(self) -> Option<&'a str> {
        match self.object() {
            Some(Object::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Bytes; of a number that 64 bits cannot hold, its own, the lowest first.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self.object() {
            Some(Object::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// A whole number.
    pub fn int(self) -> Option<i64> {
        match self.value {
            Value::Int(number) => Some(number),
            Value::Bool(truth) => Some(truth.into()),
            _ => None,
        }
    }

    /// A whole number that counts something.
    pub fn count(self) -> Option<usize> {
        self.int().and_then(|number| usize::try_from(number).ok())
    }

    /// A number.
    pub fn float(self) -> Option<f64> {
        match self.value {
            Value::Float(number) => Some(number),
            _ => self.int().map(|number| number as f64),
        }
    }

    /// Whether it is `None`.
    pub fn is_none(self) -> bool {
        self.value == Value::None
    }

    /// Whether Python would take it for true, if it is a number, a truth value, `None`, a text or a list.
    pub fn is_true(self) -> bool {
        match self.value {
            Value::None => false,
            Value::Bool(truth) => truth,
            Value::Int(number) => number != 0,
            Value::Float(number) => number != 0.0,
            Value::Object(_) => match self.object() {
                Some(Object::Text(text)) => !text.is_empty(),
                Some(Object::List(items)) => !items.is_empty(),
                Some(Object::Dict(pairs)) => !pairs.is_empty(),
                _ => true,
            },
        }
    }

    /// The items of a list, tuple or set, or of a record that something was appended to.
    pub fn items(self) -> Option<impl ExactSizeIterator<Item = Node<'a>> + Clone> {
        let items = match self.object()? {
            Object::List(items) => items,
            Object::Record(record) if !record.items.is_empty() => &record.items,
            _ => return None,
        };
        let pickle = self.pickle;
        Some(items.iter().map(move |&value| pickle.node(value)))
    }

    /// The item at a place.
    pub fn item(self, place: usize) -> Option<Node<'a>> {
        self.items()?.nth(place)
    }

    /// The pairs of a dictionary, those of a record that is one included.
    pub fn pairs(self) -> Vec<(Node<'a>, Node<'a>)> {
        let pickle = self.pickle;
        let node = |&(key, value): &(Value, Value)| (pickle.node(key), pickle.node(value));
        match self.object() {
            Some(Object::Dict(pairs)) => pairs.iter().map(node).collect(),
            Some(Object::Record(record)) => {
                // Early Pythons hand an ordered dictionary its pairs as a list.
                let listed = pickle.node(record.arguments).item(0).and_then(Node::items).into_iter().flatten();
                let listed = listed.filter_map(|pair| Some((pair.item(0)?, pair.item(1)?)));
                listed.chain(record.pairs.iter().map(node)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The value of a key, of a dictionary or of an object's attributes. Of several with one key the last, as in Python.
    pub fn get(self, key: &str) -> Option<Node<'a>> {
        let pickle = self.pickle;
        let find = |pairs: &[(Value, Value)]| {
            let found = pairs.iter().rev().find(|(name, _)| pickle.node(*name).text() == Some(key));
            found.map(|&(_, value)| pickle.node(value))
        };
        match self.object()? {
            Object::Dict(pairs) => find(pairs),
            Object::Record(record) => {
                let state = pickle.node(record.state);
                let attributes = |node: Node<'a>| match node.object() {
                    Some(Object::Dict(pairs)) => find(pairs),
                    _ => None,
                };
                // What has slots keeps attributes in the second of two dictionaries.
                let in_state = attributes(state).or_else(|| state.items()?.find_map(attributes));
                in_state.or_else(|| find(&record.pairs)).or_else(|| {
                    let mut listed = pickle.node(record.arguments).item(0)?.items()?;
                    listed.find(|pair| pair.item(0).and_then(Node::text) == Some(key))?.item(1)
                })
            }
            _ => None,
        }
    }

    /// The attributes of an object, as a dictionary.
    pub fn state(self) -> Option<Node<'a>> {
        self.record().map(|record| self.pickle.node(record.state)).filter(|state| !state.is_none())
    }

    /// The full name of what a record is made by, or of a class or function itself: `argparse.Namespace`.
    pub fn class(self) -> Option<String> {
        let mut node = self;
        for _ in 0..DEEPEST {
            match node.object()? {
                Object::Global { module, name } => return Some(format!("{module}.{name}")),
                Object::Record(record) => {
                    let callable = self.pickle.node(record.callable);
                    node = match callable.object() {
                        // An object without more ado, whose class is the first argument.
                        Some(Object::Global { module, name })
                            if matches!(module.as_str(), "copyreg" | "copy_reg")
                                && matches!(name.as_str(), "_reconstructor" | "__newobj__") =>
                        {
                            self.pickle.node(record.arguments).item(0)?
                        }
                        _ => callable,
                    };
                }
                _ => return None,
            }
        }
        None
    }

    /// What a record is made with.
    pub fn arguments(self) -> Option<Node<'a>> {
        self.record().map(|record| self.pickle.node(record.arguments))
    }

    /// What names a value that is kept outside of the pickle.
    pub fn persistent(self) -> Option<Node<'a>> {
        match self.object() {
            Some(Object::Persistent(name)) => Some(self.pickle.node(*name)),
            _ => None,
        }
    }

    /// A number that tells this value from others, if it is not a small one.
    pub fn identity(self) -> Option<usize> {
        match self.value {
            Value::Object(index) => Some(index),
            _ => None,
        }
    }
}

/// The machine that Python's documentation describes (`pickletools`): a stack, marks in it, and a memo.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Value>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Value, String> {
        loop {
            let opcode = self.take(1)?[0];
            if opcode == b'.' {
                return self.pop();
            }
            self.execute(opcode)?;
        }
    }

    fn execute(&mut self, opcode: u8) -> Result<(), String> {
        match opcode {
            // The protocol, and frames, which say how much may be read at once.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_marked()?),
            b'2' => {
                let top = *self.stack.last().ok_or("nothing to repeat")?;
                self.stack.push(top);
            }
            b'N' => self.stack.push(Value::None),
            0x88 => self.stack.push(Value::Bool(true)),
            0x89 => self.stack.push(Value::Bool(false)),
            b'I' | b'L' => self.decimal()?,
            b'F' => {
                let line = self.line()?;
                let number = line.parse().map_err(|_| format!("expected a number, found {line:?}"))?;
                self.stack.push(Value::Float(number));
            }
            b'G' => {
                let bytes = self.array::<8>()?;
                self.stack.push(Value::Float(f64::from_be_bytes(bytes)));
            }
            b'J' => {
                let bytes = self.array::<4>()?;
                self.stack.push(Value::Int(i32::from_le_bytes(bytes).into()));
            }
            b'K' | b'M' => {
                let number = self.unsigned(if opcode == b'K' { 1 } else { 2 })?;
                self.stack.push(Value::Int(number as i64));
            }
            0x8a | 0x8b => {
                let length = self.unsigned(if opcode == 0x8a { 1 } else { 4 })?;
                self.long(length)?;
            }
            b'S' | b'V' => self.quoted(opcode)?,
            b'U' | b'T' | b'X' | 0x8c | 0x8d => self.counted_text(opcode)?,
            b'C' | b'B' | 0x8e | 0x96 => {
                let length = self.unsigned(match opcode {
                    b'C' => 1,
                    b'B' => 4,
                    _ => 8,
                })?;
                let bytes = self.take_counted(length)?.to_vec();
                self.push(Object::Bytes(bytes))?;
            }
            b']' | b')' | 0x8f => self.push(Object::List(Vec::new()))?,
            b'}' => self.push(Object::Dict(Vec::new()))?,
            b't' | b'l' | 0x91 => {
                let items = self.pop_marked()?;
                self.push(Object::List(items))?;
            }
            0x85..=0x87 => {
                let first =
                    self.stack.len().checked_sub(usize::from(opcode - 0x84)).ok_or("too few values for a tuple")?;
                self.check_mark(first)?;
                let items = self.stack.split_off(first);
                self.push(Object::List(items))?;
            }
            b'd' => {
                let items = self.pop_marked()?;
                self.push(Object::Dict(pairs(&items)?))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_marked()?;
                self.append(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_marked()?;
                self.set(&items)?;
            }
            b'p' | b'q' | b'r' | 0x94 => self.put(opcode)?,
            b'g' | b'h' | b'j' => self.get(opcode)?,
            b'c' | 0x93 => self.global(opcode)?,
            b'P' => {
                let name = self.line()?;
                self.push(Object::Text(name))?;
                self.persistent()?;
            }
            b'Q' => self.persistent()?,
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.call(callable, arguments)?;
            }
            0x92 => {
                let (_keywords, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(class, arguments)?;
            }
            b'i' | b'o' => self.instance(opcode)?,
            b'b' => self.build()?,
            other => return Err(format!("an opcode {other:#04x}, which no checkpoint has")),
        }
        Ok(())
    }

    // What is read

    fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("expected {length} bytes, found {}", self.bytes.len() - self.at))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn take_counted(&mut self, length: u64) -> Result<&[u8], String> {
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn array<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], String> {
        let mut array = [0; LENGTH];
        array.copy_from_slice(self.take(LENGTH)?);
        Ok(array)
    }

    /// A number of so many bytes, the lowest first.
    fn unsigned(&mut self, length: usize) -> Result<u64, String> {
        Ok(self.take(length)?.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// A line, without its end.
    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or("a line without an end")?;
        let line = text(&rest[..length]);
        self.at += length + 1;
        Ok(line)
    }

    // What is written

    fn push(&mut self, object: Object) -> Result<(), String> {
        if self.objects.len() == MOST_OBJECTS {
            return Err(format!("expected at most {MOST_OBJECTS} values"));
        }
        self.objects.push(object);
        self.stack.push(Value::Object(self.objects.len() - 1));
        Ok(())
    }

    /// The value on top, which stands above the last mark.
    fn pop(&mut self) -> Result<Value, String> {
        let value = self.stack.pop().ok_or("a value is missing")?;
        self.check_mark(self.stack.len())?;
        Ok(value)
    }

    fn check_mark(&self, first: usize) -> Result<(), String> {
        if self.marks.last().is_some_and(|&mark| mark > first) { Err("a value is missing".to_owned()) } else { Ok(()) }
    }

    fn pop_marked(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        if mark > self.stack.len() {
            return Err("a value is missing".to_owned());
        }
        Ok(self.stack.split_off(mark))
    }

    /// The object on top.
    fn top(&mut self) -> Result<&mut Object, String> {
        match self.stack.last() {
            Some(&Value::Object(index)) => Ok(&mut self.objects[index]),
            _ => Err("a value that holds others is missing".to_owned()),
        }
    }

    fn append(&mut self, new: &[Value]) -> Result<(), String> {
        match self.top()? {
            Object::List(items) => items.extend_from_slice(new),
            Object::Record(record) => record.items.extend_from_slice(new),
            _ => return Err("what items are appended to is no list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Value]) -> Result<(), String> {
        let new = pairs(items)?;
        match self.top()? {
            Object::Dict(pairs) => pairs.extend(new),
            Object::Record(record) => record.pairs.extend(new),
            _ => return Err("what keys are set in is no dictionary".to_owned()),
        }
        Ok(())
    }

    fn call(&mut self, callable: Value, arguments: Value) -> Result<(), String> {
        self.push(Object::Record(Box::new(Record {
            callable,
            arguments,
            state: Value::None,
            items: Vec::new(),
            pairs: Vec::new(),
        })))
    }

    fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        // Attributes of what is no object, such as a plain dictionary, have nothing to say.
        if let Ok(Object::Record(record)) = self.top() {
            record.state = state;
        }
        Ok(())
    }

    fn persistent(&mut self) -> Result<(), String> {
        let name = self.pop()?;
        self.push(Object::Persistent(name))
    }

    fn instance(&mut self, opcode: u8) -> Result<(), String> {
        let (class, arguments) = if opcode == b'i' {
            self.global(b'c')?;
            let class = self.pop()?;
            (class, self.pop_marked()?)
        } else {
            let mut arguments = self.pop_marked()?;
            if arguments.is_empty() {
                return Err("a class is missing".to_owned());
            }
            (arguments.remove(0), arguments)
        };
        self.push(Object::List(arguments))?;
        let arguments = self.pop()?;
        self.call(class, arguments)
    }

    fn global(&mut self, opcode: u8) -> Result<(), String> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            let text = |value| match value {
                Value::Object(index) => match &self.objects[index] {
                    Object::Text(text) => Some(text.clone()),
                    _ => None,
                },
                _ => None,
            };
            text(module).zip(text(name)).ok_or("the name of a class is no text")?
        };
        self.push(Object::Global { module, name })
    }

    fn put(&mut self, opcode: u8) -> Result<(), String> {
        let place = match opcode {
            b'p' => self.line()?.parse().map_err(|_| "a place in the memo is no number")?,
            b'q' => self.unsigned(1)?,
            b'r' => self.unsigned(4)?,
            _ => self.memo.len() as u64,
        };
        let top = *self.stack.last().ok_or("nothing to keep in the memo")?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn get(&mut self, opcode: u8) -> Result<(), String> {
        let place = match opcode {
            b'g' => self.line()?.parse().map_err(|_| "a place in the memo is no number")?,
            b'h' => self.unsigned(1)?,
            _ => self.unsigned(4)?,
        };
        let value = *self.memo.get(&place).ok_or_else(|| format!("the memo has nothing at {place}"))?;
        self.stack.push(value);
        Ok(())
    }

    fn decimal(&mut self) -> Result<(), String> {
        let line = self.line()?;
        let value = match line.as_str() {
            "00" => Value::Bool(false),
            "01" => Value::Bool(true),
            digits => match digits.trim_end_matches('L').parse() {
                Ok(number) => Value::Int(number),
                // Longer than any size; the one that is looked at is the mark of an old file.
                Err(_) if !digits.is_empty() && digits.len() < 1000 => {
                    return self.push(Object::Bytes(line.into_bytes()));
                }
                Err(_) => return Err("expected a number".to_owned()),
            },
        };
        self.stack.push(value);
        Ok(())
    }

    /// A number in two's complement, of so many bytes.
    fn long(&mut self, length: u64) -> Result<(), String> {
        let bytes = self.take_counted(length)?;
        if bytes.len() > 8 {
            let bytes = bytes.to_vec();
            return self.push(Object::Bytes(bytes));
        }
        let negative = bytes.last().is_some_and(|&last| last >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        self.stack.push(Value::Int(i64::from_le_bytes(whole)));
        Ok(())
    }

    /// A text on a line of its own: of the oldest protocol, with the escapes that names of parameters do not have.
    fn quoted(&mut self, opcode: u8) -> Result<(), String> {
        let line = self.line()?;
        let inner = match opcode {
            b'S' => {
                let quote = |line: &str, quote| line.len() >= 2 && line.starts_with(quote) && line.ends_with(quote);
                if !quote(&line, '\'') && !quote(&line, '"') {
                    return Err("a text without quotes".to_owned());
                }
                &line[1..line.len() - 1]
            }
            _ => &line,
        };
        let plain = unescape(inner);
        self.push(Object::Text(plain))
    }

    fn counted_text(&mut self, opcode: u8) -> Result<(), String> {
        let length = self.unsigned(match opcode {
            b'U' | 0x8c => 1,
            b'T' | b'X' => 4,
            _ => 8,
        })?;
        let plain = text(self.take_counted(length)?);
        self.push(Object::Text(plain))
    }
}

/// Keys and values, one behind the other.
fn pairs(items: &[Value]) -> Result<Vec<(Value, Value)>, String> {
    let (pairs, rest) = items.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    } else {
        Err("a key without a value".to_owned())
    }
}

/// UTF-8; what Python 2 wrote may be no such thing, and is then taken byte by byte.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// `\n`, `\\`, `\'`, `\xHH`, `\uHHHH` and their like.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        let digits = |rest: &mut std::str::Chars<'_>, count: usize| {
            let digits: String = rest.clone().take(count).collect();
            let found = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)?;
            rest.nth(count - 1);
            Some(found)
        };
        let escaped = match rest.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('x') => digits(&mut rest, 2),
            Some('u') => digits(&mut rest, 4),
            Some('U') => digits(&mut rest, 8),
            other => other,
        };
        plain.push(escaped.unwrap_or('\u{fffd}'));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Pickle {
        Pickle::read(bytes).expect("a pickle")
    }

    /// What `pickle.dumps({"a": [1, -2, 300, 70000, 2**40], "b": (True, None, 1.5, "é"), "c": {}}, protocol)` gives.
    #[test]
    fn every_protocol_says_the_same() {
        let zero = b"(dp0\nVa\np1\n(lp2\nI1\naI-2\naI300\naI70000\naL1099511627776L\nasVb\np3\n(I01\nNF1.5\nV\\xe9\np4\ntp5\nsVc\np6\n(dp7\ns.";
        let two = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM\x2c\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01eX\x01\x00\x00\x00bq\x03(\x88NG?\xf8\x00\x00\x00\x00\x00\x00X\x02\x00\x00\x00\xc3\xa9q\x04tq\x05X\x01\x00\x00\x00cq\x06}q\x07u.";
        let four = b"\x80\x04\x95\x40\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM\x2c\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01e\x8c\x01b\x94(\x88NG?\xf8\x00\x00\x00\x00\x00\x00\x8c\x02\xc3\xa9\x94t\x94\x8c\x01c\x94}\x94u.";
        for bytes in [&zero[..], two, four] {
            let pickle = read(bytes);
            assert_eq!(pickle.length(), bytes.len());
            let root = pickle.root();
            let numbers: Vec<_> = root.get("a").and_then(Node::items).expect("a list").map(|item| item.int()).collect();
            assert_eq!(numbers, [1, -2, 300, 70_000, 1 << 40].map(Some));
            let b = root.get("b").expect("a tuple");
            assert!(b.item(0).expect("true").is_true() && b.item(1).expect("none").is_none());
            assert_eq!(b.item(2).and_then(Node::float), Some(1.5));
            assert_eq!(b.item(3).and_then(Node::text), Some("é"));
            assert!(root.get("c").expect("a dictionary").pairs().is_empty() && root.get("d").is_none());
        }
    }

    /// `os.system("true")` is a record of that name, and no more.
    #[test]
    fn nothing_runs() {
        let pickle = read(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.");
        assert_eq!(pickle.root().class().as_deref(), Some("os.system"));
        assert_eq!(pickle.root().arguments().and_then(|a| a.item(0)).and_then(Node::text), Some("touch /tmp/owned"));
    }

    #[test]
    fn objects_have_attributes() {
        // argparse.Namespace(layers=2), as protocol 2 writes it
        let pickle = read(b"\x80\x02cargparse\nNamespace\nq\x00)\x81q\x01}q\x02X\x06\x00\x00\x00layersq\x03K\x02sb.");
        assert_eq!(pickle.root().class().as_deref(), Some("argparse.Namespace"));
        assert_eq!(pickle.root().get("layers").and_then(Node::int), Some(2));
        let pickle = read(b"ccopy_reg\n_reconstructor\n(cm\nC\nc__builtin__\nobject\nNtR(dVx\nI7\nsb.");
        assert_eq!(pickle.root().class().as_deref(), Some("m.C"));
        assert_eq!(pickle.root().get("x").and_then(Node::int), Some(7));
    }

    /// A list that holds itself, and a value that is mentioned a thousand times.
    #[test]
    fn values_may_be_anywhere() {
        let pickle = read(b"]q\x00h\x00a.");
        assert_eq!(pickle.root().item(0).and_then(Node::identity), pickle.root().identity());
        let mut bytes = b"]q\x00(".to_vec();
        bytes.extend(b"h\x00".repeat(1000));
        bytes.extend(b"e.");
        assert_eq!(read(&bytes).root().items().map(|items| items.len()), Some(1000));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (bytes, reason) in [
            (&b""[..], "pickle, byte 0: expected 1 bytes, found 0"),
            (b".", "pickle, byte 1: a value is missing"),
            (b"(.", "pickle, byte 2: a value is missing"),
            (b"K\x01(0.", "pickle, byte 4: a value is missing"),
            (b"X\xff\xff\xff\xffa", "pickle, byte 5: expected 4294967295 bytes, found 1"),
            (b"h\x07.", "pickle, byte 2: the memo has nothing at 7"),
            (b"}(K\x01u.", "pickle, byte 5: a key without a value"),
            (b"K\x01K\x02a.", "pickle, byte 5: a value that holds others is missing"),
            (b"\x82\x01.", "pickle, byte 1: an opcode 0x82, which no checkpoint has"),
            (b"Iabc", "pickle, byte 1: a line without an end"),
        ] {
            assert_eq!(Pickle::read(bytes).map(|_| ()), Err(reason.to_owned()));
        }
    }
}
