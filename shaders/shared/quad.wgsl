// Four numbers side by side, and which columns of a quad are a row's own, and not the padding behind it.

fn four_from(first: u32) -> vec4<u32> {
    return vec4(first) + vec4(0u, 1u, 2u, 3u);
}

fn within(quad: u32, cols: u32) -> vec4<bool> {
    return four_from(4u * quad) < vec4(cols);
}
