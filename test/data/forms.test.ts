// Claim: every form that tables have in the field is read as its owner means it, refused by name and place, or asked about by option.
// Control: the same numbers come out of the plainest form.
import { describe, expect, it } from 'vitest';
import { readTable, TableError } from '../../src/data/index.js';
import { FORMS } from './forms.js';

const utf8 = new TextEncoder();

describe('forms', () => {
  it('control: commas and names', async () => {
    const { rows, channels, columns, data } = await readTable(utf8.encode('a,b\n1,2\n3,4\n'));
    expect({ rows, channels, columns, data: [...data] }).toEqual({ rows: 2, channels: 2, columns: ['a', 'b'], data: [1, 2, 3, 4] });
  });

  it.each(FORMS)('$name', async ({ file, options, rows, columns, labels, says, refuses, line, column, asks }) => {
    const bytes = typeof file === 'string' ? utf8.encode(file) : file;
    const reading = readTable(bytes, { ...options, file: 'd' });
    if (rows) {
      const table = await reading;
      const got = Array.from({ length: table.rows }, (_, row) => [...table.data.subarray(row * table.channels, (row + 1) * table.channels)]);
      expect(got).toEqual(rows);
      if (columns) expect(table.columns).toEqual(columns);
      expect(table.labels).toEqual(labels);
      if (says) expect(table.notes.join(' ')).toContain(says);
      return;
    }
    const error = await reading.then(() => null, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(TableError);
    const { message, details, file: of } = error as TableError;
    expect(message).toMatch(/^readTable: "d" .+, needs .+\. [A-Z].*\.$/s);
    expect(of).toBe('d');
    if (refuses) expect(message).toContain(refuses);
    if (line !== undefined) expect(details.line).toBe(line);
    if (column !== undefined) expect(details.column).toBe(column);
    expect(details.problem === 'ambiguous').toBe(asks !== undefined);
    if (asks) {
      expect(details.option).toBe(asks);
      expect(message).toContain(`"${asks}"`);
    }
  });
});
