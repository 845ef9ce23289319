// One step of the optimizer over all parameters, which lie in one piece of memory; the gradients are zero afterwards.

#import grid

@group(0) @binding(0) var<storage, read> norm: array<f32>;                  // (1, 1): ‖g‖
@group(0) @binding(1) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> first: array<vec4<f32>>;     // m of Adam, v of SGD
@group(0) @binding(4) var<storage, read_write> second: array<vec4<f32>>;    // v of Adam
@group(0) @binding(5) var<storage, read_write> averages: array<vec4<f32>>;

struct Params {
    quads: u32,
    clip: f32,              // the largest norm that the gradients keep
    learning_rate: f32,
    beta1: f32,             // of SGD, μ
    beta2: f32,
    epsilon: f32,
    weight_decay: f32,
    first_correction: f32,  // 1 − β₁ᵗ
    second_correction: f32, // 1 − β₂ᵗ
    average: f32,           // the share that the average keeps of itself
}
@group(1) @binding(0) var<uniform> params: Params;

// Kingma and Ba 2015, algorithm 1; its decay part of the gradient, or apart from it (Loshchilov and Hutter 2019).
const ADAM: u32 = 0u;
const ADAM_DECOUPLED: u32 = 1u;
// v ← μ v + g, w ← w − η v
const SGD: u32 = 2u;
override RULE: u32 = 0u;
override AVERAGE: bool = false;

// By its bits: compilers may take it that there are no infinities and no NaN.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    if index >= params.quads {
        return;
    }
    var gradient = gradients[index];
    gradients[index] = vec4(0.0);
    if !is_finite(norm[0]) {
        return;
    }
    if norm[0] > params.clip {
        gradient *= params.clip / norm[0];
    }
    var value = values[index];
    if RULE == ADAM_DECOUPLED {
        value -= params.learning_rate * params.weight_decay * value;
    } else {
        gradient += params.weight_decay * value;
    }
    if RULE == SGD {
        let moment = params.beta1 * first[index] + gradient;
        first[index] = moment;
        value -= params.learning_rate * moment;
    } else {
        let mean = params.beta1 * first[index] + (1.0 - params.beta1) * gradient;
        let square = params.beta2 * second[index] + (1.0 - params.beta2) * gradient * gradient;
        first[index] = mean;
        second[index] = square;
        let root = sqrt(square / params.second_correction) + params.epsilon;
        value -= params.learning_rate * (mean / params.first_correction) / root;
    }
    values[index] = value;
    if AVERAGE {
        averages[index] = params.average * averages[index] + (1.0 - params.average) * value;
    }
}
