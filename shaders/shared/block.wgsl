// Blocks of 4 × 4, what every product is made of: column i of an input block is row i's four inputs, column k of a weight
// block is what input k weighs in four outputs, and column i of their product is row i's four outputs.
//
// The importing shader says where x and W come from:
//   struct Rows                                                       where four rows of x are
//   fn rows_from(shape: Shape, row: u32) -> Rows                      those from this one on
//   fn input_block(rows: Rows, k: u32) -> mat4x4<f32>                 inputs 4k … 4k + 3 of them
//   fn weight_block(shape: Shape, quad: u32, k: u32) -> mat4x4<f32>   what they weigh in a quad of outputs

struct Shape {
    rows: u32,
    quads: u32,  // of outputs, ⌈outputs / 4⌉
    inputs: u32, // quads of inputs
    first: u32,  // where this product's weights begin, in quads
    stride: u32, // from one input's quads to the next
}

fn row_plus_product(y: vec4<f32>, w: mat4x4<f32>, x: vec4<f32>) -> vec4<f32> {
    return y + x.x * w[0] + x.y * w[1] + x.z * w[2] + x.w * w[3];
}

// y + W x
fn plus_product(y: mat4x4<f32>, w: mat4x4<f32>, x: mat4x4<f32>) -> mat4x4<f32> {
    return mat4x4(
        row_plus_product(y[0], w, x[0]),
        row_plus_product(y[1], w, x[1]),
        row_plus_product(y[2], w, x[2]),
        row_plus_product(y[3], w, x[3]),
    );
}
