//! The tensors of a checkpoint by the names that their toolkit gave them: each is taken once, and none is left over.

use std::collections::BTreeMap;

use super::checkpoint::{Checkpoint, is_tensor};
use super::pickle::Node;
use crate::{Array, Error, Result};

/// Tensors that are still to be taken.
#[derive(Debug)]
pub struct Weights<'a> {
    sources: BTreeMap<String, Source<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Source<'a> {
    file: &'a Checkpoint,
    /// Its value in a pickle; none of safetensors.
    node: Option<Node<'a>>,
}

impl<'a> Weights<'a> {
    /// No tensors.
    pub fn new() -> Self {
        Self { sources: BTreeMap::new() }
    }

    /// Adds the tensors of a dictionary, with `prefix` before their names. What is no tensor is no parameter either.
    pub fn add(&mut self, file: &'a Checkpoint, dictionary: Node<'a>, prefix: &str) {
        for (name, node) in dictionary.pairs() {
            if let (Some(name), true) = (name.text(), is_tensor(node)) {
                self.sources.insert(format!("{prefix}{name}"), Source { file, node: Some(node) });
            }
        }
    }

    /// Adds the tensors of a file of safetensors.
    pub fn add_file(&mut self, file: &'a Checkpoint) -> Result<()> {
        self.sources.extend(file.tensor_names()?.into_iter().map(|name| (name, Source { file, node: None })));
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// Whether there is a tensor whose name begins so.
    pub fn has_any(&self, prefix: &str) -> bool {
        self.sources.range(prefix.to_owned()..).next().is_some_and(|(name, _)| name.starts_with(prefix))
    }

    /// A tensor that stays.
    pub fn get(&self, name: &str) -> Result<Array> {
        let source = self.sources.get(name).ok_or_else(|| error(name, "a tensor", "none"))?;
        match source.node {
            Some(node) => source.file.tensor(name, node),
            None => source.file.named(name),
        }
    }

    /// Takes a tensor.
    pub fn take(&mut self, name: &str) -> Result<Array> {
        let array = self.get(name)?;
        self.sources.remove(name);
        Ok(array)
    }

    /// Takes a matrix.
    pub fn matrix(&mut self, name: &str) -> Result<Array> {
        let array = self.take(name)?;
        if array.shape.len() == 2 {
            return Ok(array);
        }
        Err(error(name, "a matrix", format!("{:?}", array.shape)))
    }

    /// Takes a tensor of this shape.
    pub fn shaped(&mut self, name: &str, shape: &[usize]) -> Result<Array> {
        let array = self.take(name)?;
        if array.shape == shape {
            return Ok(array);
        }
        Err(error(name, &format!("shape {shape:?}"), format!("{:?}", array.shape)))
    }

    /// Takes a vector of so many numbers, or zeros where there is none.
    pub fn bias(&mut self, name: &str, size: usize) -> Result<Array> {
        if self.has(name) { self.shaped(name, &[size]) } else { Ok(zeros([size])) }
    }

    /// Drops tensors that are no parameters, such as counters.
    pub fn drop_all(&mut self, is_dropped: impl Fn(&str) -> bool) {
        self.sources.retain(|name, _| !is_dropped(name));
    }

    /// The first that was not taken.
    pub fn left(&self) -> Option<&str> {
        self.sources.keys().next().map(String::as_str)
    }
}

/// Zeros.
pub fn zeros(shape: impl Into<Vec<usize>>) -> Array {
    let shape = shape.into();
    let count = shape.iter().product();
    Array { shape, data: vec![0.0; count] }
}

/// The transpose of a matrix.
pub fn transpose(matrix: &Array) -> Array {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let data = (0..cols).flat_map(|col| (0..rows).map(move |row| matrix.data[row * cols + col])).collect();
    Array::new([cols, rows], data)
}

/// The matrix whose last `last` columns come first.
pub fn last_columns_first(matrix: &Array, last: usize) -> Array {
    let first = matrix.cols().saturating_sub(last);
    let row = |row: usize| matrix.row(row)[first..].iter().chain(&matrix.row(row)[..first]);
    let data = (0..matrix.rows()).flat_map(row).copied().collect();
    Array::new(matrix.shape.clone(), data)
}

/// An error about one tensor.
pub fn error(name: &str, expected: &str, found: impl ToString) -> Error {
    Error::Tensor { name: name.to_owned(), expected: expected.to_owned(), found: found.to_string() }
}
