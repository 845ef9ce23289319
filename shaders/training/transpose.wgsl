// The transpose of a matrix, four rows by four columns a thread: products read it side by side where they would read
// rows far apart.

#import grid
#import quad

@group(0) @binding(0) var<storage, read> matrix: array<vec4<f32>>;           // (rows, cols)
@group(0) @binding(1) var<storage, read_write> transposed: array<vec4<f32>>; // (cols, rows)

struct Params {
    rows: u32,
    cols: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let row_quads = (params.rows + 3u) / 4u;
    let quads = (params.cols + 3u) / 4u;
    let row = index % row_quads;
    let quad = index / row_quads;
    if quad >= quads {
        return;
    }
    // The last row stands in for those behind it, whose place is padding.
    let last = params.rows - 1u;
    let row_0 = matrix[min(4u * row, last) * quads + quad];
    let row_1 = matrix[min(4u * row + 1u, last) * quads + quad];
    let row_2 = matrix[min(4u * row + 2u, last) * quads + quad];
    let row_3 = matrix[min(4u * row + 3u, last) * quads + quad];
    let inside = within(row, params.rows);
    for (var i = 0u; i < 4u; i += 1u) {
        if 4u * quad + i < params.cols {
            let column = vec4(row_0[i], row_1[i], row_2[i], row_3[i]);
            transposed[(4u * quad + i) * row_quads + row] = select(vec4(0.0), column, inside);
        }
    }
}
