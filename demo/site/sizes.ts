import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import { PAGES } from './pages.js';

export interface Weight {
  files: string[];
  bytes: number;
  gzipBytes: number;
}

/** What a built page loads: itself at once, its workers when they start, the rest when it is asked for. */
export interface PageWeight {
  path: string;
  label: string;
  page: Weight;
  workers: Weight;
  later: Weight;
}

const IN_HTML = /<(?:link|script)\b[^>]*?\b(?:src|href)="([^"]+)"/g;
const IMPORTED = /(?:\bfrom|\bimport)\s*["'`](\.{1,2}\/[^"'`]+\.js)["'`]/g;
const STARTED = /new URL\(["'`]([^"'`]+\.js)["'`],\s*import\.meta\.url/g;
const IMPORTED_LATER = /\bimport\(\s*["'`](\.{1,2}\/[^"'`]+\.js)["'`]/g;

/** @param folder - a built site. */
export function weighPages(folder: string): PageWeight[] {
  const read = (file: string) => readFileSync(join(folder, file));
  /** Only files that are there: a page may show code, with addresses in it. */
  const named = (file: string, pattern: RegExp) =>
    [...read(file).toString().matchAll(pattern)].map(([, address]) => posix.join(posix.dirname(file), address!)).filter(
      (found) => existsSync(join(folder, found)),
    );

  /** These files and what they import before they run. */
  const withImports = (files: string[]): string[] => {
    const reached = new Set(files);
    for (const file of reached) if (file.endsWith('.js')) for (const next of named(file, IMPORTED)) reached.add(next);
    return [...reached];
  };
  const weigh = (files: string[]): Weight => ({
    files,
    bytes: sum(files.map((file) => read(file).length)),
    gzipBytes: sum(files.map((file) => gzipSync(read(file)).length)),
  });
  const scripts = (files: string[]) => files.filter((file) => file.endsWith('.js'));

  return PAGES.map(({ path, label }) => {
    const page = withImports([path, ...new Set(named(path, IN_HTML))]);
    const workers = without(page, withImports(scripts(page).flatMap((file) => named(file, STARTED))));
    const known = [...page, ...workers];
    const later = new Set(known);
    for (const file of later) if (file.endsWith('.js')) for (const next of withImports(named(file, IMPORTED_LATER))) later.add(next);
    return { path, label, page: weigh(page), workers: weigh(workers), later: weigh(without(known, [...later])) };
  });
}

/** Prints what each page weighs, once the site is built. */
export function sizesPlugin(): Plugin {
  return {
    name: 'sizes',
    apply: 'build',
    writeBundle({ dir }) {
      this.info(`kB, and gzipped\n${renderSizes(weighPages(dir!))}`);
    },
  };
}

export function renderSizes(weights: readonly PageWeight[]): string {
  const kilobytes = ({ bytes, gzipBytes }: Weight) => (bytes === 0 ? '–' : `${(bytes / 1000).toFixed(1)} (${(gzipBytes / 1000).toFixed(1)})`);
  const rows = weights.map(({ label, page, workers, later }) => `| ${[label, ...[page, workers, later].map(kilobytes)].join(' | ')} |`);
  return ['| page | at once | its workers | on demand, at most |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function without(known: string[], files: string[]): string[] {
  return files.filter((file) => !known.includes(file));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
