/**
 * Rows of choices in which every two values of two axes meet at least once: what all their products would show of
 * two options that disturb each other, in far fewer rows. Greedy, the same every time.
 */
export function pairs<T extends Record<string, readonly unknown[]>>(axes: T): { [K in keyof T]: T[K][number] }[] {
  const names = Object.keys(axes);
  const key = (a: number, i: number, b: number, j: number) => (a < b ? `${a} ${i} ${b} ${j}` : `${b} ${j} ${a} ${i}`);
  const missing = new Set<string>();
  for (let a = 0; a < names.length; a++) {
    for (let b = a + 1; b < names.length; b++) {
      for (let i = 0; i < axes[names[a]].length; i++) for (let j = 0; j < axes[names[b]].length; j++) missing.add(key(a, i, b, j));
    }
  }
  const rows: number[][] = [];
  while (missing.size > 0) {
    const [a, i, b, j] = [...missing][0].split(' ').map(Number);
    const row: (number | undefined)[] = names.map((_, at) => (at === a ? i : at === b ? j : undefined));
    for (let at = 0; at < names.length; at++) {
      if (row[at] !== undefined) continue;
      const gain = (choice: number) => row.filter((other, to) => other !== undefined && missing.has(key(at, choice, to, other))).length;
      row[at] = axes[names[at]].map((_, choice) => choice).reduce((best, next) => (gain(next) > gain(best) ? next : best));
    }
    const full = row as number[];
    for (let at = 0; at < full.length; at++) for (let to = at + 1; to < full.length; to++) missing.delete(key(at, full[at], to, full[to]));
    rows.push(full);
  }
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, axes[name][row[at]]])) as { [K in keyof T]: T[K][number] });
}
