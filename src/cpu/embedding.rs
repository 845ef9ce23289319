//! Rows of a table.

use super::processor::Cpu;
use super::simd::Lanes;
use super::tensor::Matrix;
use crate::{Error, Result};

impl<T: Lanes> Cpu<T> {
    /// out\[i\] = table\[ids\[i\]\]
    pub(in crate::cpu) fn embedding(&self, table: &Matrix<T>, ids: &[u32], out: &mut Matrix<T>) -> Result<()> {
        Error::check("embedding", "output rows", ids.len(), out.rows)?;
        Error::check("embedding", "output columns", table.cols, out.cols)?;
        for (row, &id) in out.data.chunks_exact_mut(table.cols.max(1)).zip(ids) {
            row.copy_from_slice(table.row(id as usize));
        }
        Ok(())
    }
}
