// The activation behind a product.

#import activation

const IDENTITY: u32 = 0u;
const TANH: u32 = 1u;
override ACTIVATION: u32 = 0u;

fn activated(x: vec4<f32>) -> vec4<f32> {
    if ACTIVATION == TANH {
        return bounded_tanh4(x);
    }
    return x;
}
