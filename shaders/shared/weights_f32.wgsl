// The weights of a product, in 32 bits.
//
// Quad q of input k is W[4q … 4q + 3, k]: the four outputs that one thread computes lie side by side, and so do
// the quads of neighbouring threads. The biases of all quads follow the last input.

@group(0) @binding(0) var<storage, read> weights: array<vec4<f32>>;

// The quad at `index`, counted from the first input's first quad.
fn weight(index: u32) -> vec4<f32> {
    return weights[index];
}

// The bias of `quad`, where the biases begin behind `first` quads of weights.
fn bias(first: u32, quad: u32) -> vec4<f32> {
    return weights[first + quad];
}
