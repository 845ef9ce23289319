// The inputs of a product, row by row.
//
// The importing shader says where they come from:
//   fn input(row: u32, k: u32) -> vec4<f32>             inputs 4k … 4k + 3 of a row

#import block

// The last row stands in for those behind it, which are dropped when they are finished.
fn input_block(shape: Shape, row: u32, k: u32) -> mat4x4<f32> {
    let last = shape.rows - 1u;
    return mat4x4(
        input(min(row, last), k),
        input(min(row + 1u, last), k),
        input(min(row + 2u, last), k),
        input(min(row + 3u, last), k),
    );
}
