// Threads of a workgroup: as many as WebGPU promises.

const THREADS: u32 = 256u;
