// y = W x with the weights output by output, as files and PyTorch have them: four rows of W times four rows of x.
//
// The importing shader says where x and W come from:
//   fn input(row: u32, k: u32) -> vec4<f32>             inputs 4k … 4k + 3 of a row
//   fn weights_of(quad: u32, i: u32) -> u32             where the weights of output i of a quad begin
//   fn weight(index: u32) -> vec4<f32>                  four of them

#import tile

fn products(x: vec4<f32>, w_0: vec4<f32>, w_1: vec4<f32>, w_2: vec4<f32>, w_3: vec4<f32>) -> vec4<f32> {
    return vec4(dot(x, w_0), dot(x, w_1), dot(x, w_2), dot(x, w_3));
}

// The last row stands in for those behind it, which are dropped when they are finished.
fn accumulate(shape: Shape, row: u32, quad: u32, slice: u32) -> Tile {
    let last = shape.rows - 1u;
    let row_0 = min(row, last);
    let row_1 = min(row + 1u, last);
    let row_2 = min(row + 2u, last);
    let row_3 = min(row + 3u, last);
    let first_0 = weights_of(quad, 0u);
    let first_1 = weights_of(quad, 1u);
    let first_2 = weights_of(quad, 2u);
    let first_3 = weights_of(quad, 3u);
    var y: Tile;
    for (var k = slice; k < shape.inputs; k += K_SLICES) {
        let w_0 = weight(first_0 + k);
        let w_1 = weight(first_1 + k);
        let w_2 = weight(first_2 + k);
        let w_3 = weight(first_3 + k);
        y.row_0 += products(input(row_0, k), w_0, w_1, w_2, w_3);
        y.row_1 += products(input(row_1, k), w_0, w_1, w_2, w_3);
        y.row_2 += products(input(row_2, k), w_0, w_1, w_2, w_3);
        y.row_3 += products(input(row_3, k), w_0, w_1, w_2, w_3);
    }
    return y;
}
