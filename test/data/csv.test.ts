// Claim: parseCsv reads every CSV it describes value for value, and refuses every other with the line and the column.
// Control: a header, a label column and two rows of plain numbers.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvOptions, parseCsv } from '../../src/data/csv.js';

/** Without what it says of itself. */
const read = (text: string, options: CsvOptions = {}) => {
  const { notes: _, ...table } = parseCsv(text, options);
  return table;
};

const values = (text: string, label?: string | number) => [...parseCsv(text, { label }).data];

describe('parseCsv', () => {
  it('control: header, numbers, label', () => {
    expect(read('width,height,kind\n1,2.5,iris\n-3,4e2,rose\n', { label: 'kind' })).toEqual({
      rows: 2,
      channels: 2,
      data: Float32Array.of(1, 2.5, -3, 400),
      columns: ['width', 'height'],
      labels: ['iris', 'rose'],
    });
  });

  const same = [
    { name: 'comma', text: '1,2\n3,4\n' },
    { name: 'semicolon', text: '1;2\n3;4\n' },
    { name: 'tab', text: '1\t2\n3\t4\n' },
    { name: 'CRLF', text: '1,2\r\n3,4\r\n' },
    { name: 'CR', text: '1,2\r3,4\r' },
    { name: 'no line end at the end', text: '1,2\n3,4' },
    { name: 'blank lines at the end', text: '1,2\n3,4\n\n  \r\n\t\n' },
    { name: 'quoted numbers', text: '"1","2"\n"3",4\n' },
    { name: 'spaces around cells', text: ' 1 , "2" \n3 ,4\n' },
    { name: 'byte order mark', text: '\uFEFF1,2\n3,4\n' },
    { name: 'a blank line between', text: '1,2\n\n3,4' },
    { name: 'an extra empty cell at the very end', text: '1\t2\n3\t4\t\n' },
    { name: 'blanks', text: '1 2\n3 4' },
    { name: 'signs, bare points, exponents', text: '+1,.2e1\n3.,400E-2\n' },
  ];
  it.each(same)('$name', ({ text }) => {
    expect(read(text)).toEqual({ rows: 2, channels: 2, data: Float32Array.of(1, 2, 3, 4) });
  });

  it('one column, one row', () => {
    expect(read('7')).toEqual({ rows: 1, channels: 1, data: Float32Array.of(7) });
  });

  it('rounds to the nearest f32, up to the last number that rounds to a finite one', () => {
    expect(values('0.1,-0,3.40282356e38,1e-50')).toEqual([Math.fround(0.1), -0, 3.4028234663852886e38, 0]);
  });

  it('grows past its first array', () => {
    const rows = 5000;
    expect(values('1,2,3\n'.repeat(rows))).toEqual(Array.from({ length: 3 * rows }, (_, i) => (i % 3) + 1));
  });
});

describe('parseCsv: separator', () => {
  it('is not a comma inside the cells of a semicolon file', () => {
    expect(read('size, in m;x\n1;2').columns).toEqual(['size, in m', 'x']);
  });
  it('is not a semicolon that only the header has', () => {
    expect(read('weight; kg,height\n1,2').columns).toEqual(['weight; kg', 'height']);
  });
  it('is not looked for inside quotes, nor their line ends', () => {
    expect(read('"a;\nb","c"\n1,2').columns).toEqual(['a;\nb', 'c']);
  });
});

describe('parseCsv: header', () => {
  const cases = [
    { name: 'names', text: 'a,b\n1,2', columns: ['a', 'b'] },
    { name: 'quotes doubled, separators quoted', text: '"a ""x""","b,c"\n1,2', columns: ['a "x"', 'b,c'] },
  ];
  it.each(cases)('$name', ({ text, columns }) => {
    expect(read(text)).toEqual({ rows: 1, channels: 2, data: Float32Array.of(1, 2), columns });
  });

  it('a first line of numbers is data', () => {
    expect(read('1,2\n3,4')).not.toHaveProperty('columns');
  });
  it('text in the label column alone does not make one', () => {
    const table = read('1,iris\n2,rose', { label: 1 });
    expect(table).toEqual({ rows: 2, channels: 1, data: Float32Array.of(1, 2), labels: ['iris', 'rose'] });
  });
  it('a label by name makes one, even of numbers', () => {
    expect(read('0,1\n5,6', { label: '1' })).toEqual({
      rows: 1, channels: 1, data: Float32Array.of(5), columns: ['0'], labels: [6],
    });
  });
  it.each(['1,\n3,4', '1,nan\n3,4', '1,-Inf\n3,4', '1,NA\n3,4'])('a missing number does not make one: %j', (text) => {
    expect(() => parseCsv(text)).toThrow(/line 1, column 2 is .*, needs a finite number/);
  });
});

describe('parseCsv: labels', () => {
  it('are numbers where all are', () => {
    expect(read('7,1\n2,3', { label: 0 }).labels).toEqual([7, 2]);
  });
  it('are text where one is not', () => {
    expect(read('7,1\nb,3', { label: 0 }).labels).toEqual(['7', 'b']);
  });
  it('may hold separators, quotes and line ends', () => {
    expect(read('1,"a, ""b""\nc"\n2,5" pipe', { label: 1 }).labels).toEqual(['a, "b"\nc', '5" pipe']);
  });
});

describe('parseCsv refuses', () => {
  const broken = [
    { name: 'nothing', text: '', says: '"d.csv" is empty, needs at least one line of numbers.' },
    { name: 'blank lines only', text: '\uFEFF \r\n\n', says: '"d.csv" is empty' },
    { name: 'a header only', text: 'a,b\n', says: 'ends after line 1, its header, needs at least one line of numbers.' },
    { name: 'text', text: 'a,b\n1,2\n3,abc', says: 'line 3, column 2 is "abc", needs a number.' },
    { name: 'one name among numbers', text: '1990,b\n1,2',
      says: 'line 1, column 2 is "b" beside numbers, needs a number there, or to be told that the line is a header.' },
    { name: 'hexadecimal', text: '1,2\n0x10,2', says: 'line 2, column 1 is "0x10", needs a number.' },
    { name: 'a decimal comma among points', text: 'a;b\n1.5;2\n2.5;3\n1,5;2',
      says: 'line 4, column 1 is "1,5", needs a number. A decimal comma is said with "decimal"' },
    { name: 'a bare point', text: '1,2\n.,2', says: 'line 2, column 1 is ".", needs a finite number.' },
    { name: 'half an exponent', text: '1,2\n1e,2', says: 'line 2, column 1 is "1e", needs a number.' },
    { name: 'nan', text: '1,2\nNaN,2', says: 'line 2, column 1 is "NaN", needs a finite number. Fill it in' },
    { name: 'inf', text: '1,2\n1,-inf', says: 'line 2, column 2 is "-inf", needs a finite number.' },
    { name: 'an f32 overflow', text: '1,2\n1,1e39', says: 'line 2, column 2 is "1e39", needs at most 3.4028235e38 in magnitude (f32).' },
    { name: 'an f64 overflow', text: '1,2\n1,1e999', says: 'line 2, column 2 is "1e999", needs a finite number.' },
    { name: 'an empty cell', text: '1,2\n,3', says: 'line 2, column 1 is empty, needs a finite number.' },
    { name: 'a missing cell', text: '1,2,3\n4,5', says: 'line 2, column 3 is missing, needs 3 cells (line 1 has 3).' },
    { name: 'an extra cell', text: '1,2\n3,4,x', says: 'line 2, column 3 is "x", needs the end of the line after 2 cells (line 1 has 2).' },
    { name: 'a blank line between, one column', text: '1\n\n3', says: 'line 2, column 1 is empty' },
    { name: 'an open quote', text: '1,2\n3,"4', says: 'line 2, column 2 opens a quote, needs its closing quote.' },
    { name: 'text after a quote', text: '1,2\n"3"4,5', says: 'line 2, column 1 goes on after its closing quote' },
    { name: 'a long cell, cut', text: `1\n${'x'.repeat(99)}`, says: `is "${'x'.repeat(40)}…", needs` },
    { name: 'a wrong line after a cell of two lines', text: '"a\r\nb",c\n1,2\n3,?', says: 'line 4, column 2 is "?"' },
  ];
  it.each(broken)('$name', ({ text, says }) => {
    expect(() => parseCsv(text, { file: 'd.csv' })).toThrow(RangeError);
    expect(() => parseCsv(text, { file: 'd.csv' })).toThrow(says);
  });

  const labels = [
    { label: 'c', says: '"label" is "c", needs one of "a", "b" (the header of "text").' },
    { label: 2, says: '"label" is 2, needs an integer from 0 to 1' },
    { label: -3, says: '"label" is -3, needs an integer from 0 to 1' },
    { label: 0.5, says: '"label" is 0.5, needs an integer' },
    { label: NaN, says: '"label" is NaN, needs an integer' },
  ];
  it.each(labels)('label $label', ({ label, says }) => {
    expect(() => parseCsv('a,b\n1,2', { label })).toThrow(RangeError);
    expect(() => parseCsv('a,b\n1,2', { label })).toThrow(says);
  });
  it('a label that names two columns', () => {
    expect(() => parseCsv('a,b,a\n1,2,3', { label: 'a' })).toThrow('"label" is the name "a" of columns 0 and 2 in "text", needs one');
  });
  it('an empty label', () => {
    expect(() => parseCsv('1,a\n2,', { label: 1 })).toThrow('line 2, column 2 is empty, needs a label.');
  });
  it('a label without numbers beside it', () => {
    expect(() => parseCsv('a\nb', { label: 0 })).toThrow('has no column but the label');
  });
  it('arguments of the wrong kind, naming the call it was told', () => {
    expect(() => parseCsv(new Uint8Array(1) as unknown as string)).toThrow(TypeError);
    expect(() => parseCsv('1,2', { label: true as unknown as number })).toThrow(TypeError);
    expect(() => parseCsv('x', { call: 'load' })).toThrow(/^load: "text" ends after/);
  });
});

it('round trip: whatever the numbers, the separator, line end, quoting, header and label', () => {
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
  const word = fc.stringMatching(/^[a-zå"][a-z ,;\t\r\n"\u{1F600}]{0,6}x$/u);
  const table = fc.integer({ min: 1, max: 5 }).chain((channels) =>
    fc.record({
      rows: fc.array(fc.array(finite, { minLength: channels, maxLength: channels }), { minLength: 1, maxLength: 8 }),
      columns: fc.option(fc.array(word, { minLength: channels, maxLength: channels })),
      labels: fc.option(fc.array(word, { minLength: 8, maxLength: 8 })),
      separator: fc.constantFrom(',', ';', '\t'),
      lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
      atEnd: fc.constantFrom('', '\n', '\r\n \n'),
      quoted: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(table, ({ rows, columns, labels, separator, lineEnd, atEnd, quoted }) => {
      const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const number = (value: number) => (Object.is(value, -0) ? '-0' : quoted ? quote(String(value)) : String(value));
      const lines = rows.map((row, i) => [...row.map(number), ...(labels ? [quote(labels[i] ?? '')] : [])]);
      if (columns) lines.unshift([...columns.map(quote), ...(labels ? ['label'] : [])]);
      const text = lines.map((line) => line.join(separator)).join(lineEnd) + atEnd;
      const channels = rows[0]?.length ?? 0;
      expect(read(text, { label: labels ? channels : undefined })).toEqual({
        rows: rows.length,
        channels,
        data: Float32Array.from(rows.flat()),
        ...(columns && { columns }),
        ...(labels && { labels: labels.slice(0, rows.length) }),
      });
    }),
    { seed: 1, numRuns: 500 },
  );
});
