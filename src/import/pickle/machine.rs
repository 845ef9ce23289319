//! The opcodes of pickles.

use std::collections::BTreeMap;

use super::value::{Object, Record, Value};

/// The most values of a pickle: a vocabulary of a million tokens with all its counts has two or three.
const MOST_OBJECTS: usize = 1 << 23;

/// The machine that Python's documentation describes (`pickletools`): a stack, marks in it, and a memo.
pub struct Machine<'a> {
    bytes: &'a [u8],
    /// The byte that is read next.
    pub at: usize,
    /// All values so far.
    pub objects: Vec<Object>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: BTreeMap<u64, Value>,
}

impl<'a> Machine<'a> {
    /// Before the first opcode.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new() }
    }

    /// Carries out opcodes up to the one that ends a pickle, and gives the value that it is.
    pub fn run(&mut self) -> Result<Value, String> {
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
