import { ownActivation } from './activation.js';
import { declarations } from './declarations.js';
import { KERNELS, type Kernel, OWN_ACTIVATION, type Variant } from './kernels.js';
import { type Linked, alternativesOf, link } from './link.js';
import { SOURCES, type Source, sourceOf } from './sources.js';

let alternatives: ReadonlySet<Source> | undefined;

/** Whatever a kernel may name. */
const partsOf = (): readonly Source[] => SOURCES.filter(({ file }) => !file.startsWith('kernels/'));

/** The parts that a variant's kernel may name: of those that define the same names, the ones it chooses. */
export function partsInScope(variant: Variant): readonly Source[] {
  const kernel: Kernel = KERNELS[variant.kernel];
  const halves = variant.storage !== 'f32' && kernel.bindings.some(({ element }) => element === 'Value');
  const choices: readonly string[] = kernel.choices(variant);
  const files = [...choices.filter((name) => name !== OWN_ACTIVATION), ...(halves ? [`storage/storage_${variant.storage}`] : [])];
  const chosen = files.map((name) => sourceOf(`${name}.wgsl`));
  alternatives ??= alternativesOf(partsOf());
  const own = choices.includes(OWN_ACTIVATION) ? ownActivation(variant.activation, variant.tile) : [];
  return [...partsOf().filter((part) => !alternatives!.has(part) || chosen.includes(part)), ...own];
}

/** The module of a variant: its kernel, the parts it comes to name, and what its buffers and tile declare. */
export function variantText(variant: Variant): Linked {
  const generated: Source = { file: 'declarations', text: declarations(KERNELS[variant.kernel], variant) };
  return link(sourceOf(`kernels/${variant.kernel}.wgsl`), [generated, ...partsInScope(variant)]);
}
