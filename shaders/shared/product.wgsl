// y = W x with the weights input by input: the product inside linear, the recurrent steps, the generator and the
// gradients of inputs. Neighbouring threads read neighbouring quads of W and the same x.
//
// The importing shader says where x, as in `block`, and W come from:
//   fn weight(index: u32) -> vec4<f32>                  the weights of one input for one quad of outputs

#import block

fn weight_block(shape: Shape, quad: u32, k: u32) -> mat4x4<f32> {
    let place = shape.first + 4u * k * shape.stride + quad;
    return mat4x4(
        weight(place),
        weight(place + shape.stride),
        weight(place + 2u * shape.stride),
        weight(place + 3u * shape.stride),
    );
}
