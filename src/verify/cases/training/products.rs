//! `matmul_nt`, `matmul_nn` and `matmul_tn`.

use std::fmt;

use super::super::operation::{Operation, Output, Work, count};
use crate::Result;
use crate::backend::{Activation, Skipped, Training};
use crate::verify::inputs::Inputs;

/// Which of the factors is transposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A Bᵀ
    Nt {
        /// What stands behind it.
        activation: Activation,
    },
    /// A B
    Nn,
    /// Aᵀ B
    Tn {
        /// Rows that stay as they are.
        skipped: Option<Skipped>,
    },
}

/// A product of two matrices.
#[derive(Clone, Copy, Debug)]
pub struct MatmulCase {
    /// Which.
    pub form: Form,
    /// Rows of the product.
    pub rows: usize,
    /// What is summed over.
    pub inner: usize,
    /// Columns of the product.
    pub cols: usize,
    /// Whether it is added to what is there; Aᵀ B always is.
    pub accumulate: bool,
    /// Whether there is a bias, or for Aᵀ B the sums of A's columns.
    pub bias: bool,
}

/// Inputs and outputs of [`MatmulCase`].
#[derive(Debug)]
pub struct MatmulReady<B: Training> {
    a: B::Tensor,
    b: B::Tensor,
    /// Or the sums.
    bias: Option<B::Tensor>,
    out: B::Tensor,
}

impl MatmulCase {
    /// The shapes of A and B.
    fn shapes(&self) -> [[usize; 2]; 2] {
        let Self { rows, inner, cols, .. } = *self;
        match self.form {
            Form::Nt { .. } => [[rows, inner], [cols, inner]],
            Form::Nn => [[rows, inner], [inner, cols]],
            Form::Tn { .. } => [[inner, rows], [inner, cols]],
        }
    }

    /// Columns of the bias, or of the sums.
    fn bias_cols(&self) -> usize {
        if matches!(self.form, Form::Tn { .. }) { self.rows } else { self.cols }
    }
}

impl fmt::Display for MatmulCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { form, rows, inner, cols, accumulate, bias } = self;
        write!(f, "{rows} × {inner} × {cols}")?;
        if *bias {
            write!(f, "{}", if matches!(form, Form::Tn { .. }) { ", sums" } else { ", bias" })?;
        }
        match form {
            Form::Nt { activation: Activation::Tanh } => write!(f, ", tanh")?,
            Form::Nt { activation: Activation::Relu } => write!(f, ", relu")?,
            Form::Tn { skipped: Some(Skipped { period, first, count }) } => {
                write!(f, ", without {count} rows from {first} of each {period}")?;
            }
            _ => {}
        }
        if *accumulate { write!(f, ", accumulated") } else { Ok(()) }
    }
}

impl Operation for MatmulCase {
    type Ready<B: Training> = MatmulReady<B>;

    fn name(&self) -> &'static str {
        match self.form {
            Form::Nt { .. } => "matmul_nt",
            Form::Nn => "matmul_nn",
            Form::Tn { .. } => "matmul_tn",
        }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let [a, b] = self.shapes();
        // Sums of `inner` products stay of the size that tanh bends and does not cut off.
        let scale = 1.5 / (self.inner as f32).sqrt();
        let bias = || backend.upload(&inputs.array("bias", [1, self.bias_cols()], 0.5));
        Ok(MatmulReady {
            a: backend.upload(&inputs.array("a", a, 1.0))?,
            b: backend.upload(&inputs.array("b", b, scale))?,
            bias: if self.bias { Some(bias()?) } else { None },
            out: backend.upload(&inputs.array("out", [self.rows, self.cols], 0.5))?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let MatmulReady { a, b, bias, out } = ready;
        match self.form {
            Form::Nt { activation } => backend.matmul_nt(a, b, bias.as_ref(), activation, self.accumulate, out),
            Form::Nn => backend.matmul_nn(a, b, self.accumulate, out),
            Form::Tn { skipped } => backend.matmul_tn(a, b, skipped, out, bias.as_mut()),
        }
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let mut outputs = vec![Output::read(backend, "out", [self.rows, self.cols], &ready.out).await?];
        if let (Form::Tn { .. }, Some(sums)) = (self.form, &ready.bias) {
            outputs.push(Output::read(backend, "sums", [1, self.rows], sums).await?);
        }
        Ok(outputs)
    }

    fn work(&self) -> Work {
        let Self { rows, inner, cols, accumulate, bias, .. } = *self;
        let [a, b] = self.shapes();
        let out = count([rows, cols]) * if accumulate { 2.0 } else { 1.0 };
        let bias = if bias { self.bias_cols() as f64 } else { 0.0 };
        Work { flops: 2.0 * count([rows, inner, cols]), weights: 0.0, values: count(a) + count(b) + out + bias }
    }
}

pub fn cases<C: From<MatmulCase>>() -> Vec<C> {
    // One element; single rows and columns; inner sizes on both sides of a quad; beyond one tile; few rows of much.
    let sizes = [(1, 1, 1), (1, 37, 5), (3, 2, 71), (7, 13, 1), (6, 75, 19), (70, 9, 67), (131, 35, 73), (5, 203, 133)];
    let mut cases = Vec::new();
    let case =
        |form, (rows, inner, cols), accumulate, bias| C::from(MatmulCase { form, rows, inner, cols, accumulate, bias });
    for (number, size) in sizes.into_iter().enumerate() {
        for activation in [Activation::Identity, Activation::Tanh, Activation::Relu] {
            for accumulate in [false, true] {
                cases.push(case(Form::Nt { activation }, size, accumulate, (number % 2 == 0) != accumulate));
            }
        }
    }
    for size in sizes {
        cases.extend([false, true].map(|accumulate| case(Form::Nn, size, accumulate, false)));
    }
    for size in sizes {
        cases.extend([false, true].map(|sums| case(Form::Tn { skipped: None }, size, true, sums)));
    }
    // The rows of a GRU that stay zero, of two directions of 13 units; a run that does not begin at a quad.
    let gru = |first| Some(Skipped { period: 64, first, count: 16 });
    for skipped in [gru(0), gru(48), Some(Skipped { period: 11, first: 3, count: 5 })] {
        cases.push(case(Form::Tn { skipped }, (128, 21, 13), true, true));
        cases.push(case(Form::Tn { skipped }, (128, 6, 70), true, false));
    }
    cases
}
