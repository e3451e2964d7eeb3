// Claim: whatever the bytes, readTable and previewTable give a whole table or one TableError, and soon. EVERY_ENGINE: 20 000 files.
// Control: the files that are changed are read or refused as they stand.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { previewTable, random, type ReadOptions, readTable, TableError } from '../../src/data/index.js';
import { FORMS } from './forms.js';

const COUNT = process.env.EVERY_ENGINE ? 20_000 : 200;
/** Microseconds of the processor: far more than any of these small files takes, far less than what does not end. */
const SOON = 2e6;

const folder = new URL('cases/', import.meta.url);
const utf8 = new TextEncoder();
const arrays = [
  ["{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", 16], ["{'descr': '>f8', 'fortran_order': True, 'shape': (2, 1, 2), }", 32],
  ["{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4], ["{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", 24],
].map(([header, size]) => Uint8Array.from([0x93, ...utf8.encode('NUMPY'), 1, 0, String(header).length, 0, ...utf8.encode(String(header)),
  ...new Uint8Array(Number(size)).fill(3)]));
const plain = [
  ...readdirSync(folder).map((name) => new Uint8Array(readFileSync(new URL(name, folder)))),
  ...FORMS.map(({ file }) => (typeof file === 'string' ? utf8.encode(file) : file)),
  ...arrays,
  Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4),
];
const seeds = [...plain, ...plain.filter((_, i) => i % 9 === 0).map((bytes) => new Uint8Array(gzipSync(bytes)))];
const TOKENS = ['"', '""', ',', ';', '\t', '\n', '\r', '\r\n', '\n\n', '#', '%', 'nan', '-', '1e', '1e999', '1,234', '.', '\0', '\uFEFF', '\u2212', 'é',
  '0,1,2\n', 'sep=,\n', '9'.repeat(3000), ' '.repeat(3000), '"'.repeat(999), '(('];
const OPTIONS: ReadOptions[] = [
  {}, {}, {}, { header: true }, { header: false }, { label: 0 }, { label: -1 }, { omit: [] }, { omit: [0] }, { separator: ',' }, { separator: ' ' },
    { decimal: ',' }, { decimal: '.' },
  { missing: 'drop' }, { missing: 'mean' }, { missing: { action: 'drop', tokens: ['1', 'b'] } }, { text: 'drop' }, { text: 'categories', missing: 'mean' },
    { maxBytes: 60 },
];

/** Says what came of a file, and that it is one of the two things it may be. */
async function outcome(bytes: Uint8Array, options: ReadOptions): Promise<'read' | TableError['details']['problem']> {
  const begun = process.cpuUsage();
  const [table, preview] = await Promise.all([readTable(bytes, options), previewTable(bytes, options)]
    .map((reading) => reading.catch((error: unknown) => error)));
  const { user, system } = process.cpuUsage(begun);
  expect(user + system).toBeLessThan(SOON);
  for (const result of [table, preview]) {
    if (!(result instanceof Error)) continue;
    expect(result).toBeInstanceOf(TableError);
    expect(result.message).toMatch(/^(?:readTable|previewTable): "[^"]+" .+, needs .+\. [A-Z].*\.$/s);
  }
  if (table instanceof TableError) return table.details.problem;
  const { rows, channels, data, labels, columns, notes } = table as Awaited<ReturnType<typeof readTable>>;
  expect(rows * channels).toBe(data.length);
  expect(data.length).toBeGreaterThan(0);
  expect(data.every(Number.isFinite)).toBe(true);
  expect(labels?.length ?? rows).toBe(rows);
  expect(columns?.length ?? channels).toBe(channels);
  expect(notes.every((note) => typeof note === 'string')).toBe(true);
  expect(preview).toMatchObject({ questions: [], problem: null });
  return 'read';
}

describe('fuzz of readers', () => {
  it('control: as they stand', async () => {
    const found = new Set<string>();
    for (const bytes of seeds) found.add(await outcome(bytes, {}));
    expect([...found].sort()).toEqual(['ambiguous', 'cell', 'damaged', 'empty', 'format', 'missing', 'read', 'shape']);
  });

  it(`${COUNT} changed ones`, async () => {
    const source = random(1);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(source.uniform() * from.length)]!;
    const at = (length: number) => Math.floor(source.uniform() * (length + 1));
    const counts: Record<string, number> = {};
    let slowest = 0;
    for (let i = 0; i < COUNT; i++) {
      let bytes: Uint8Array = pick(seeds).slice();
      for (let change = at(3); change >= 0; change--) {
        const from = at(bytes.length);
        const to = Math.min(bytes.length, from + at(12));
        switch (at(5)) {
          case 0: // another byte
            if (from < bytes.length) bytes[from] = at(255);
            break;
          case 1: // a part less
            bytes = Uint8Array.of(...bytes.subarray(0, from), ...bytes.subarray(to));
            break;
          case 2: // a part twice
            bytes = Uint8Array.of(...bytes.subarray(0, to), ...bytes.subarray(from));
            break;
          case 3: // a word put in
            bytes = Uint8Array.of(...bytes.subarray(0, from), ...utf8.encode(pick(TOKENS)), ...bytes.subarray(from));
            break;
          case 4: // the end of another
            bytes = Uint8Array.of(...bytes.subarray(0, from), ...pick(seeds).subarray(at(20)));
            break;
          default: // cut
            bytes = bytes.slice(0, from);
        }
      }
      const options = pick(OPTIONS);
      const begun = process.cpuUsage();
      const result = await outcome(bytes, options).catch((error: unknown) => {
        throw new Error(`file ${i}, ${JSON.stringify(options)}, ${JSON.stringify(String.fromCharCode(...bytes))}`, { cause: error });
      });
      const { user, system } = process.cpuUsage(begun);
      slowest = Math.max(slowest, (user + system) / 1000);
      counts[result] = (counts[result] ?? 0) + 1;
    }
    console.log(`${COUNT} files: ${JSON.stringify(counts)}, the slowest ${slowest.toFixed(0)} ms of the processor`);
    expect(counts.read).toBeGreaterThan(COUNT / 50);
  }, 1_200_000);
});
