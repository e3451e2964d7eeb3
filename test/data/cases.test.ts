// Claim: each small file of the field has its right value, or the refusal that leads to the cause; time is linear and a gzip bounded.
// Control: the right values stand beside the files, in test/data/cases.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type ReadOptions, readTable, TableError } from '../../src/data/index.js';

const bytesOf = (file: string) => new Uint8Array(readFileSync(new URL(`cases/${file}`, import.meta.url)));
const utf8 = (text: string) => new TextEncoder().encode(text);
const refusal = async (bytes: Uint8Array, options: ReadOptions = {}) => {
  const error = await readTable(bytes, { file: 'd', ...options }).then(() => null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(TableError);
  return error as TableError;
};

describe('files of the field', () => {
  it.each([
    { file: 'csv-numeric-header.csv', rows: 3, columns: ['0', '1', '2'], data: [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5] },
    { file: 'csv-counts-header.csv', rows: 6, data: [5.25, 1.5, 0, 4.75, 2.25, 0, 6.5, 0.75, 1, 7.125, 3.5, 1, 5, 2, 0, 6.875, 1.25, 1] },
    { file: 'csv-counts-header.csv', options: { label: -1 }, rows: 6, data: [5.25, 1.5, 4.75, 2.25, 6.5, 0.75, 7.125, 3.5, 5, 2, 6.875, 1.25],
      labels: [0, 0, 1, 1, 0, 1] },
    { file: 'csv-index-column.csv', rows: 3, columns: ['a', 'b'], data: [1.5, 2.5, 3.5, 4.5, 5.5, 6.5] },
    { file: 'csv-first-row-thousands.csv', options: { decimal: '.' as const }, rows: 3, data: [1, 1234, 3, 4, 5, 6, 7, 8, 9] },
    { file: 'csv-savetxt-spaces.csv', rows: 2, data: [1.5, 2.5, 3.5, 4.5] },
    { file: 'csv-comment-lines.csv', rows: 2, columns: ['a', 'b'], data: [1, 2, 3, 4] },
    { file: 'csv-utf16.csv', rows: 2, columns: ['a', 'b'], data: [1, 2, 3, 4] },
    { file: 'csv-decimal-comma-one-column.csv', options: { decimal: ',' as const }, rows: 4, data: [1.5, 2.5, 3.5, 4.25] },
    { file: 'csv-trailing-comma.csv', rows: 2, columns: ['a', 'b'], data: [1, 2, 3, 4] },
    { file: 'npy-fortran-2d.npy', rows: 2, data: [1, 2, 3, 4, 5, 6] },
    { file: 'npy-float16.npy', rows: 2, data: [1, 2, 3, -4] },
    { file: 'page-bad-cell.csv', options: { label: 'y', missing: 'drop' as const }, rows: 59 },
  ])('$file $options', async ({ file, options, rows, columns, data, labels }) => {
    const table = await readTable(bytesOf(file), { file, ...options });
    expect(table.rows).toBe(rows);
    expect(table.channels).toBe(table.data.length / rows);
    if (data) expect([...table.data]).toEqual(data);
    expect(table.columns).toEqual(columns ?? (file.startsWith('page') ? ['x1', 'x2'] : undefined));
    if (labels) expect(table.labels).toEqual(labels);
  });

  it.each([
    { file: 'csv-first-row-na.csv', says: 'line 1, column 2 is "<NA>"', details: { problem: 'missing', line: 1, column: 2, cell: '<NA>', option: 'missing' } },
    { file: 'csv-first-row-percent.csv', says: 'line 1, column 2 is "12%"', details: { problem: 'cell', line: 1, column: 2, cell: '12%' } },
    { file: 'csv-first-row-thousands.csv', says: 'line 1, column 2 is "1,234"',
      details: { problem: 'ambiguous', line: 1, column: 2, option: 'decimal', choices: ['.', ','] } },
    { file: 'csv-decimal-comma-one-column.csv', says: 'whether the comma parts two columns or is a decimal one',
      details: { problem: 'ambiguous', option: 'decimal' } },
    { file: 'html-instead-of-csv.csv', says: 'is HTML, a web page: there is no number in it', details: { problem: 'format' } },
    { file: 'npz-instead-of-npy.npz', says: 'is a zip (.zip, .npz, .xlsx)', details: { problem: 'format' } },
    { file: 'page-bad-cell.csv', says: 'line 32, column 2 is "#N/A"', details: { problem: 'missing', line: 32, column: 2, name: 'x2', cell: '#N/A' } },
  ])('$file is refused', async ({ file, says, details }) => {
    const error = await refusal(bytesOf(file), { file });
    expect(error.message).toContain(says);
    expect(error.message).toContain(`"${file}"`);
    expect(error.details).toMatchObject(details);
  });
});

// What was quadratic took minutes of the processor; linear time takes hundredths of a second.
describe('linear time', () => {
  const soon = async (reading: Promise<unknown>) => {
    const begun = process.cpuUsage();
    const result = await reading;
    const { user, system } = process.cpuUsage(begun);
    expect(user + system, 'microseconds').toBeLessThan(2e6);
    return result;
  };
  const digits = '7'.repeat(200_000);
  it.each([
    ['digits', digits, 'at most|finite'], ['digits and a letter', `${digits}x`, 'needs a number'], ['decimals and a letter', `.${digits}x`, 'needs a number'],
      ['grouped digits and a letter', `1${',777'.repeat(50_000)}x`, 'needs a number'],
    ['blanks', `1${' '.repeat(200_000)}x`, 'needs a number'], ['doubled quotes', `"${'""'.repeat(100_000)}"`, 'needs a number'],
      ['an open quote', `"${digits}`, 'closing quote'],
  ])('a cell of %s', async (_, cell, says) => {
    const error = (await soon(refusal(utf8(`a;b\n1;2\n3;4\n${cell};5\n6;7\n`)))) as TableError;
    expect(error.message).toMatch(new RegExp(says));
    expect(error.details.line).toBe(4);
  });
  it('decimals, read', async () => {
    const table = (await soon(readTable(utf8(`a;b\n0.${digits};2\n`)))) as { data: Float32Array };
    expect([...table.data]).toEqual([Math.fround(7 / 9), 2]);
  });
  it.each(['blank', "'", '(', '[', '9', '{'])('an .npy header of 200 000 × %j', async (letter) => {
    const filler = (letter === 'blank' ? ' ' : letter).repeat(200_000);
    const header = utf8(`{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), ${filler}`);
    const length = [header.length & 255, (header.length >> 8) & 255, header.length >> 16, 0];
    const error = (await soon(refusal(new Uint8Array(Buffer.concat([Uint8Array.of(0x93, ...utf8('NUMPY'), 2, 0, ...length), header,
      new Uint8Array(4)]))))) as TableError;
    expect(error.message).toContain('has the header "{');
  });
  it('many quotes that open, in a text of one column', async () => {
    await soon(refusal(utf8('"\n'.repeat(100_001))));
  });
});

describe('a gzip', () => {
  const large = new Uint8Array(gzipSync(new Uint8Array(2 ** 20).fill(49))); // a mebibyte of ones in a kilobyte
  it('is refused by the size it says it has', async () => {
    const error = await refusal(large, { maxBytes: 2 ** 20 - 1 });
    expect(error.message).toContain('unzips to 1048576 bytes, needs at most 1048575 ("maxBytes").');
    expect(error.details).toMatchObject({ problem: 'size', option: 'maxBytes' });
  });
  it('is refused as soon as it is larger, whatever it says', async () => {
    const lying = large.slice();
    lying.set([10, 0, 0, 0], lying.length - 4);
    const seen: number[] = [];
    const error = await refusal(lying, { maxBytes: 300_000, onProgress: ({ done }) => seen.push(done) });
    expect(error.message).toContain('unzips to more than 300000 bytes');
    expect(Math.max(...seen, 0)).toBeLessThanOrEqual(300_000);
  });
  it('is read up to the limit', async () => {
    const file = new Uint8Array(gzipSync('1,2\n3,4\n'));
    expect((await readTable(file, { maxBytes: 8 })).rows).toBe(2);
    expect((await refusal(file, { maxBytes: 7 })).details.problem).toBe('size');
  });
});

describe('progress and an end', () => {
  const text = utf8('1.5,2.5\n'.repeat(400_000));
  it('tells how far it is, up to all', async () => {
    const seen: number[] = [];
    const { rows } = await readTable(text, { onProgress: ({ stage, done, total }) => {
      expect([stage, total]).toEqual(['read', text.length - 1]); // without the line's end that nothing follows
      seen.push(done);
    } });
    expect(rows).toBe(400_000);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(text.length - 1);
  });
  it('throws the reason of the signal, before and between', async () => {
    const reason = new Error('enough');
    await expect(readTable(text, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    await expect(readTable(text, { signal: controller.signal, onProgress: () => controller.abort(reason) })).rejects.toBe(reason);
    await expect(readTable(new Uint8Array(gzipSync(text)), { signal: controller.signal })).rejects.toBe(reason);
  });
});
