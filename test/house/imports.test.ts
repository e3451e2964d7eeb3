// Claim: no file imports what its room may not (rooms.ts), and none imports itself through others; types count.
// Control: imports of every form are read, and what breaks a row is named with its file and its import.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, filesOf } from './files.js';
import { arrowsUp, circles, importsOf } from './imports.js';
import { FRONT, HOUSE } from './rooms.js';

const sources = new Map([...filesOf('.ts')].filter(([path]) => /^(src|demo)\//.test(path)));
const made = (files: Record<string, string>) => importsOf(new Map(Object.entries(files)));

describe('what is read', () => {
  it('control: every form of import, and none in a comment', () => {
    const text = [
      `import type { A } from './a.js';`, `import {\n  b,\n  type C,\n} from "../plan/b.js";`, `export * from './c.js';`,
        `import text from '../../shaders/d.wgsl?raw';`,
      `import './e.css';`, `const f = await import('f');`, `let g: typeof import('../g.js');`, `new Worker(new URL('./worker.ts', import.meta.url));`,
      ` * import { x } from './comment.js';`, `// import './comment.js';`, `Array.from('0123456789');`,
    ].join('\n');
    expect(made({ 'src/kernels/own.ts': text }).map(({ target, written }) => target ?? written).sort()).toEqual([
      'f', 'shaders/d.wgsl', 'src/g.ts', 'src/kernels/a.ts', 'src/kernels/c.ts', 'src/kernels/e.css', 'src/kernels/worker.ts', 'src/plan/b.ts',
    ]);
  });

  it('every import of this repository leads to a file that is there', () => {
    const lost = importsOf(sources).filter(({ target }) => target && !existsSync(join(ROOT, target)));
    expect(lost).toEqual([]);
    expect(importsOf(sources).length).toBeGreaterThan(500);
  });
});

describe('arrows', () => {
  it.each([
    ['a room above', 'src/plan/a.ts', '../kernels/table.js', `src/plan/a.ts imports '../kernels/table.js', of kernels, which plan may not`],
    ['past a front door', 'demo/graph/a.ts', '../../src/data/csv.js', `demo/graph/a.ts imports '../../src/data/csv.js', of data, which demo may not`],
    ['the tests', 'src/verify/a.ts', '../../test/gpu/harness.js', `src/verify/a.ts imports '../../test/gpu/harness.js', of no room, which verify may not`],
    ['a package', 'src/layer/a.ts', 'node:fs', `src/layer/a.ts imports the package 'node:fs', which layer may not`],
    ['from no room', 'src/new/a.ts', '../plan/plan.js', 'src/new/a.ts is in no room of the table'],
  ])('control: %s is named', (_, file, written, sentence) => {
    expect(arrowsUp(made({ [file]: `import type { A } from '${written}';` }), HOUSE, FRONT)).toEqual([sentence]);
  });

  it('none leads up', () => expect(arrowsUp(importsOf(sources), HOUSE, FRONT)).toEqual([]));
});

describe('circles', () => {
  it('control: of two files and of three, named', () => {
    const files =
      { 'a.ts': `import './b.js';`, 'b.ts': `import type { A } from './a.js';\nimport './c.js';`, 'c.ts': `import './d.js';`, 'd.ts': `import './b.js';` };
    expect(circles(made(files))).toEqual(['a.ts → b.ts → a.ts', 'b.ts → c.ts → d.ts → b.ts']);
  });

  it('there is none', () => expect(circles(importsOf(sources))).toEqual([]));
});
