//! `shaders/training/update.wgsl`: one step of the optimizer.

use crate::backend::{self, Rule};
use crate::gpu::kernel::grid;
use crate::gpu::{Gpu, GpuArena, GpuTensor};
use crate::{Error, Result};

kernel! {
    Update = "training/update" reads 1 then writes 5, 256 threads:
    quads: u32,
    clip: f32,
    learning_rate: f32,
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    weight_decay: f32,
    first_correction: f32,
    second_correction: f32,
    average: f32,
}

impl Gpu {
    pub(in crate::gpu) fn update(
        &self,
        update: &backend::Update,
        norm: &GpuTensor,
        values: &GpuArena,
        gradients: &GpuArena,
        moments: &[GpuArena; 2],
        average: Option<&mut GpuArena>,
    ) -> Result<()> {
        let average = average.as_deref();
        for arena in [Some(gradients), Some(&moments[0]), Some(&moments[1]), average].into_iter().flatten() {
            check_arenas(values, arena)?;
        }
        check_scalar("update", "norm", norm)?;
        if values.quads == 0 {
            return Ok(());
        }
        let [first_correction, second_correction] = update.bias_corrections();
        let (rule, beta1, beta2, epsilon, weight_decay) = match update.rule {
            Rule::Adam { beta1, beta2, epsilon, weight_decay, decoupled } => {
                (u32::from(decoupled), beta1, beta2, epsilon, weight_decay)
            }
            Rule::Sgd { momentum, weight_decay } => (2, momentum, 0.0, 0.0, weight_decay),
        };
        let params = Update {
            quads: values.quads as u32,
            clip: update.clip.unwrap_or(f32::MAX),
            learning_rate: update.learning_rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            first_correction,
            second_correction,
            average: update.average,
        };
        let buffers = vec![
            norm.memory.clone(),
            values.memory.clone(),
            gradients.memory.clone(),
            moments[0].memory.clone(),
            moments[1].memory.clone(),
            average.map_or(&self.unused[1], |average| &average.memory).clone(),
        ];
        let constants = [("RULE", rule), ("AVERAGE", average.is_some().into())];
        self.record(DECLARED, params, &constants, buffers, grid(values.quads.div_ceil(256)))?;
        // A step ends here: the device has enough to do, and the step's memory can serve the next one.
        self.engine.start()
    }
}

/// Two arenas must hold matrices of the same shapes.
fn check_arenas(values: &GpuArena, other: &GpuArena) -> Result<()> {
    Error::check("update", "matrices", values.as_ref().len(), other.as_ref().len())?;
    for (value, other) in values.as_ref().iter().zip(other.as_ref()) {
        Error::check("update", "rows", value.rows, other.rows)?;
        Error::check("update", "columns", value.cols, other.cols)?;
    }
    Ok(())
}

/// A tensor of one element.
pub(in crate::gpu) fn check_scalar(operation: &'static str, what: &'static str, tensor: &GpuTensor) -> Result<()> {
    Error::check(operation, what, 1, tensor.rows)?;
    Error::check(operation, what, 1, tensor.cols)
}
