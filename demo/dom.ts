/** The page's element with this id, of this class. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`byId: "${id}" is ${found?.tagName ?? 'missing'}, needs a ${kind.name}. Correct the page's HTML.`);
  return found;
}

/** Makes an element. Text stays text: nothing here reads HTML. */
export function make<T extends keyof HTMLElementTagNameMap>(
  tag: T, attributes: Record<string, string> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[T] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Replaces the terms of a `<dl>`. */
export function fillFacts(list: HTMLDListElement, facts: Record<string, string>): void {
  list.replaceChildren(...Object.entries(facts).map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
}

export interface Column {
  name: string;
  /** Stands to the right. */
  numeric?: boolean;
}

/**
 * A table in a frame that scrolls sideways on its own, by keyboard too, so that the page does not.
 *
 * @param isBad - which rows stand out.
 */
export function scrollingTable(
  label: string, columns: readonly Column[], rows: readonly (readonly string[])[], isBad: (row: number) => boolean = () => false,
): HTMLElement {
  const classOf = (c: number): Record<string, string> => (columns[c]?.numeric ? { class: 'number' } : {});
  const table = make(
    'table', {},
    make('thead', {}, make('tr', {}, ...columns.map(({ name }, c) => make('th', { scope: 'col', ...classOf(c) }, name)))),
    make('tbody', {}, ...rows.map((cells, row) => make('tr', isBad(row) ? { class: 'bad' } : {}, ...cells.map((cell, c) => make('td', classOf(c), cell))))),
  );
  return make('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label }, table);
}

/** Six digits are what f32 holds. */
export function formatNumber(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value);
}

export function formatRatio(ratio: number): string {
  return ratio === 0 ? '0' : ratio.toPrecision(2);
}

/** 2⁻⁶ and the like. */
export function power(base: number, exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
  return `${base}${exponent < 0 ? '⁻' : ''}${digits}`;
}

export function downloadText(file: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  make('a', { href: url, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the download has read it by then
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Copies a report to the clipboard, or lays it out selected where there is none without https or the browser
 * refuses it. Gives the sentence that says which. The page has #copy-fallback around #copy-text.
 */
export async function copyReport(format: string, text: string): Promise<string> {
  const fallback = byId('copy-fallback', HTMLElement);
  try {
    await navigator.clipboard.writeText(text);
    fallback.hidden = true;
    return `The report is copied as ${format}.`;
  } catch {
    const area = byId('copy-text', HTMLTextAreaElement);
    fallback.hidden = false;
    area.value = text;
    area.focus();
    area.select();
    return 'The browser refused the clipboard. The text below is selected: copy it from there.';
  }
}
