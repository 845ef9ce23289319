// y = W x with the weights output by output, as files and PyTorch have them.
//
// The importing shader says where x, as in `block`, and W come from:
//   fn weights_of(quad: u32, i: u32) -> u32             where the weights of output i of a quad begin
//   fn weight(index: u32) -> vec4<f32>                  four of them

#import block

fn weight_block(shape: Shape, quad: u32, k: u32) -> mat4x4<f32> {
    return transpose(mat4x4(
        weight(weights_of(quad, 0u) + k),
        weight(weights_of(quad, 1u) + k),
        weight(weights_of(quad, 2u) + k),
        weight(weights_of(quad, 3u) + k),
    ));
}
