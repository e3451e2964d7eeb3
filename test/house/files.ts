import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** What this repository holds but did not write. */
const NOT_OURS = ['node_modules', 'dist', '.git', 'test/artifacts', 'package-lock.json', 'src/verify/figures/pytorch.json'];

/** Every file written here whose name ends so, by its path from the top with `/`, and its text. */
export function filesOf(...endings: string[]): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = relative(ROOT, join(folder, entry.name)).split(sep).join('/');
      if (NOT_OURS.includes(path)) continue;
      if (entry.isDirectory()) walk(join(ROOT, path));
      else if (endings.some((ending) => path.endsWith(ending))) files.set(path, readFileSync(join(ROOT, path), 'utf8'));
    }
  };
  walk(ROOT);
  return files;
}
