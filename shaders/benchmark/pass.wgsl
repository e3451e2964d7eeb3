// y = a · x + b over a whole tensor: the least that a batch norm with known statistics can do.
//
// Source    none.
// Layout    x, y: flat vec4f.
// Threads   one vec4 each; the grid is folded to two dimensions.
// Traffic   8 bytes an element (x read once, y written once).
// Numerics  one multiplication and one addition.
// Twin      src/benchmark/contenders.ts
override A: f32 = 1.5;
override B: f32 = 0.25;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) i: u32, @builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = (group.x + group.y * groups.x) * 256u + i;
  if (at < arrayLength(&x)) {
    y[at] = A * x[at] + B;
  }
}
