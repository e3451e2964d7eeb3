// What stands around the batch norm, in plain loops. Matrices are row by row, sums run in f64.

/** y = x · weight (+ bias): x [rows, inputs], weight [inputs, outputs]. */
export function linear(x: Float32Array, weight: Float32Array, outputs: number, bias?: Float32Array): Float32Array {
  const inputs = weight.length / outputs;
  return Float32Array.from({ length: (x.length / inputs) * outputs }, (_, at) => {
    const [row, output] = [Math.floor(at / outputs), at % outputs];
    let sum = bias ? bias[output] : 0;
    for (let input = 0; input < inputs; input++) sum += x[row * inputs + input] * weight[input * outputs + output];
    return sum;
  });
}

/** dweight = xᵀ · dy, written over what was there. */
export function linearByWeight(x: Float32Array, dy: Float32Array, outputs: number, dweight: Float32Array): void {
  const inputs = dweight.length / outputs;
  for (let at = 0; at < dweight.length; at++) {
    const [input, output] = [Math.floor(at / outputs), at % outputs];
    let sum = 0;
    for (let row = 0; row * outputs < dy.length; row++) sum += x[row * inputs + input] * dy[row * outputs + output];
    dweight[at] = sum;
  }
}

/** dx = dy · weightᵀ */
export function linearByInput(dy: Float32Array, weight: Float32Array, outputs: number): Float32Array {
  const inputs = weight.length / outputs;
  return Float32Array.from({ length: (dy.length / outputs) * inputs }, (_, at) => {
    const [row, input] = [Math.floor(at / inputs), at % inputs];
    let sum = 0;
    for (let output = 0; output < outputs; output++) sum += dy[row * outputs + output] * weight[input * outputs + output];
    return sum;
  });
}

/**
 * Cross-entropy of softmax(scores), and its gradient by the scores.
 *
 *     p = e^score / Σ e^score        loss = −Σ log p[label] / batch        dscores = (p − [label]) / batch
 *
 * @param batch - rows of the whole batch, of which these scores may be a part: the parts' losses add up to its loss.
 */
export function softmaxLoss(scores: Float32Array, labels: Uint8Array, batch: number): { loss: number; dscores: Float32Array } {
  const classes = scores.length / labels.length;
  const dscores = new Float32Array(scores.length);
  let loss = 0;
  labels.forEach((label, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    const most = Math.max(...own);
    const total = own.reduce((sum, score) => sum + Math.exp(score - most), 0);
    loss += (Math.log(total) - (own[label] - most)) / batch;
    own.forEach((score, c) => (dscores[row * classes + c] = (Math.exp(score - most) / total - (c === label ? 1 : 0)) / batch));
  });
  return { loss, dscores };
}
