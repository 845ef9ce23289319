// What a softmax divides by, and what the softmaxes of several parts become that of the whole by.

struct Softmax {
    largest: f32, // element m
    sum: f32,     // Σ exp(x − m)
}

// Below every element, and finite: −∞ is not a value that WGSL promises.
const OUTSIDE: f32 = -3.4028233e38;
