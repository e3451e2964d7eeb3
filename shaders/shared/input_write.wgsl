fn write_result(i: u32, result: Result) {
  store_dx(i, result.dx);
  store_dresidual(i, result.dresidual);
}
