// Threads of a workgroup: as many as hardware has. A constant, not an override: naga cannot write arrays of that size for
// browsers.

const THREADS: u32 = 1024u;
