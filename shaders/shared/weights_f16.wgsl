// The weights of a product, stored in 16 bits and unpacked to 32: no device feature is needed for that.
//
// The same order as in 32 bits, two weights a word. The biases, which are few, keep their 32 bits.

@group(0) @binding(0) var<storage, read> weights: array<vec2<u32>>;

// The quad at `index`, counted from the first input's first quad.
fn weight(index: u32) -> vec4<f32> {
    let halves = weights[index];
    return vec4(unpack2x16float(halves.x), unpack2x16float(halves.y));
}

// The bias of `quad`, where the biases begin behind `first` quads of weights.
fn bias(first: u32, quad: u32) -> vec4<f32> {
    let place = first + 2u * quad;
    return bitcast<vec4<f32>>(vec4(weights[place], weights[place + 1u]));
}
