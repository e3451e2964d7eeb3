/** A value that Python wrote: what the headers of .npy files are made of. */
export type PythonValue = string | number | boolean | null | PythonValue[] | Map<string, PythonValue>;

const MAX_DEPTH = 20;

/**
 * Reads a Python literal: dict, tuple, list, string in either quote, integer, True, False, None. Null for anything else.
 * Linear in the text.
 */
export function parsePython(text: string): { value: PythonValue } | null {
  const reader = new Reader(text);
  try {
    const value = reader.value(0);
    reader.skipBlanks();
    return reader.at === text.length ? { value } : null;
  } catch (error) {
    if (error instanceof NoLiteral) return null;
    throw error;
  }
}

class NoLiteral extends Error {}

class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): PythonValue {
    if (depth > MAX_DEPTH) throw new NoLiteral();
    this.skipBlanks();
    const text = this.#text;
    const first = text[this.at];
    if (first === '{') return this.#dict(depth);
    if (first === '(') return this.#list(')', depth);
    if (first === '[') return this.#list(']', depth);
    if (first === "'" || first === '"') return this.#string(first);
    const from = this.at;
    while (this.at < text.length && /[\w+-]/.test(text[this.at]!)) this.at++;
    const word = text.slice(from, this.at);
    if (word === 'True') return true;
    if (word === 'False') return false;
    if (word === 'None') return null;
    if (!/^-?\d+L?$/.test(word)) throw new NoLiteral(); // 3L is Python 2's
    return Number.parseFloat(word);
  }

  skipBlanks(): void {
    while (this.at < this.#text.length && ' \t\r\n\0'.includes(this.#text[this.at]!)) this.at++;
  }

  /** Whether `mark` stands next; passes over it. */
  #takes(mark: string): boolean {
    this.skipBlanks();
    if (this.#text[this.at] !== mark) return false;
    this.at++;
    return true;
  }

  #needs(mark: string): void {
    if (!this.#takes(mark)) throw new NoLiteral();
  }

  #dict(depth: number): PythonValue {
    this.at++;
    const values = new Map<string, PythonValue>();
    while (!this.#takes('}')) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new NoLiteral();
      this.#needs(':');
      values.set(key, this.value(depth + 1));
      if (!this.#takes(',')) {
        this.#needs('}');
        break;
      }
    }
    return values;
  }

  /** A tuple of one without a comma is that one in brackets. */
  #list(end: string, depth: number): PythonValue {
    this.at++;
    const values: PythonValue[] = [];
    let hasComma = false;
    while (!this.#takes(end)) {
      values.push(this.value(depth + 1));
      if (!this.#takes(',')) {
        this.#needs(end);
        break;
      }
      hasComma = true;
    }
    return end === ')' && values.length === 1 && !hasComma ? values[0]! : values;
  }

  #string(quote: string): string {
    const close = this.#text.indexOf(quote, this.at + 1);
    if (close < 0) throw new NoLiteral();
    const text = this.#text.slice(this.at + 1, close);
    if (text.includes('\n')) throw new NoLiteral();
    this.at = close + 1;
    return text;
  }
}
