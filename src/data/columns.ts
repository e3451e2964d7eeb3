import type { Heading } from './header.js';
import type { OddCell, Survey } from './survey.js';

/** `whole`: numbers without decimals. `index`: numbers or words of their own for each row, that count or name the rows. */
export type ColumnKind = 'number' | 'whole' | 'boolean' | 'date' | 'text' | 'index' | 'empty';

export interface Column {
  /** In the file, from 0. */
  index: number;
  /** Null where the file has no header, empty where the header leaves it out. */
  name: string | null;
  kind: ColumnKind;
  /** Plain numbers in it. */
  numbers: number;
  /** Cells without a value. */
  missing: number;
  /** Cells that do not go with its kind: the number, and the first. */
  odd: number;
  firstOdd: OddCell | null;
  firstMissing: OddCell | null;
  /** Grouped digits, that are read as numbers. */
  grouped: OddCell | null;
  /** Digits in groups that may be a decimal number as well. */
  ambiguous: OddCell | null;
  /** The running number of rows starts at this value. */
  runsFrom: number | null;
}

/** What each column is, by all its cells. */
export function columnsOf(survey: Survey, { names, width }: Heading): Column[] {
  const tallies = Array.from({ length: width }, () => ({
    missing: 0, booleans: 0, dates: 0, others: 0, grouped: 0, infinite: 0, quoted: 0,
    firstMissing: null as OddCell | null, firstOther: null as OddCell | null, firstBoolean: null as OddCell | null, firstWord: null as OddCell | null,
    firstGrouped: null as OddCell | null, firstAmbiguous: null as OddCell | null,
  }));
  for (const odd of survey.odd()) {
    const tally = tallies[odd.column]!;
    switch (odd.cell.kind) {
      case 'number':
        break; // kept as text because it may be a label
      case 'missing':
        tally.missing++;
        tally.firstMissing ??= odd;
        break;
      case 'boolean':
        tally.booleans++;
        tally.firstBoolean ??= odd;
        break;
      case 'grouped':
        tally.grouped++;
        tally.firstGrouped ??= odd;
        if (odd.cell.isAmbiguous) tally.firstAmbiguous ??= odd;
        break;
      case 'infinite':
      case 'overflow':
        tally.infinite++;
        tally.firstOther ??= odd;
        break;
      case 'date':
        tally.dates++;
        tally.firstWord ??= odd;
        tally.firstOther ??= odd;
        break;
      default:
        tally.others++;
        tally.firstWord ??= odd;
        tally.firstOther ??= odd;
    }
  }
  return tallies.map((tally, index): Column => {
    const numbers = survey.rows - tally.missing - tally.booleans - tally.dates - tally.others - tally.grouped - tally.infinite;
    const usable = numbers + tally.grouped;
    const { missing, booleans, dates, others, infinite } = tally;
    const words = dates + others;
    const shared = {
      index, name: names ? names[index]! : null, numbers, missing, firstMissing: tally.firstMissing, grouped: tally.firstGrouped,
      ambiguous: tally.firstAmbiguous,
    };
    const column = (kind: ColumnKind, odd: number, firstOdd: OddCell | null, runsFrom: number | null = null): Column =>
      ({ ...shared, kind, odd, firstOdd, runsFrom });
    if (usable + words + booleans + infinite === 0) return column('empty', 0, null);
    if (booleans > 0 && usable + words === 0) return column('boolean', infinite, tally.firstOther);
    if (words + booleans > usable + infinite) {
      return column(dates > others ? 'date' : 'text', words, tally.firstWord ?? tally.firstBoolean);
    }
    const firstOdd = earlier(tally.firstOther, tally.firstBoolean);
    const runsFrom = firstOdd || missing > 0 ? null : runsOf(survey, index);
    return column(runsFrom === null ? (isWhole(survey, index) ? 'whole' : 'number') : 'index', words + booleans + infinite, firstOdd, runsFrom);
  });
}

function earlier(one: OddCell | null, other: OddCell | null): OddCell | null {
  if (!one || !other) return one ?? other;
  return one.row <= other.row ? one : other;
}

/** The first of numbers that go up by one from 0 or 1, over at least three rows; else null. */
function runsOf({ rows, width, values }: Survey, column: number): number | null {
  const { array } = values;
  const first = array[column]!;
  if (rows < 3 || (first !== 0 && first !== 1)) return null;
  for (let row = 1; row < rows; row++) if (array[row * width + column] !== first + row) return null;
  return first;
}

function isWhole({ rows, width, values }: Survey, column: number): boolean {
  const { array } = values;
  for (let row = 0; row < rows; row++) {
    const value = array[row * width + column]!;
    if (value === value && !Number.isInteger(value)) return false;
  }
  return true;
}

/** Whether each row has a number of its own there. */
export function isDistinct({ rows, width, values }: Survey, column: number): boolean {
  const { array } = values;
  const seen = new Set<number>();
  for (let row = 0; row < rows; row++) seen.add(array[row * width + column]!);
  return seen.size === rows;
}
