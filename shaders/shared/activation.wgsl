// Activations that stay finite on every driver: some compute tanh as a quotient of exponentials that overflow.

fn bounded_tanh(x: f32) -> f32 {
    return tanh(clamp(x, -15.0, 15.0));
}

fn bounded_tanh4(x: vec4<f32>) -> vec4<f32> {
    return tanh(clamp(x, vec4(-15.0), vec4(15.0)));
}

// 1 − tanh²(x), exact also where the tanh is nearly 1.
fn tanh_slope4(x: vec4<f32>) -> vec4<f32> {
    let small = exp(-2.0 * min(abs(x), vec4(40.0)));
    return 4.0 * small / ((1.0 + small) * (1.0 + small));
}

fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(-clamp(x, -80.0, 80.0)));
}
