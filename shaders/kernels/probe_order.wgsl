// Whether the compiler keeps the order of floating-point operations, with and without arithmetic_fence().
//
// Source    WGSL, "Floating point evaluation".
// Layout    values: a and b, read at run time so that nothing is folded; result: what a + b lost, written
//           plainly and by two_sum.
// Threads   one.
// Traffic   16 bytes.
// Numerics  a + b rounds b away; in order, low gives b back, reassociated it is 0.
// Twin      src/verify/probe.ts
@compute @workgroup_size(1)
fn main() {
  fence_zero = params.zero;
  let a = values[0];
  let b = values[1];
  let high = a + b;
  result[0] = b - (high - a);
  result[1] = two_sum(a, b).low;
}
