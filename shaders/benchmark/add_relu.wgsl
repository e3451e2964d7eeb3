// y = max(x + residual, 0) over a whole tensor: the separate pass that a fused epilogue replaces.
//
// Source    none.
// Layout    x, residual, y: flat vec4f.
// Threads   one vec4 each; the grid is folded to two dimensions.
// Traffic   12 bytes an element (x and residual read once, y written once).
// Numerics  exact but for the addition.
// Twin      src/benchmark/abilities.ts
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> residual: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = (group.x + group.y * groups.x) * 256u + i;
  if (at < arrayLength(&x)) {
    y[at] = max(x[at] + residual[at], vec4f());
  }
}
