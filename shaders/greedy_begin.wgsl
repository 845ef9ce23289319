// The first states of a decoder's layer, put where `greedy_steps` takes them up.

@group(0) @binding(0) var<storage, read> hidden: array<vec4<f32>>;      // (batch, hidden)
@group(0) @binding(1) var<storage, read> cell: array<vec4<f32>>;        // the same, of an LSTM
@group(0) @binding(2) var<storage, read_write> states: array<vec4<f32>>;

struct Params {
    quads: u32,      // of all rows
    hidden_part: u32, // where the layer's hidden states begin
    cell_part: u32,  // where its cells begin
    has_cell: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let quad = invocation.x;
    if quad >= params.quads {
        return;
    }
    states[params.hidden_part + quad] = hidden[quad];
    if params.has_cell == 1u {
        states[params.cell_part + quad] = cell[quad];
    }
}
