//! `shaders/training/matmul_tn.wgsl`: out += Aᵀ B, and what is such a product: the gradients of recurrent weights and
//! of memory.

use crate::backend::{GateLayout, Sequence, Skipped, check_matmul};
use crate::gpu::tiling::Products;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    MatmulTn = "training/matmul_tn" reads 2 then writes 2, 256 threads:
    rows: u32,
    quads: u32,
    inner: u32,
    a_pitch: u32,
    b_pitch: u32,
    a_step: u32,
    b_step: u32,
    out_step: u32,
    sums: u32,
    period: u32,
    first: u32,
    count: u32,
    scale: f32,
}

/// Pairs of matrices that lie in two tensors, and where: rows, and quads from one pair to the next.
struct Pairs {
    count: usize,
    rows: usize,
    inner: usize,
    steps: [usize; 2],
}

impl Gpu {
    pub(in crate::gpu) fn matmul_tn(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        skipped: Option<Skipped>,
        out: &GpuTensor,
        sums: Option<&mut GpuTensor>,
    ) -> Result<()> {
        check_matmul("matmul_tn", [a.cols, b.cols], [a.rows, b.rows], [out.rows, out.cols])?;
        if let Some(sums) = &sums {
            Error::check("matmul_tn", "sums rows", 1, sums.rows)?;
            Error::check("matmul_tn", "sums columns", a.cols, sums.cols)?;
        }
        let pairs = Pairs { count: 1, rows: out.rows, inner: a.rows, steps: [0; 2] };
        self.record_pairs(a, b, &pairs, 1.0, skipped, out, sums.as_deref())
    }

    /// d_W_hh += d_gatesᵀ h_{t−1}: a pair for each direction, beside one another.
    pub(in crate::gpu) fn recurrent_weight_backward(
        &self,
        layout: GateLayout,
        sequence: &Sequence<Self>,
        d_weight_hh: &GpuTensor,
    ) -> Result<()> {
        let Sequence { gates, previous, .. } = sequence;
        let check = |what, expected, found| Error::check("recurrent_weight_backward", what, expected, found);
        check("gates columns", layout.cols(), gates.cols)?;
        check("previous rows", gates.rows, previous.rows)?;
        check("previous columns", layout.directions * layout.padded(), previous.cols)?;
        check("d_weight_hh rows", layout.cols(), d_weight_hh.rows)?;
        check("d_weight_hh columns", layout.hidden, d_weight_hh.cols)?;
        let steps = [layout.width() / 4, layout.padded() / 4];
        let pairs = Pairs { count: layout.directions, rows: layout.width(), inner: gates.rows, steps };
        self.record_pairs(gates, previous, &pairs, 1.0, layout.skipped_of_hidden(), d_weight_hh, None)
    }

    /// out += scale · Aᵀ B of each sentence, of A the first `rows` columns: `a` (batch · tgt_len, at least rows),
    /// `b` (batch · tgt_len, cols), `out` (batch · rows, cols). The caller has checked them.
    pub(in crate::gpu) fn record_sentences_tn(
        &self,
        batch: usize,
        rows: usize,
        a: &GpuTensor,
        b: &GpuTensor,
        scale: f32,
        out: &GpuTensor,
    ) -> Result<()> {
        let inner = a.rows.checked_div(batch).unwrap_or(0);
        let pairs = Pairs { count: batch, rows, inner, steps: [inner * a.quads(), inner * b.quads()] };
        self.record_pairs(a, b, &pairs, scale, None, out, None)
    }

    #[expect(clippy::too_many_arguments, reason = "as many as the product has parts")]
    fn record_pairs(
        &self,
        a: &GpuTensor,
        b: &GpuTensor,
        pairs: &Pairs,
        scale: f32,
        skipped: Option<Skipped>,
        out: &GpuTensor,
        sums: Option<&GpuTensor>,
    ) -> Result<()> {
        if pairs.count == 0 || pairs.rows == 0 || pairs.inner == 0 || out.cols == 0 && sums.is_none() {
            return Ok(());
        }
        let skipped = skipped.unwrap_or(Skipped { period: 1, first: 0, count: 0 });
        let params = MatmulTn {
            rows: pairs.rows as u32,
            quads: out.quads() as u32,
            inner: pairs.inner as u32,
            a_pitch: a.quads() as u32,
            b_pitch: b.quads() as u32,
            a_step: pairs.steps[0] as u32,
            b_step: pairs.steps[1] as u32,
            out_step: (pairs.rows * out.quads()) as u32,
            sums: sums.is_some().into(),
            period: skipped.period as u32,
            first: skipped.first as u32,
            count: skipped.count as u32,
            scale,
        };
        let quads = out.quads() + usize::from(sums.is_some());
        let tiling =
            self.tiling(Products { rows: pairs.rows, quads, inputs: pairs.inner.div_ceil(4), count: pairs.count });
        let sums = sums.map_or(&self.unused[1], |sums| &sums.memory);
        let buffers = vec![a.memory.clone(), b.memory.clone(), out.memory.clone(), sums.clone()];
        self.record_tiled(DECLARED, params, &[], buffers, tiling)
    }
}
