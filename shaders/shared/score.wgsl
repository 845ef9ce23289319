// How a query and a key are compared.

// score(h_t, h̄_s)
const PRODUCT: u32 = 0u;  // dot, scaled_dot, general: h_tᵀ key_s · scale
const ADDITIVE: u32 = 1u; // concat: vᵀ tanh(query_t + key_s)
const LOCATION: u32 = 2u; // location: query_t at s
override SCORE: u32 = 0u;
