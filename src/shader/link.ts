import type { Source } from './sources.js';

/** A module's text, and where its lines came from. */
export interface Linked {
  code: string;
  /** In the order of the text: from `firstLine` of the module on stand the lines of `file` from `line` on, both counted from 1. */
  origins: { file: string; firstLine: number; line: number }[];
}

/** A function, type, constant or variable of a module. */
interface Declaration {
  names: readonly string[];
  text: string;
  line: number;
  /** Every word in it; some may name other declarations. */
  words: readonly string[];
}

const NAMED = /\b(?:fn|struct|alias|const|override|var(?:<[^>]*>)?)\s+(\w+)/;

const known = new WeakMap<Source, readonly Declaration[]>();

/** The declarations of a text, in order; comments between them are left out. */
export function declarationsOf(source: Source): readonly Declaration[] {
  let found = known.get(source);
  if (!found) known.set(source, (found = source.defines ? [wholeOf(source, source.defines)] : parse(source)));
  return found;
}

const wordsOf = (code: string): readonly string[] => [...new Set(code.match(/[A-Za-z_]\w*/g))];

const wholeOf = ({ text }: Source, names: readonly string[]): Declaration => ({ names, text, line: 1, words: wordsOf(text.replace(/\/\/.*/g, '')) });

function parse({ file, text }: Source): Declaration[] {
  const found: Declaration[] = [];
  let lines: string[] = [];
  let first = 0;
  let depth = 0;
  text.split('\n').forEach((line, i) => {
    const code = line.replace(/\/\/.*/, '');
    if (lines.length === 0 && code.trim() === '') return;
    if (lines.length === 0) first = i + 1;
    lines.push(line);
    for (const letter of code) depth += '({'.includes(letter) ? 1 : ')}'.includes(letter) ? -1 : 0;
    if (depth > 0 || !/[;}]\s*$/.test(code)) return; // an attribute's line, or the middle
    const whole = lines.join('\n');
    const bare = whole.replace(/\/\/.*/g, '');
    const name = NAMED.exec(bare)?.[1];
    if (!name) throw new Error(`shaders/${file}:${first} is no declaration: ${bare.split('\n')[0]}`);
    found.push({ names: [name], text: whole, line: first, words: wordsOf(bare) });
    lines = [];
  });
  if (lines.length > 0) throw new Error(`shaders/${file}:${first} does not end.`);
  return found;
}

/** Files that define a name which another one defines too, of which a text takes at most one. */
export function alternativesOf(sources: readonly Source[]): ReadonlySet<Source> {
  const definers = new Map<string, Source[]>();
  for (const source of sources) {
    for (const name of declarationsOf(source).flatMap(({ names }) => names)) definers.set(name, [...(definers.get(name) ?? []), source]);
  }
  return new Set([...definers.values()].filter((several) => several.length > 1).flat());
}

/**
 * The module of an entry file: its declarations, and those of the parts that they come to name, whatever they name in turn.
 *
 * @param parts - what may be named; of the parts that define one name exactly one.
 * @throws {Error} two parts define a name.
 */
export function link(entry: Source, parts: readonly Source[]): Linked {
  const sources = [...parts, entry];
  const found = new Map<string, { declaration: Declaration; source: Source }>();
  for (const source of sources) {
    for (const declaration of declarationsOf(source)) {
      for (const name of declaration.names) {
        const other = found.get(name);
        if (other) throw new Error(`"${name}" of ${entry.file} is defined by ${other.source.file} and by ${source.file}, needs one of them. Choose it.`);
        found.set(name, { declaration, source });
      }
    }
  }
  const used = new Set(declarationsOf(entry));
  for (const { words } of used) {
    for (const word of words) {
      const named = found.get(word);
      if (named) used.add(named.declaration);
    }
  }
  const origins: Linked['origins'] = [];
  let code = '';
  let lines = 1;
  for (const source of sources) {
    for (const declaration of declarationsOf(source)) {
      if (!used.has(declaration)) continue;
      origins.push({ file: source.file, firstLine: lines, line: declaration.line });
      code += `${declaration.text}\n`;
      lines += declaration.text.split('\n').length;
    }
  }
  return { code, origins };
}

/** Where a module's line stands: `shaders/FILE:LINE`, or `activation "NAME":LINE` of a user's own. */
export function originOf({ origins }: Linked, moduleLine: number): string {
  const { file, firstLine, line } = origins.findLast((origin) => origin.firstLine <= moduleLine) ?? origins[0];
  return `${file.endsWith('.wgsl') ? 'shaders/' : ''}${file}:${moduleLine - firstLine + line}`;
}
