//! A graph of ONNX operators while it is put together.

use super::proto::Message;
use crate::Array;

/// The version of the standard operators.
const OPERATORS: i64 = 17;
/// The version of the file format that has them.
const FORMAT: i64 = 8;

/// What the elements of a tensor are, by ONNX's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Float = 1,
    Int32 = 6,
    Int64 = 7,
}

/// The size of an axis.
#[derive(Clone, Copy, Debug)]
pub enum Axis {
    Is(usize),
    /// Whatever it is in a run, under this name.
    Any(&'static str),
}

/// An attribute of a node.
#[derive(Clone, Debug)]
pub enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Text(&'static str),
}

/// Operators, weights, and what goes in and out.
#[derive(Debug)]
pub struct Graph {
    name: &'static str,
    nodes: Vec<Message>,
    weights: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
    count: usize,
}

impl Graph {
    pub fn new(name: &'static str) -> Self {
        let empty = Vec::new;
        Self { name, nodes: empty(), weights: empty(), inputs: empty(), outputs: empty(), count: 0 }
    }

    /// Declares an input, and gives its name back.
    pub fn input(&mut self, name: impl Into<String>, element: Element, shape: &[Axis]) -> String {
        let name = name.into();
        self.inputs.push(value(&name, element, shape));
        name
    }

    /// Makes a value an output, under another name.
    pub fn output(&mut self, from: &str, name: impl Into<String>, element: Element, shape: &[Axis]) {
        let name = name.into();
        let node = Message::default().text(1, from).text(2, &name).text(4, "Identity");
        self.nodes.push(node);
        self.outputs.push(value(&name, element, shape));
    }

    fn fresh(&mut self, what: &str) -> String {
        self.count += 1;
        format!("{what}_{}", self.count)
    }

    /// An operator with one output.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        let [output] = self.nodes_of(operator, inputs, attributes);
        output
    }

    /// An operator with so many outputs. An input without a name is none.
    pub fn nodes_of<const OUTPUTS: usize>(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) -> [String; OUTPUTS] {
        let outputs: [String; OUTPUTS] = std::array::from_fn(|_| self.fresh(operator));
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let node = outputs.iter().fold(node, |node, output| node.text(2, output)).text(4, operator);
        let attributes: Vec<Message> = attributes.iter().map(|(name, value)| attribute(name, value)).collect();
        self.nodes.push(node.messages(5, &attributes));
        outputs
    }

    /// A weight.
    pub fn weight(&mut self, name: &str, array: &Array) -> String {
        let data: Vec<u8> = array.data.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor(name, Element::Float, &array.shape, &data)
    }

    /// A number.
    pub fn number(&mut self, number: f32) -> String {
        self.tensor("number", Element::Float, &[], &number.to_le_bytes())
    }

    /// Whole numbers: a shape, or axes.
    pub fn ints(&mut self, numbers: &[i64]) -> String {
        let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensor("ints", Element::Int64, &[numbers.len()], &data)
    }

    /// A whole number that is no list.
    pub fn int(&mut self, number: i64) -> String {
        self.tensor("int", Element::Int64, &[], &number.to_le_bytes())
    }

    fn tensor(&mut self, name: &str, element: Element, shape: &[usize], data: &[u8]) -> String {
        let name = self.fresh(name);
        let tensor = shape.iter().fold(Message::default(), |tensor, &size| tensor.int(1, size as i64));
        self.weights.push(tensor.int(2, element as i64).text(8, &name).bytes(9, data));
        name
    }

    /// The file of a model of this graph.
    pub fn into_bytes(self) -> Vec<u8> {
        let graph = Message::default()
            .messages(1, &self.nodes)
            .text(2, self.name)
            .messages(5, &self.weights)
            .messages(11, &self.inputs)
            .messages(12, &self.outputs);
        let operators = Message::default().text(1, "").int(2, OPERATORS);
        Message::default()
            .int(1, FORMAT)
            .text(2, env!("CARGO_PKG_NAME"))
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &graph)
            .message(8, &operators)
            .into_bytes()
    }
}

/// The name, type and shape of an input or output.
fn value(name: &str, element: Element, shape: &[Axis]) -> Message {
    let axes: Vec<Message> = shape
        .iter()
        .map(|axis| match axis {
            Axis::Is(size) => Message::default().int(1, *size as i64),
            Axis::Any(name) => Message::default().text(2, name),
        })
        .collect();
    let shape = Message::default().messages(1, &axes);
    let tensor = Message::default().int(1, element as i64).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

fn attribute(name: &str, value: &Attribute) -> Message {
    let named = Message::default().text(1, name);
    match value {
        Attribute::Int(number) => named.int(3, *number).int(20, 2),
        Attribute::Text(text) => named.text(4, text).int(20, 3),
        Attribute::Ints(numbers) => numbers.iter().fold(named, |whole, &number| whole.int(8, number)).int(20, 7),
    }
}
