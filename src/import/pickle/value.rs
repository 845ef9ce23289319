//! Values that name each other by number.

/// A value: a small one itself, another by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Object(usize),
}

/// What has a number.
#[derive(Clone, Debug)]
pub enum Object {
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
pub struct Record {
    pub callable: Value,
    pub arguments: Value,
    pub state: Value,
    pub items: Vec<Value>,
    pub pairs: Vec<(Value, Value)>,
}
