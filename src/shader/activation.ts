import type { ResolvedActivation } from '../core/activations.js';
import type { Tile } from '../plan/tiles.js';
import type { Source } from './sources.js';

/** What stands before every name of a user's text, so that none is one of this library's. */
const OWN = 'own_';

/** The names that a text declares, at its top or within. */
const DECLARED = /\b(?:fn|struct|alias|const|override|let|var(?:\s*<[^>]*>)?)\s+([A-Za-z_]\w*)/g;
/** A member that is a swizzle, which belongs to no struct of the text's. */
const SWIZZLE = /^(?:[xyzw]{1,4}|[rgba]{1,4})$/;

/** A user's activation as parts: their text under names of its own, and what the kernels call, one element after the other. */
export function ownActivation({ name, wgsl = '' }: Pick<ResolvedActivation, 'name' | 'wgsl'>, { width, across }: Pick<Tile, 'width' | 'across'>): Source[] {
  const declared = new Set([...wgsl.replace(/\/\/.*/g, '').matchAll(DECLARED)].map(([, word]) => word));
  const text = wgsl.replace(/(\.\s*)?\b([A-Za-z_]\w*)/g, (whole, dot: string | undefined, word: string) =>
    declared.has(word) && !(dot && SWIZZLE.test(word)) ? `${dot ?? ''}${OWN}${word}` : whole);
  const elements = across === 'flat' ? ['x', 'y'] : width === 4 ? ['x', 'y', 'z', 'w'] : [];
  const each = (f: string) => (elements.length > 0 ? `Value(${elements.map((element) => `${OWN}${f}(z.${element})`).join(', ')})` : `${OWN}${f}(z)`);
  return [
    { file: `activation "${name}"`, text, defines: [`${OWN}value`, `${OWN}derivative`] },
    {
      file: `activation "${name}" called`,
      text: `const ACTIVATED = true;
fn activate(z: Value) -> Value { return nan_kept(${each('value')}, z); }
fn activate_gradient(z: Value, dy: Value) -> Value { return nan_kept(${each('derivative')} * dy, z); }
`,
    },
  ];
}
