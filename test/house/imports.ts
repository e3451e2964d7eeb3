import { posix } from 'node:path';
import type { Room } from './rooms.js';

/** One file names another, or a package; a type alone is an import too. */
export interface Import {
  file: string;
  /** As it is written. */
  written: string;
  /** The file, by its path from the top; null where it is a package. */
  target: string | null;
}

const IMPORTS = [
  /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^import\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*(?:\/\*.*?\*\/\s*)?['"]([^'"]+)['"]\s*\)/g,
  /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url\s*\)/g, // a worker
];

const withoutComments = (text: string): string => text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');

/** The imports of files, by path and text. */
export function importsOf(files: ReadonlyMap<string, string>): Import[] {
  return [...files].flatMap(([file, text]) => {
    const code = withoutComments(text);
    const written = IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name]) => name));
    return [...new Set(written)].map((name) => ({ file, written: name, target: targetOf(file, name) }));
  });
}

function targetOf(file: string, written: string): string | null {
  if (!written.startsWith('.')) return null;
  const path = posix.join(posix.dirname(file), written.replace(/\?\w+$/, ''));
  return path.replace(/\.js$/, '.ts');
}

/** Sentences, one for each import that no row of the table allows. */
export function arrowsUp(imports: readonly Import[], house: Readonly<Record<string, Room>>, front: readonly string[]): string[] {
  const roomOf = (path: string) =>
    Object.entries(house).filter(([, { at }]) => path.startsWith(at)).sort(([, a], [, b]) => b.at.length - a.at.length)[0]?.[0];
  return imports.flatMap(({ file, written, target }) => {
    const own = roomOf(file);
    if (!own) return [`${file} is in no room of the table`];
    const { rooms, packages = [] } = house[own];
    if (target === null) return packages.some((name) => written.startsWith(name)) ? [] : [`${file} imports the package '${written}', which ${own} may not`];
    const room = roomOf(target);
    if (room === own || (room && rooms.includes(room)) || (rooms.includes('front') && front.includes(target))) return [];
    return [`${file} imports '${written}', of ${room ?? 'no room'}, which ${own} may not`];
  });
}

/** Each circle once: the files of it, in the order in which they import. */
export function circles(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { file, target } of imports) if (target) targets.set(file, [...(targets.get(file) ?? []), target]);
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, above: string[]): void => {
    const from = above.indexOf(file);
    if (from >= 0) found.push([...above.slice(from), file].join(' → '));
    if (from >= 0 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) walk(target, [...above, file]);
    done.add(file);
  };
  for (const file of targets.keys()) walk(file, []);
  return found;
}
