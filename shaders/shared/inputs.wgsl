// The inputs of a product, row by row.
//
// The importing shader says where they come from:
//   fn begin_of(row: u32) -> u32                        where a row's inputs begin
//   fn input(place: u32) -> vec4<f32>                   four of them

#import block
#import quad

// Where four rows begin: found once, not for every quad of inputs.
struct Rows {
    begins: vec4<u32>,
}

// The last row stands in for those behind it, which are dropped when they are finished.
fn rows_from(shape: Shape, row: u32) -> Rows {
    let rows = min(four_from(row), vec4(shape.rows - 1u));
    return Rows(vec4(begin_of(rows.x), begin_of(rows.y), begin_of(rows.z), begin_of(rows.w)));
}

fn input_block(rows: Rows, k: u32) -> mat4x4<f32> {
    let places = rows.begins + vec4(k);
    return mat4x4(input(places.x), input(places.y), input(places.z), input(places.w));
}
