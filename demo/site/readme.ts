import { escapeHtml } from './html.js';

/** The first table of a README's section, with the paragraph before it, both still Markdown. */
export interface TableOfReadme {
  heading: string;
  words: string;
  columns: string[];
  rows: string[][];
}

/** @throws {Error} the README has no such section, or none with a paragraph and a table. */
export function tableOfReadme(readme: string, heading: string): TableOfReadme {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  const blocks = section?.split(/\n{2,}/) ?? [];
  const at = blocks.findIndex((block) => block.startsWith('|'));
  if (at < 2) {
    throw new Error(
      `tableOfReadme: "heading" is "${heading}", needs a section of README.md with a paragraph and a table after it (a page shows them). ` +
        'Write them there, or take the section out of demo/site/plugin.ts and the page.',
    );
  }
  const [columns, , ...rows] = blocks[at]!.trim().split('\n').map((line) => line.replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim()));
  return { heading, words: blocks[at - 1]!.replace(/\n/g, ' '), columns: columns!, rows };
}

const LINK = /\[([^\]]+)\]\(([^)]+)\)/g;

/** The files of the repository that a table links to. */
export function filesLinked({ rows }: TableOfReadme): string[] {
  const links = rows.flat().flatMap((cell) => [...cell.matchAll(LINK)].map(([, , href]) => href!));
  return [...new Set(links.filter((href) => !/^(https:|#)/.test(href)))];
}

/** @param hrefOf - where a file of the repository is read. */
export function renderTable({ heading, words, columns, rows }: TableOfReadme, hrefOf: (file: string) => string): string {
  const inline = (markdown: string) => renderInline(markdown, hrefOf);
  const numeric = columns.map((_, c) => c > 0 && rows.every((row) => /^[\d.]/.test(row[c] ?? '')));
  const opening = (tag: string, c: number, scope = '') => `<${tag}${scope && ` scope="${scope}"`}${numeric[c] ? ' class="number"' : ''}>`;
  const head = columns.map((name, c) => (name ? `${opening('th', c, 'col')}${inline(name)}</th>` : '<td></td>'));
  const body = rows.map(([name, ...cells]) => {
    const rest = cells.map((cell, c) => `${opening('td', c + 1)}${inline(cell)}</td>`);
    return `<tr><th scope="row">${inline(name!)}</th>${rest.join('')}</tr>`;
  });
  return [
    `<p class="note">${inline(words)}</p>`,
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(heading)}">`,
    `<table><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`,
    '</div>',
  ].join('\n');
}

/** Code and links; README.md's tables and the paragraphs before them have no other marks. */
function renderInline(markdown: string, hrefOf: (file: string) => string): string {
  return escapeHtml(markdown)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(LINK, (_, text: string, href: string) => `<a href="${href.startsWith('https:') ? href : hrefOf(href)}">${text}</a>`);
}
