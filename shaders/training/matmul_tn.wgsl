// out += Aᵀ B of several pairs that lie one behind or beside the other, and `sums` += the sums of A's columns:
// the gradients of weights and biases, and those of keys and memory.
//
// Rows of A and B are read side by side, a quad of each for 16 products, so that nothing is transposed. The sums are
// the product with a column of ones behind B's last quad.

#import finish

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;          // pairs of (inner, rows)
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;          // pairs of (inner, cols)
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;  // pairs of (rows, cols)
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;       // (1, rows)

struct Params {
    rows: u32,
    quads: u32,    // of outputs
    inner: u32,
    a_pitch: u32,  // quads from one row to the next
    b_pitch: u32,
    a_step: u32,   // quads from one pair to the next
    b_step: u32,
    out_step: u32,
    sums: u32,     // 1 where they are asked for
    period: u32,   // rows of outputs from one run of skipped rows to the next
    first: u32,    // where a run begins
    count: u32,    // how long it is; 0 where no row is skipped
    scale: f32,    // of the products
}
@group(1) @binding(0) var<uniform> params: Params;

// A workgroup works on one pair.
var<private> pair: u32;

// Of A, a quad is four rows of outputs: those behind the last are its padding.
struct Rows {
    quad: u32,
}

fn rows_from(shape: Shape, row: u32) -> Rows {
    return Rows(min(row / 4u, params.a_pitch - 1u));
}

fn row_of_a(quad: u32, k: u32) -> vec4<f32> {
    let row = a[pair * params.a_step + min(k, params.inner - 1u) * params.a_pitch + quad];
    return select(vec4(0.0), row, k < params.inner);
}

fn row_of_b(quad: u32, k: u32) -> vec4<f32> {
    let row = b[pair * params.b_step + min(k, params.inner - 1u) * params.b_pitch + min(quad, params.b_pitch - 1u)];
    return select(vec4(0.0), select(row, vec4(1.0, 0.0, 0.0, 0.0), quad == params.quads), k < params.inner);
}

fn input_block(rows: Rows, k: u32) -> mat4x4<f32> {
    return transpose(mat4x4(
        row_of_a(rows.quad, 4u * k),
        row_of_a(rows.quad, 4u * k + 1u),
        row_of_a(rows.quad, 4u * k + 2u),
        row_of_a(rows.quad, 4u * k + 3u),
    ));
}

fn weight_block(shape: Shape, quad: u32, k: u32) -> mat4x4<f32> {
    return mat4x4(
        row_of_b(quad, 4u * k),
        row_of_b(quad, 4u * k + 1u),
        row_of_b(quad, 4u * k + 2u),
        row_of_b(quad, 4u * k + 3u),
    );
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    if quad == params.quads {
        sums[row] += y.x;
        return;
    }
    if params.count > 0u {
        let place = row % params.period;
        if place >= params.first && place < params.first + params.count {
            return;
        }
    }
    out[pair * params.out_step + row * params.quads + quad] += params.scale * y;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    pair = workgroup.z;
    let inputs = (params.inner + 3u) / 4u;
    product(Shape(params.rows, params.quads + params.sums, inputs, 0u, 0u), workgroup, thread);
}
