// Claim: the page Training takes the label from what columns are, never from an error's text, and names the cell that is wrong.
// Control: a file that reads gives its likeliest label, and the split of any other.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TableCommand, TableNews } from '../../demo/training/ui/table.js';

let send: (command: TableCommand) => Promise<TableNews>;

beforeAll(async () => {
  let hear: (event: { data: TableCommand }) => void = () => {};
  let answer: (news: TableNews) => void = () => {};
  vi.stubGlobal('addEventListener', (_: string, listener: typeof hear) => (hear = listener));
  vi.stubGlobal('postMessage', (news: TableNews) => answer(news));
  await import('../../demo/training/ui/tableWorker.js');
  send = (data) => new Promise((resolve) => {
    answer = resolve;
    hear({ data });
  });
});

const read = (name: string, text: string | Buffer<ArrayBuffer>) => send({ kind: 'read', files: [new File([text], name)] });

describe('the reader of the page Training', () => {
  it('control: the label, the columns, and two splits', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i},${i / 8},${i % 2 ? 'tall' : 'low'},${i % 3}`);
    expect(await read('things.csv', `,width,kind,side\n${rows.join('\n')}\n`)).toEqual({
      kind: 'read',
      file: { name: 'things.csv', rows: 40, label: 2, problem: null,
        columns: [{ index: 1, name: 'width' }, { index: 2, name: 'kind, text' }, { index: 3, name: 'side' }] },
    });
    expect(await send({ kind: 'split', label: 2, seed: 1 })).toMatchObject({ kind: 'split', set: { features: 2, classes: 2, labels: ['low', 'tall'] } });
    expect(await send({ kind: 'split', label: 3, seed: 1 })).toMatchObject(
      { kind: 'refused', message: expect.stringContaining('line 2, column 3 is "low", needs a number') },
    );
  });

  it('a bad cell among numbers is named, and makes no label of its column', async () => {
    const news = await read('page-bad-cell.csv', readFileSync('test/data/cases/page-bad-cell.csv') as Buffer<ArrayBuffer>);
    expect(news).toMatchObject(
      { kind: 'read', file: { rows: 60, label: 2, columns: [{ name: 'x1' }, { name: 'x2' }, { name: 'y' }], problem: { line: 32, column: 2 } } },
    );
    expect(news.kind === 'read' && news.file.problem?.message).toContain('"page-bad-cell.csv" line 32, column 2 is "#N/A"');
    expect(await send({ kind: 'split', label: 2, seed: 1 })).toMatchObject({ kind: 'refused', message: expect.stringContaining('line 32, column 2') });
  });

  it('what can be meant in two ways is refused with its question', async () => {
    expect(await read('asks.csv', '0,1,2\n1,5,3\n2,2,2\n')).toEqual({ kind: 'refused', message: expect.stringContaining('Give "header": true or false.') });
  });
});
