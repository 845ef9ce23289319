//! Pickles as data: an interpreter of the opcodes that PyTorch's files use, which builds values and runs nothing.
//!
//! A class or function of a pickle is no more than its name. What Python would call becomes a [`Record`]: the name, what it
//! would be called with, and what is put into the result afterwards. So a stranger's file can say what it likes.
//!
//! Values lie side by side and name each other by number, as a pickle's own memo does: a file takes memory in proportion
//! to its size, however often it mentions a value, and nothing here recurses. Whoever walks along values that may contain
//! themselves counts the steps.

mod machine;
mod value;

use machine::Machine;
use value::{Object, Record, Value};

/// How many names one may have to follow from a value to what it is.
const DEEPEST: usize = 32;

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
        let mut machine = Machine::new(bytes);
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
