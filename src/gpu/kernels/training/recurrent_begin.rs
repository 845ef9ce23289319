//! `shaders/training/recurrent_begin.wgsl`: the state that each direction of a recurrent layer begins with.

use crate::backend::{GateLayout, Sequence, State};
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuIds};
use crate::{Error, Result};

kernel! {
    RecurrentBegin = "training/recurrent_begin" reads 3 then writes 2, 256 threads:
    batch: u32,
    len: u32,
    hidden: u32,
    quads: u32,
    directions: u32,
    pitch: u32,
}

impl Gpu {
    pub(in crate::gpu) fn recurrent_begin(
        &self,
        layout: GateLayout,
        lengths: &GpuIds,
        initial: &State<Self>,
        sequence: &Sequence<Self>,
    ) -> Result<()> {
        let operation = "recurrent_begin";
        let len = check_sequence(operation, layout, lengths, sequence)?;
        let units = layout.directions * layout.hidden;
        Self::check_state(operation, layout.cell, initial, lengths.len, units)?;
        if len == 0 || layout.hidden == 0 {
            return Ok(());
        }
        let quads = layout.padded() / 4;
        let params = RecurrentBegin {
            batch: lengths.len as u32,
            len: len as u32,
            hidden: layout.hidden as u32,
            quads: quads as u32,
            directions: layout.directions as u32,
            pitch: 4 * initial.hidden.quads() as u32,
        };
        let buffers = vec![
            lengths.memory.clone(),
            initial.hidden.memory.clone(),
            self.cell_or_unused(initial, &self.unused[0]),
            sequence.previous.memory.clone(),
            sequence.previous_cell.as_ref().map_or(&self.unused[1], |cell| &cell.memory).clone(),
        ];
        let threads = lengths.len * layout.directions * quads;
        self.record(DECLARED, params, &[("CELL", layout.cell.number())], buffers, grid(threads.div_ceil(256)))
    }
}

/// The positions of a sequence whose tensors fit its layout and each other.
pub(super) fn check_sequence(
    operation: &'static str,
    layout: GateLayout,
    lengths: &GpuIds,
    sequence: &Sequence<Gpu>,
) -> Result<usize> {
    let check = |what, expected, found| Error::check(operation, what, expected, found);
    let Sequence { gates, previous, previous_cell, output, last } = sequence;
    let len = gates.rows.checked_div(lengths.len).unwrap_or(0);
    let padded = layout.directions * layout.padded();
    check("gates rows", lengths.len * len, gates.rows)?;
    check("gates columns", layout.cols(), gates.cols)?;
    check("cells", layout.cell.has_cell().into(), previous_cell.is_some().into())?;
    for tensor in [Some(previous), previous_cell.as_ref()].into_iter().flatten() {
        check("previous rows", gates.rows, tensor.rows)?;
        check("previous columns", padded, tensor.cols)?;
    }
    check("output rows", gates.rows, output.rows)?;
    check("output columns", layout.directions * layout.hidden, output.cols)?;
    Gpu::check_state(operation, layout.cell, last, lengths.len, layout.directions * layout.hidden)?;
    Ok(len)
}

/// The last of `steps` must be one of a sequence's.
pub(super) fn check_steps(operation: &'static str, steps: &std::ops::Range<usize>, len: usize) -> Result<()> {
    if steps.end > len {
        return Err(Error::Shape { operation, what: "steps", expected: len, found: steps.end });
    }
    Ok(())
}
