// y = x over a whole tensor, by a kernel: the ceiling for kernels, where a device copy may have its own road.
//
// Source    none.
// Layout    x, y: flat vec4f.
// Threads   one vec4 each; the grid is folded to two dimensions.
// Traffic   8 bytes an element (x read once, y written once).
// Numerics  none.
// Twin      src/benchmark/contenders.ts
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = (group.x + group.y * groups.x) * 256u + i;
  if (at < arrayLength(&x)) {
    y[at] = x[at];
  }
}
