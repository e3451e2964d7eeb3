// Claim: no line is longer than 160 characters, where lines can be broken: not in a table of Markdown, nor a regular expression.
// Control: at the limit and one past it.
import { expect, it } from 'vitest';
import { filesOf } from './files.js';

const MOST = 160;

/** What stays whole: a row of a table in Markdown, a regular expression on a line of its own. */
const isWhole = (file: string, line: string) => (file.endsWith('.md') ? line.startsWith('|') : file.endsWith('.ts') && /^ *\/.*\/[a-z]*,$/.test(line));

/** `file:line` of each that is too long. */
const tooLong = (files: ReadonlyMap<string, string>): string[] =>
  [...files].flatMap(([file, text]) =>
    text.split('\n').flatMap((line, i) =>
      ([...line].length > MOST && !isWhole(file, line) ? [`${file}:${i + 1} has ${[...line].length} characters`] : [])));

it('control: at the limit, one past it, a table, an expression', () => {
  const files = new Map([
    ['a.ts', `${'·'.repeat(160)}\n${'·'.repeat(161)}\n  /${'x'.repeat(200)}/,`],
    ['b.md', `| ${'x'.repeat(200)} |`],
    ['c.wgsl', `| ${'x'.repeat(200)} |`],
  ]);
  expect(tooLong(files)).toEqual(['a.ts:2 has 161 characters', 'c.wgsl:1 has 204 characters']);
});

it('no line of any file', () => {
  const files = filesOf('.ts', '.js', '.wgsl', '.css', '.html', '.md', '.py', '.json', '.ci/run');
  expect(files.size).toBeGreaterThan(200);
  expect(tooLong(files)).toEqual([]);
});
