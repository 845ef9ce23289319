// Workgroups counted in two dimensions, because one holds at most 65,535.

const GRID_WIDTH: u32 = 32768u;

fn grid_index(workgroup: vec3<u32>) -> u32 {
    return workgroup.y * GRID_WIDTH + workgroup.x;
}
