import { make, messageOf } from '../dom.js';
import { cellName, parseEps, parseValue } from './settings.js';
import type { Inputs } from './trace.js';

type ArrayName = 'x' | 'dy' | 'gamma' | 'beta';
const ARRAYS = { x: 'x', dy: 'dy, the gradient by y', gamma: 'gamma', beta: 'beta' } as const satisfies Record<ArrayName, string>;

interface Cell {
  input: HTMLInputElement;
  parse(): number;
}

/** The tables in which everything that is given is edited. */
export class Editor {
  readonly #hosts: Record<ArrayName, HTMLElement>;
  readonly #eps: Cell;
  readonly #edited: (inputs: Inputs) => void;
  readonly #refused: (message: string) => void;
  #cells: Record<ArrayName, Cell[]> = { x: [], dy: [], gamma: [], beta: [] };
  #size = { rows: 0, channels: 0 };

  /**
   * @param edited - called with everything once all of it is right.
   * @param refused - called with a sentence that names the cell, and with an empty one once nothing is wrong.
   */
  constructor(hosts: Record<ArrayName, HTMLElement>, eps: HTMLInputElement, edited: (inputs: Inputs) => void, refused: (message: string) => void) {
    this.#hosts = hosts;
    this.#eps = { input: eps, parse: () => parseEps(eps.value) };
    this.#edited = edited;
    this.#refused = refused;
    eps.addEventListener('change', () => this.#read());
  }

  show(inputs: Inputs): void {
    const { rows, channels } = inputs;
    if (rows !== this.#size.rows || channels !== this.#size.channels) this.#build(rows, channels);
    for (const name of Object.keys(ARRAYS) as ArrayName[]) this.#cells[name].forEach((cell, i) => fill(cell, inputs[name][i]));
    fill(this.#eps, inputs.eps);
    this.#refused('');
  }

  focus(name: ArrayName, row: number, column: number): void {
    this.#cells[name][name === 'x' || name === 'dy' ? row * this.#size.channels + column : column].input.focus();
  }

  #build(rows: number, channels: number): void {
    this.#size = { rows, channels };
    for (const name of Object.keys(ARRAYS) as ArrayName[]) {
      const lines = name === 'x' || name === 'dy' ? rows : 1;
      const cells = Array.from({ length: lines * channels }, (_, i) => this.#cell(name, Math.floor(i / channels), i % channels, lines));
      this.#cells[name] = cells;
      const body = Array.from({ length: lines }, (_, row) =>
        make('tr', {}, ...cells.slice(row * channels, (row + 1) * channels).map(({ input }) => make('td', {}, input))));
      this.#hosts[name].replaceChildren(make('table', { class: 'cells' }, make('caption', {}, ARRAYS[name]), make('tbody', {}, ...body)));
    }
  }

  #cell(name: ArrayName, row: number, column: number, lines: number): Cell {
    const where = name === 'x' || name === 'dy' ? `row ${row + 1}, column ${column + 1}` : `column ${column + 1}`;
    const input =
      make('input', { id: `${name}-${row + 1}-${column + 1}`, inputmode: 'decimal', size: '7', autocomplete: 'off', 'aria-label': `${name}, ${where}` });
    input.addEventListener('change', () => this.#read());
    input.addEventListener('keydown', ({ key }) => {
      const next = row + (key === 'ArrowDown' ? 1 : key === 'ArrowUp' ? -1 : 0);
      if (next !== row && next >= 0 && next < lines) this.focus(name, next, column);
    });
    return { input, parse: () => parseValue(cellName(name, row, column), input.value) };
  }

  #read(): void {
    const all = [...Object.values(this.#cells).flat(), this.#eps];
    for (const { input } of all) input.removeAttribute('aria-invalid');
    const numbers: number[] = [];
    for (const { input, parse } of all) {
      try {
        numbers.push(parse());
      } catch (error) {
        input.setAttribute('aria-invalid', 'true');
        this.#refused(messageOf(error)); // the picture stays as it is
        return;
      }
    }
    const take = (length: number) => Float64Array.from(numbers.splice(0, length));
    const { rows, channels } = this.#size;
    const [x, dy, gamma, beta] = [take(rows * channels), take(rows * channels), take(channels), take(channels)];
    this.#refused('');
    this.#edited({ rows, channels, x, dy, gamma, beta, eps: numbers[0] });
  }
}

/** Leaves a text that already says the number. */
function fill({ input, parse }: Cell, value: number): void {
  input.removeAttribute('aria-invalid');
  try {
    if (Object.is(parse(), value)) return;
  } catch {
    // replaced below
  }
  input.value = String(value);
}
