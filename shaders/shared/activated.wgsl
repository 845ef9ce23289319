// The activation behind a product, and the way back through it.

#import activation

const IDENTITY: u32 = 0u;
const TANH: u32 = 1u;
const RELU: u32 = 2u;
override ACTIVATION: u32 = 0u;

fn activated(x: vec4<f32>) -> vec4<f32> {
    if ACTIVATION == TANH {
        return bounded_tanh4(x);
    }
    if ACTIVATION == RELU {
        return max(x, vec4(0.0));
    }
    return x;
}

// The slope at x, from y = activated(x).
fn slope_of_activated(y: vec4<f32>) -> vec4<f32> {
    if ACTIVATION == TANH {
        return 1.0 - y * y;
    }
    if ACTIVATION == RELU {
        return select(vec4(0.0), vec4(1.0), y > vec4(0.0));
    }
    return vec4(1.0);
}
