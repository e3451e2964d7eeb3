/** A shader file, by its path below shaders/. */
export interface Source {
  /** A path below shaders/, or words where it is no file. */
  file: string;
  text: string;
  /** What it defines, where it is taken whole: a text of a user's own. */
  defines?: readonly string[];
}

const texts = import.meta.glob<string>(['../../shaders/**/*.wgsl', '!**/benchmark/**'], { query: '?raw', import: 'default', eager: true });

/** Every shader file of the library but the benchmark's, in the order of their paths. */
export const SOURCES: readonly Source[] = Object.entries(texts).map(([path, text]) => ({ file: path.replace('../../shaders/', ''), text }));

/** The file of that path. */
export function sourceOf(file: string): Source {
  const found = SOURCES.find((source) => source.file === file);
  if (!found) throw new Error(`shaders/${file} does not exist.`);
  return found;
}
