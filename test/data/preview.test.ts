// Claim: a preview says what every column is, where it does not fit, what may be the label and why, and never guesses in silence.
// Control: a table of flowers.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { previewTable, readTable, type TableError } from '../../src/data/index.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('previewTable', () => {
  it('control: kinds, values, the label and why', async () => {
    const flowers =
      'id,picked,length,petals,fresh,species\n1,2026-05-01,1.5,5,True,iris\n2,2026-05-01,2.5,3,False,rose\n' +
        '3,2026-05-02,3.5,5,True,iris\n4,2026-05-03,,5,True,rose\n';
    const preview = await previewTable(utf8(flowers), { file: 'flowers.csv' });
    expect(preview).toMatchObject({ format: 'text', rows: 4, form: { encoding: 'UTF-8', header: true, separator: ',', decimal: '.' }, questions: [] });
    expect(preview.columns.map(({ name, kind, role, distinct, missing }) => [name, kind, role, distinct, missing])).toEqual([
      ['id', 'index', 'channel', 4, 0], ['picked', 'date', 'text', 3, 0], ['length', 'number', 'channel', 3, 1],
      ['petals', 'whole', 'channel', 2, 0], ['fresh', 'boolean', 'channel', 2, 0], ['species', 'text', 'text', 2, 0],
    ]);
    expect(preview.columns[3]!.classes).toEqual([{ value: '5', count: 3 }, { value: '3', count: 1 }]);
    expect(preview.columns[5]!.classes).toEqual([{ value: 'iris', count: 2 }, { value: 'rose', count: 2 }]);
    expect(preview.columns[2]!.first).toEqual({ line: 5, column: 3, cell: '' });
    expect(preview.sample[0]).toEqual(['1', '2026-05-01', '1.5', '5', 'True', 'iris']);
    expect(preview.labels[0]).toEqual({ column: 5, score: 13, reasons: ['it is called "species"', 'it has 2 different words', 'it is the last column'] });
    expect(preview.labels.map(({ column }) => column)).not.toContain(2);
    expect(preview.problem?.details).toMatchObject({ problem: 'cell', line: 2, column: 2, option: 'text' });
  });

  it('a bad cell makes no label of its column', async () => {
    const bytes = new Uint8Array(readFileSync(new URL('cases/page-bad-cell.csv', import.meta.url)));
    const { labels, columns, problem } = await previewTable(bytes, { file: 'd' });
    expect(labels[0]?.column).toBe(2);
    expect(columns[1]).toMatchObject({ name: 'x2', kind: 'whole', missing: 1, first: { line: 32, column: 2, cell: '#N/A' } });
    expect(problem?.details).toMatchObject({ line: 32, column: 2, cell: '#N/A' });
  });

  it.each([
    { name: 'names', text: 'y,a,b\n0,1.5,2\n1,2.5,9\n0,3.5,4\n1,4.5,7\n', first: 0 },
    { name: 'the last of few whole numbers', text: '5.1,3.5,0\n4.9,3.1,0\n6.1,3.2,1\n5.7,2.2,1\n', first: 2 },
    { name: 'the first of few whole numbers', text: '1,5.1,3.5\n1,4.9,3.1\n2,6.1,3.2\n2,5.7,2.2\n', first: 0 },
    { name: 'words', text: 'a,what,b\n1.5,x,3.5\n2.5,y,4.5\n3.5,x,1.5\n1.5,y,1\n', first: 1 },
    { name: 'decimals only: none', text: 'a,b\n1.5,2.25\n2.5,3.25\n3.5,4.25\n', first: undefined },
  ])('the likeliest label: $name', async ({ text, first }) => {
    expect((await previewTable(utf8(text))).labels[0]?.column).toBe(first);
  });

  it('what may be two things is a question, and the likelier is shown', async () => {
    const { questions, form, rows, problem } = await previewTable(utf8('0,1,2\n1,2,3\n4,5,6\n'), { file: 'd' });
    expect(questions.map(({ details }) => details.option)).toEqual(['header']);
    expect([form?.header, rows, problem]).toEqual([true, 2, questions[0]]);
    const asked = await readTable(utf8('0,1,2\n1,2,3\n4,5,6\n'), { file: 'd' }).catch((error: TableError) => error);
    expect((asked as TableError).details).toEqual(questions[0]!.details);
  });

  it('an answer settles it', async () => {
    const { questions, rows } = await previewTable(utf8('0,1,2\n1,2,3\n4,5,6\n'), { header: false });
    expect([questions, rows]).toEqual([[], 3]);
  });

  it('the index that is left out, and the label that was chosen', async () => {
    const { columns } = await previewTable(utf8(',a,b\n0,1.5,x\n1,2.5,y\n'), { label: 'b' });
    expect(columns.map(({ role, kind }) => [role, kind])).toEqual([['index', 'whole'], ['channel', 'number'], ['label', 'text']]);
  });

  it('an array: its columns have numbers for names', async () => {
    const preview = await previewTable(new Uint8Array(readFileSync(new URL('cases/npy-fortran-2d.npy', import.meta.url))));
    expect(preview).toMatchObject({ format: '.npy', rows: 2, form: null, sample: [['1', '2', '3'], ['4', '5', '6']], problem: null });
    expect(preview.columns.map(({ name, kind, distinct }) => [name, kind, distinct])).toEqual([[null, 'whole', 2], [null, 'whole', 2], [null, 'whole', 2]]);
  });
});
