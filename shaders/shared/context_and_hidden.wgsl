// Attention that ends with the attentional state, activation(c_t + W h_t + b): whoever shares a quad of the context shares
// the product too.

#import activated
#import product
#import weights

@group(0) @binding(5) var<storage, read> hidden: array<vec4<f32>>; // (batch · tgt_len, hidden): h_t

// No binding is left for these, so scores and windows that read them are computed by another dispatch.
var<private> position: array<vec4<f32>, 1>;
var<private> vectors: array<vec4<f32>, 1>;

// The product of quad k of h_t.
fn product_of(q: Query, shape: Shape, column: u32, k: u32) -> vec4<f32> {
    return row_plus_product(vec4(0.0), weight_block(shape, column, k), hidden[q.index * params.hidden_quads + k]);
}

// A share of W h_t.
fn beside(q: Query, mine: Share) -> vec4<f32> {
    let shape = Shape(1u, params.memory_quads, params.hidden_quads, 0u, params.memory_quads);
    let step = slices();
    var sum = vec4(0.0);
    var k = mine.slice;
    // Two at a time, so that as many loads are under way.
    for (; k + step < params.hidden_quads; k += 2u * step) {
        sum += product_of(q, shape, mine.column, k) + product_of(q, shape, mine.column, k + step);
    }
    if k < params.hidden_quads {
        sum += product_of(q, shape, mine.column, k);
    }
    return sum;
}

fn finished(column: u32, sum: vec4<f32>) -> vec4<f32> {
    return activated(sum + bias(4u * params.hidden_quads * params.memory_quads, column));
}
