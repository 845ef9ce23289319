//! `gradient_norm` and `update`.

use std::fmt;

use super::super::operation::{Operation, Output, Values, Work};
use crate::backend::{Rule, Training, Update};
use crate::verify::inputs::Inputs;
use crate::{Array, Float, Result};

/// The shapes of all cases, which fill more than one workgroup and lie at borders of none.
const SHAPES: [[usize; 2]; 5] = [[3, 5], [1, 7], [11, 1], [37, 30], [5, 66]];

fn elements(shapes: &[[usize; 2]]) -> usize {
    shapes.iter().map(|[rows, cols]| rows * cols).sum()
}

/// An arena with numbers.
fn arena<B: Training>(
    backend: &B,
    shapes: &[[usize; 2]],
    fill: impl Fn(usize, [usize; 2]) -> Array,
) -> Result<B::Arena> {
    let mut arena = backend.arena(shapes)?;
    for (place, (tensor, &shape)) in arena.as_mut().iter_mut().zip(shapes).enumerate() {
        let numbers: Vec<B::Float> =
            fill(place, shape).data.into_iter().map(|number| B::Float::from_f64(number.into())).collect();
        backend.write(tensor, &numbers)?;
    }
    Ok(arena)
}

/// All matrices of an arena in one row.
async fn read<B: Training>(backend: &B, name: &'static str, arena: &B::Arena) -> Result<Output> {
    let mut data = Vec::new();
    for tensor in arena.as_ref() {
        data.extend(backend.read(tensor).await?.into_iter().map(Float::to_f64));
    }
    Ok(Output { name, values: Values::Numbers(Array { shape: vec![1, data.len()], data }) })
}

/// ‖g‖₂
#[derive(Clone, Debug)]
pub struct GradientNormCase {
    /// The matrices.
    pub shapes: Vec<[usize; 2]>,
    /// Gradients are uniform in ± this.
    pub scale: f32,
}

/// Inputs and output of [`GradientNormCase`].
#[derive(Debug)]
pub struct GradientNormReady<B: Training> {
    gradients: B::Arena,
    norm: B::Tensor,
}

impl fmt::Display for GradientNormCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} matrices of {} in ±{:e}", self.shapes.len(), elements(&self.shapes), self.scale)
    }
}

impl Operation for GradientNormCase {
    type Ready<B: Training> = GradientNormReady<B>;

    fn name(&self) -> &'static str {
        "gradient_norm"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let fill = |place, shape| inputs.array(&format!("gradient {place}"), shape, self.scale);
        Ok(GradientNormReady { gradients: arena(backend, &self.shapes, fill)?, norm: backend.zeros(1, 1)? })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        backend.gradient_norm(&ready.gradients, &mut ready.norm)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "norm", [1, 1], &ready.norm).await?])
    }

    fn work(&self) -> Work {
        Work { flops: 2.0 * elements(&self.shapes) as f64, weights: 0.0, values: elements(&self.shapes) as f64 }
    }
}

/// How large the gradients of an update are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Below every limit.
    Small,
    /// Above the limit.
    Large,
    /// One of them is infinite.
    Infinite,
}

/// One step of the optimizer.
#[derive(Clone, Copy, Debug)]
pub struct UpdateCase {
    /// What is asked for.
    pub update: Update,
    /// Whether an average is kept.
    pub average: bool,
    /// The gradients.
    pub norm: Norm,
}

/// Inputs and outputs of [`UpdateCase`].
#[derive(Debug)]
pub struct UpdateReady<B: Training> {
    norm: B::Tensor,
    values: B::Arena,
    gradients: B::Arena,
    moments: [B::Arena; 2],
    average: Option<B::Arena>,
}

impl fmt::Display for UpdateCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Update { rule, step, clip, average, .. } = self.update;
        match rule {
            Rule::Adam { weight_decay, decoupled, .. } => {
                write!(f, "{}, decay {weight_decay}", if decoupled { "AdamW" } else { "Adam" })?;
            }
            Rule::Sgd { momentum, weight_decay } => write!(f, "SGD, momentum {momentum}, decay {weight_decay}")?,
        }
        write!(f, ", step {step}")?;
        if let Some(clip) = clip {
            write!(f, ", clip {clip}")?;
        }
        if self.average {
            write!(f, ", average {average}")?;
        }
        f.write_str(match self.norm {
            Norm::Small => "",
            Norm::Large => ", large gradients",
            Norm::Infinite => ", an infinite gradient",
        })
    }
}

impl Operation for UpdateCase {
    type Ready<B: Training> = UpdateReady<B>;

    fn name(&self) -> &'static str {
        "update"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let array = |name: &str, place: usize, shape, scale| inputs.array(&format!("{name} {place}"), shape, scale);
        let values = |place, shape| array("value", place, shape, 1.0);
        let gradients = |place, shape| {
            let scale = if self.norm == Norm::Large { 2.0 } else { 0.001 };
            let mut gradient = array("gradient", place, shape, scale);
            if self.norm == Norm::Infinite && place == 3 {
                gradient.data[17] = f32::INFINITY;
            }
            gradient
        };
        // Second moments are squares.
        let moments = [false, true].map(|second| {
            move |place, shape| {
                let mut moment = array(if second { "second" } else { "first" }, place, shape, 0.3);
                if second {
                    moment.data.iter_mut().for_each(|number| *number *= *number);
                }
                moment
            }
        });
        let gradients = arena(backend, &SHAPES, gradients)?;
        let mut norm = backend.zeros(1, 1)?;
        backend.gradient_norm(&gradients, &mut norm)?;
        let average = || arena(backend, &SHAPES, |place, shape| array("average", place, shape, 1.0));
        Ok(UpdateReady {
            norm,
            values: arena(backend, &SHAPES, values)?,
            gradients,
            moments: [arena(backend, &SHAPES, moments[0])?, arena(backend, &SHAPES, moments[1])?],
            average: if self.average { Some(average()?) } else { None },
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let UpdateReady { norm, values, gradients, moments, average } = ready;
        backend.update(&self.update, norm, values, gradients, moments, average.as_mut())
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let UpdateReady { values, gradients, moments, average, .. } = ready;
        let mut outputs = vec![
            read(backend, "values", values).await?,
            read(backend, "gradients", gradients).await?,
            read(backend, "first moments", &moments[0]).await?,
            read(backend, "second moments", &moments[1]).await?,
        ];
        if let Some(average) = average {
            outputs.push(read(backend, "average", average).await?);
        }
        Ok(outputs)
    }

    fn work(&self) -> Work {
        let arenas = if self.average { 5.0 } else { 4.0 };
        Work { flops: 0.0, weights: 0.0, values: 2.0 * arenas * elements(&SHAPES) as f64 }
    }
}

pub fn cases<C: From<GradientNormCase> + From<UpdateCase>>() -> Vec<C> {
    let mut cases = Vec::new();
    for (shapes, scale) in [
        (vec![[1, 1]], 1.0),
        (SHAPES.to_vec(), 0.5),
        (SHAPES.to_vec(), 1e-6),
        (SHAPES.to_vec(), 1e6),
        // More than each thread of all workgroups takes at once.
        (vec![[601, 131], [1, 3], [513, 700]], 1.0),
    ] {
        cases.push(GradientNormCase { shapes, scale }.into());
    }
    let adam = |weight_decay, decoupled| Rule::Adam { beta1: 0.9, beta2: 0.98, epsilon: 1e-8, weight_decay, decoupled };
    let rules = [
        adam(0.0, false),
        adam(0.1, false),
        adam(0.1, true),
        Rule::Sgd { momentum: 0.0, weight_decay: 0.0 },
        Rule::Sgd { momentum: 0.9, weight_decay: 0.1 },
    ];
    let plain = Update { rule: rules[0], learning_rate: 0.01, step: 3, clip: None, average: 0.9 };
    for rule in rules {
        let update = Update { rule, ..plain };
        let clipped = Update { clip: Some(5.0), ..update };
        cases.extend([
            UpdateCase { update, average: false, norm: Norm::Small }.into(),
            UpdateCase { update: Update { step: 1, ..update }, average: true, norm: Norm::Large }.into(),
            UpdateCase { update: clipped, average: true, norm: Norm::Small }.into(),
            UpdateCase { update: clipped, average: false, norm: Norm::Large }.into(),
            UpdateCase { update: clipped, average: true, norm: Norm::Infinite }.into(),
        ]);
    }
    cases
}
