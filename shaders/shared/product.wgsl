// y = W x with the weights input by input: the product inside linear, the recurrent steps, the generator and the
// gradients of inputs. Neighbouring threads read neighbouring quads of W and the same x.
//
// The importing shader says where x and W come from:
//   fn input(row: u32, k: u32) -> vec4<f32>             inputs 4k … 4k + 3 of a row
//   fn weight(index: u32) -> vec4<f32>                  the weights of one input for one quad of outputs

#import tile

// The last row stands in for those behind it, which are dropped when they are finished.
fn accumulate(shape: Shape, row: u32, quad: u32, slice: u32) -> Tile {
    let last = shape.rows - 1u;
    let row_0 = min(row, last);
    let row_1 = min(row + 1u, last);
    let row_2 = min(row + 2u, last);
    let row_3 = min(row + 3u, last);
    var y: Tile;
    for (var k = slice; k < shape.inputs; k += K_SLICES) {
        let place = shape.first + 4u * k * shape.stride + quad;
        let w_0 = weight(place);
        let w_1 = weight(place + shape.stride);
        let w_2 = weight(place + 2u * shape.stride);
        let w_3 = weight(place + 3u * shape.stride);
        let x_0 = input(row_0, k);
        y.row_0 += x_0.x * w_0 + x_0.y * w_1 + x_0.z * w_2 + x_0.w * w_3;
        let x_1 = input(row_1, k);
        y.row_1 += x_1.x * w_0 + x_1.y * w_1 + x_1.z * w_2 + x_1.w * w_3;
        let x_2 = input(row_2, k);
        y.row_2 += x_2.x * w_0 + x_2.y * w_1 + x_2.z * w_2 + x_2.w * w_3;
        let x_3 = input(row_3, k);
        y.row_3 += x_3.x * w_0 + x_3.y * w_1 + x_3.z * w_2 + x_3.w * w_3;
    }
    return y;
}
