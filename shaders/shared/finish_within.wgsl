// What becomes of a product, an output at a time.
//
// The importing shader says what that is:
//   fn finish(row: u32, quad: u32, y: vec4<f32>)        outputs 4 quad … 4 quad + 3 of a row

#import block

fn finish_within(shape: Shape, row: u32, quad: u32, y: vec4<f32>) {
    if row < shape.rows && quad < shape.quads {
        finish(row, quad, y);
    }
}

// Four rows, `step` apart.
fn finish_block(shape: Shape, row: u32, step: u32, quad: u32, y: mat4x4<f32>) {
    finish_within(shape, row, quad, y[0]);
    finish_within(shape, row + step, quad, y[1]);
    finish_within(shape, row + 2u * step, quad, y[2]);
    finish_within(shape, row + 3u * step, quad, y[3]);
}
