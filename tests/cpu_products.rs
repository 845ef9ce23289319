//! The CPU's products of training against plain loops: more rows than are packed at once, more inputs than are added at
//! once, rows of zeros among them.

use seq2seq::Storage;
use seq2seq::backend::{Activation, Skipped, Training};
use seq2seq::cpu::{Cpu, Matrix};
use seq2seq::{Result, block_on};

const CPU: fn() -> Cpu<f64> = Cpu::new;

/// Numbers of a row; a row whose number is divisible by five is zero.
fn numbers(rows: usize, cols: usize, seed: usize) -> Vec<f64> {
    let number = |index: usize| ((index * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0;
    (0..rows * cols).map(|index| if (index / cols).is_multiple_of(5) { 0.0 } else { number(index) }).collect()
}

fn matrix(rows: usize, cols: usize, data: &[f64]) -> Result<Matrix<f64>> {
    let mut matrix = CPU().zeros(rows, cols)?;
    CPU().write(&mut matrix, data)?;
    Ok(matrix)
}

/// Σ_k a(row, k) b(k, col)
fn product(shape: [usize; 3], a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let [rows, inner, cols] = shape;
    let sum = |row: usize, col: usize| (0..inner).map(|k| a(row, k) * b(k, col)).sum();
    (0..rows * cols).map(|index| sum(index / cols, index % cols)).collect()
}

fn compare(what: &str, got: &Matrix<f64>, want: &[f64]) {
    let got = block_on(CPU().read(got)).expect("a CPU can always be read");
    let error = got.iter().zip(want).map(|(got, want)| (got - want).abs()).fold(0.0, f64::max);
    assert!(got.len() == want.len() && error < 1e-10, "{what}: off by {error:e}");
}

#[test]
fn products_of_many_rows_and_inputs() -> Result<()> {
    let (rows, inner, cols) = (1701, 303, 37);
    let (x, w) = (numbers(rows, inner, 1), numbers(cols, inner, 2));
    let (b, before) = (numbers(1, cols + 5, 3)[5..].to_vec(), numbers(rows, cols, 4));
    let (a, weight, bias) = (matrix(rows, inner, &x)?, matrix(cols, inner, &w)?, matrix(1, cols, &b)?);
    let mut out = matrix(rows, cols, &before)?;
    CPU().matmul_nt(&a, &weight, Some(&bias), Activation::Tanh, true, &mut out)?;
    let sums = product([rows, inner, cols], |row, k| x[row * inner + k], |k, col| w[col * inner + k]);
    let want: Vec<f64> = (0..rows * cols).map(|index| (sums[index] + b[index % cols] + before[index]).tanh()).collect();
    compare("matmul_nt", &out, &want);
    CPU().matmul_nt(&a, &weight, None, Activation::Identity, false, &mut out)?;
    compare("matmul_nt in place of what was there", &out, &sums);

    let plain = matrix(inner, cols, &numbers(inner, cols, 5))?;
    let factor = numbers(inner, cols, 5);
    let mut out = matrix(rows, cols, &before)?;
    CPU().matmul_nn(&a, &plain, true, &mut out)?;
    let sums = product([rows, inner, cols], |row, k| x[row * inner + k], |k, col| factor[k * cols + col]);
    let want: Vec<f64> = sums.iter().zip(&before).map(|(sum, before)| sum + before).collect();
    compare("matmul_nn", &out, &want);

    // As many outputs as a large vocabulary has, some of them left out.
    let (y, before) = (numbers(inner, rows, 6), numbers(rows, cols, 7));
    let (d_y, mut out, mut sums) = (matrix(inner, rows, &y)?, matrix(rows, cols, &before)?, CPU().zeros(1, rows)?);
    let skipped = Skipped { period: 100, first: 30, count: 25 };
    CPU().matmul_tn(&d_y, &plain, Some(skipped), &mut out, Some(&mut sums))?;
    let added = product([rows, inner, cols], |row, k| y[k * rows + row], |k, col| factor[k * cols + col]);
    let keep = |index: usize| if skipped.contains(index / cols) { 0.0 } else { added[index] };
    let want: Vec<f64> = before.iter().enumerate().map(|(index, before)| before + keep(index)).collect();
    compare("matmul_tn", &out, &want);
    let want: Vec<f64> = (0..rows).map(|row| (0..inner).map(|k| y[k * rows + row]).sum()).collect();
    compare("sums of matmul_tn", &sums, &want);
    Ok(())
}
