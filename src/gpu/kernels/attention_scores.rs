//! `shaders/attention_scores.wgsl`: the first of the three parts of attention.

use super::{Declared, attention};

/// As attention itself, whose `Params` and bindings it shares.
pub(in crate::gpu) const DECLARED: Declared = Declared { stem: "attention_scores", ..attention::DECLARED };
