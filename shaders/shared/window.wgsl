// The source positions that a query of attention may attend to.
//
// The importing shader has `lengths`, `position`, `vectors` and in `params` what stands in those of `attention`.

#import activation
#import query
#import reduce

const GLOBAL: u32 = 0u;
const LOCAL_M: u32 = 1u;
const LOCAL_P: u32 = 2u;
override WINDOW: u32 = 0u;

// The middle of the window: t, or p_t = S_b · sigmoid(v_pᵀ tanh(W_p h_t)).
fn window_centre(q: Query, target_position: u32, thread: u32) -> f32 {
    if WINDOW == LOCAL_P {
        var sum = 0.0;
        for (var k = thread; k < params.hidden_quads; k += REDUCE_THREADS) {
            let predicted = bounded_tanh4(position[q.index * params.hidden_quads + k]);
            sum += dot(vectors[params.hidden_quads + k], predicted);
        }
        return f32(q.length) * sigmoid(workgroup_sum(thread, sum));
    }
    return f32(params.first_position + params.position_step * target_position);
}

fn within_window(s: u32, q: Query, centre: f32) -> bool {
    return s < q.length && (WINDOW == GLOBAL || abs(f32(s) - centre) <= params.half_width);
}

// Whether any of the four positions from s on may be.
fn within_reach(s: u32, q: Query, centre: f32) -> bool {
    return within_window(s, q, centre) || within_window(s + 1u, q, centre) || within_window(s + 2u, q, centre)
        || within_window(s + 3u, q, centre);
}

// (s − p_t) / σ with σ = D / 2; where D is 0, nothing but the centre itself is in the window.
fn window_distance(s: u32, centre: f32) -> f32 {
    let distance = f32(s) - centre;
    return select(distance / (0.5 * params.half_width), 0.0, distance == 0.0);
}

// exp(−(s − p_t)² / 2σ²)
fn gaussian(s: u32, centre: f32) -> f32 {
    if WINDOW != LOCAL_P {
        return 1.0;
    }
    let distance = window_distance(s, centre);
    return exp(-0.5 * distance * distance);
}
