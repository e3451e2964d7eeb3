import type { ColumnPreview } from './columnPreview.js';

/** A column that may hold the labels, and why. */
export interface LabelGuess {
  /** Index of the column. */
  column: number;
  /** More is likelier; above 0. */
  score: number;
  reasons: string[];
}

/** What makers of tables call it. */
const NAMES = new RegExp(
  '^(?:labels?|class(?:es|_?name|_?id|_?label)?|targets?|y|species|kind|categor(?:y|ies)|digit|outcome|quality|survived|diagnosis|type|variety|' +
    'group|response|result|churn(?:ed)?|default|fraud|is_?\\w+)$',
  'i',
);
/** Those that are seldom anything else. */
const SURE = /^(?:labels?|class|targets?|y)$/i;

const FEW = 20;

/** The columns that may hold the labels, the likeliest first. */
export function guessLabels(columns: readonly ColumnPreview[], rows: number): LabelGuess[] {
  const used = columns.filter(({ kind, role }) => kind !== 'empty' && role !== 'omitted' && role !== 'index');
  if (used.length < 2) return [];
  const last = used.at(-1)!.index;
  const first = used[0]!.index;
  const guesses = used.map(({ index, name, kind, distinct, classes }): LabelGuess => {
    const reasons: string[] = [];
    let score = 0;
    const because = (points: number, reason: string) => {
      score += points;
      reasons.push(reason);
    };
    if (name && NAMES.test(name.trim())) because(SURE.test(name.trim()) ? 8 : 6, `it is called ${JSON.stringify(name)}`);
    const isFew = distinct >= 2 && distinct <= FEW && 2 * distinct <= rows;
    if (kind === 'text' && isFew) because(5, `it has ${distinct} different words`);
    else if (kind === 'boolean') because(4, 'it is true or false');
    else if (kind === 'whole' && isFew) because(distinct <= 10 && isCount(classes) ? 4 : 2, `it has ${distinct} different whole numbers`);
    if (index === last) because(2, 'it is the last column');
    else if (index === first) because(1, 'it is the first column');
    if (kind === 'number') score -= 3;
    if (kind === 'index' || kind === 'date' || distinct === rows || distinct < 2) score -= 6;
    return { column: index, score, reasons };
  });
  const likely = guesses.filter(({ score }) => score > 0);
  return likely.sort((a, b) => b.score - a.score || b.column - a.column);
}

/** Classes that are numbered: 0, 1, … or 1, 2, …. */
function isCount(classes: ColumnPreview['classes']): boolean {
  if (!classes) return false;
  const values = classes.map(({ value }) => Number(value)).sort((a, b) => a - b);
  return (values[0] === 0 || values[0] === 1) && values.every((value, i) => value === values[0]! + i);
}
