// Which columns of a quad are a row's own, and not the padding behind it.

fn within(quad: u32, cols: u32) -> vec4<bool> {
    return vec4(4u * quad) + vec4(0u, 1u, 2u, 3u) < vec4(cols);
}
