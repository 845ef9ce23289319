// The activation behind a product, and the way back through it.

#import activation

const BY_NOTHING: u32 = 0u;
const BY_TANH: u32 = 1u;
const BY_RELU: u32 = 2u;
override ACTIVATION: u32 = BY_NOTHING;

fn activated(x: vec4<f32>) -> vec4<f32> {
    if ACTIVATION == BY_TANH {
        return bounded_tanh4(x);
    }
    if ACTIVATION == BY_RELU {
        return max(x, vec4(0.0));
    }
    return x;
}

// The slope at x, from y = activated(x).
fn slope_of_activated(y: vec4<f32>) -> vec4<f32> {
    if ACTIVATION == BY_TANH {
        return 1.0 - y * y;
    }
    if ACTIVATION == BY_RELU {
        return select(vec4(0.0), vec4(1.0), y > vec4(0.0));
    }
    return vec4(1.0);
}
