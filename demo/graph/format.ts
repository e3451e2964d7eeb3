/** Short enough for a cell of the picture: four digits, fewer below 0.1. */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.01 || size >= 1e6) return minus(exponential(value, 1));
  if (size < 1) return minus(value.toFixed(4));
  return minus(size < 1000 ? value.toPrecision(4) : value.toFixed(2));
}

/** All that matters of a number in a table. */
export function precise(value: number): string {
  return minus(String(Number(value.toPrecision(9))));
}

/** 2.4e-7 */
export function brief(value: number): string {
  return value === 0 || !Number.isFinite(value) ? String(value) : minus(exponential(value, 1));
}

/** Four digits, for a formula; in braces, so that a sign is none between two terms. */
export function texNumber(value: number): string {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e7)) return `{${Number(value.toPrecision(size < 1000 ? 4 : 7))}}`;
  const [digits, exponent] = value.toExponential(3).split('e');
  return `{${Number(digits)}\\cdot 10^{${Number(exponent)}}}`;
}

/** The same behind an operator. */
export function texOperand(value: number): string {
  return value < 0 ? `(${texNumber(value)})` : texNumber(value);
}

function exponential(value: number, digits: number): string {
  return value.toExponential(digits).replace('e+', 'e');
}

function minus(text: string): string {
  return text.replaceAll('-', '−');
}
