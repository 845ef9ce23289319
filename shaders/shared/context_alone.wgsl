// Attention that ends with the context. Scores and windows have vectors of their own.

@group(0) @binding(0) var<storage, read> position: array<vec4<f32>>; // (batch · tgt_len, hidden): W_p h_t
@group(0) @binding(5) var<storage, read> vectors: array<vec4<f32>>;  // (2, hidden): v, v_p

fn beside(q: Query, mine: Share) -> vec4<f32> {
    return vec4(0.0);
}

fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return sum;
}
