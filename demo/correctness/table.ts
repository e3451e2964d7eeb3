import { type Comparison, type Result, resultCells } from '../../src/verify/index.js';
import { formatNumber, formatRatio, make, scrollingTable } from '../dom.js';

const CELLS = ['result', 'name', 'shape', 'against', 'output', 'ratio', 'milliseconds'] as const;

/** The self-test's rows, as they come. */
export class ResultTable {
  readonly #body: HTMLTableSectionElement;
  #rows: HTMLTableRowElement[] = [];
  #filled = 0;

  constructor(body: HTMLTableSectionElement) {
    this.#body = body;
  }

  /** Shows these rows as pending. */
  reset(names: readonly string[]): void {
    this.#filled = 0;
    this.#rows = names.map((name) => this.#emptyRow(name));
    this.#body.replaceChildren(...this.#rows);
    this.#mark(this.#rows[0], 'running');
  }

  /** Fills the next row. The first that failed opens by itself. */
  add(result: Result): void {
    const row = this.#rows[this.#filled++];
    if (!row) return;
    const cells = resultCells(result);
    CELLS.forEach((name, i) => {
      if (name !== 'name') row.cells[i]!.textContent = cells[name];
    });
    this.#mark(row, result.passed ? 'ok' : 'FAIL');
    this.#addDetails(row, result);
    if (this.#rows[this.#filled]) this.#mark(this.#rows[this.#filled], 'running');
  }

  /** Marks what was left when a run was stopped or broke off. */
  leave(): void {
    for (const row of this.#rows.slice(this.#filled)) this.#mark(row, 'not run');
  }

  // Roles are given because the narrow layout takes the cells out of the browser's own table.
  #emptyRow(name: string): HTMLTableRowElement {
    const cells = CELLS.map((cell) => make('td', { role: 'cell', class: cell }, cell === 'name' ? name : ''));
    const row = make('tr', { role: 'row' }, ...cells);
    this.#mark(row, 'pending');
    return row;
  }

  #mark(row: HTMLTableRowElement | undefined, state: string): void {
    if (!row) return;
    row.dataset.result = state;
    row.cells[0]!.textContent = state;
  }

  #addDetails(row: HTMLTableRowElement, result: Result): void {
    const button = make('button', { type: 'button', class: 'expand', 'aria-expanded': 'false' }, result.name);
    let details: HTMLTableRowElement | null = null;
    const toggle = () => {
      details ??= make('tr', { role: 'row', class: 'details' }, make('td', { role: 'cell', colspan: String(CELLS.length) }, ...detailsOf(result)));
      const open = !details.isConnected;
      button.setAttribute('aria-expanded', String(open));
      if (open) row.after(details);
      else details.remove();
    };
    button.addEventListener('click', toggle);
    row.cells[CELLS.indexOf('name')]!.replaceChildren(button);
    if (!result.passed && this.#rows.indexOf(row) === this.#rows.findIndex(({ dataset }) => dataset.result === 'FAIL')) toggle();
  }
}

function detailsOf({ name, passed, detail, comparisons }: Result): Node[] {
  const parts: Node[] = [];
  if (detail) parts.push(make('p', { class: passed ? 'seen' : 'refusal' }, detail));
  if (comparisons.length > 0) parts.push(comparisonTable(`Every output of: ${name}`, comparisons));
  return parts;
}

/** Every output, with its worst element. */
export function comparisonTable(label: string, comparisons: readonly Comparison[]): HTMLElement {
  return scrollingTable(
    label,
    [
      { name: 'output' }, { name: 'elements', numeric: true }, { name: 'beyond', numeric: true }, { name: 'error / bound', numeric: true },
      { name: 'row', numeric: true }, { name: 'channel', numeric: true }, { name: 'got', numeric: true }, { name: 'want', numeric: true },
      { name: 'bound', numeric: true },
    ],
    comparisons.map(({ output, elements, beyond, ratio, row, channel, got, want, bound }) => [
      output, String(elements), String(beyond), formatRatio(ratio), String(row), String(channel), formatNumber(got), formatNumber(want), bound.toExponential(1),
    ]),
    (i) => comparisons[i]!.beyond > 0,
  );
}
