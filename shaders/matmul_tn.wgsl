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
fn accumulate(shape: Shape, row: u32, quad: u32, slice: u32) -> Tile {
    let first_a = pair * params.a_step + row / 4u;
    let first_b = pair * params.b_step + quad;
    var y: Tile;
    for (var k = slice; k < shape.inputs; k += K_SLICES) {
        let x = a[first_a + k * params.a_pitch];
        var w = vec4(1.0, 0.0, 0.0, 0.0);
        if quad < params.quads {
            w = b[first_b + k * params.b_pitch];
        }
        y.row_0 += x.x * w;
        y.row_1 += x.y * w;
        y.row_2 += x.z * w;
        y.row_3 += x.w * w;
    }
    return y;
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
    product(Shape(params.rows, params.quads + params.sums, params.inner, 0u, 0u), workgroup, thread);
}
