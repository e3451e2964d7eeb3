import { paramsWgsl } from '../plan/params.js';
import type { Tile } from '../plan/tiles.js';
import { type BufferName, type Element, type Kernel, type Variant, bindingsOf, standsIn } from './kernels.js';

const isFlat = ({ tile }: Variant): boolean => tile.across === 'flat';
const isMasked = ({ absent }: Variant): boolean => !(absent.includes('mask') && absent.includes('validRows'));
const has = ({ absent }: Variant, name: BufferName): boolean => !absent.includes(name);

/** What a kernel's text takes from its variant: types, constants, the uniform block, its buffers and how they are read and written. */
export function declarations(kernel: Kernel, variant: Variant): string {
  const { slope } = variant.activation;
  const constants = constantsWgsl(variant.tile) + (slope === undefined ? '' : `const SLOPE = ${wgslFloat(slope)};\n`);
  let text = constants + typesWgsl(variant.tile, isMasked(variant)) + paramsWgsl() + '@group(0) @binding(0) var<uniform> params: Params;\n';
  bindingsOf(variant).forEach(({ name, access, element }, i) => {
    const mode = access === 'read' ? 'read' : 'read_write';
    text += `@group(0) @binding(${i + 1}) var<storage, ${mode}> ${snakeCase(name)}: array<${stored(element, name, variant)}>;\n`;
  });
  for (const { name, access, element, absent: missing } of kernel.bindings) {
    if (element === 'Mask') continue;
    const present = has(variant, name);
    const buffer = snakeCase(standsIn(variant, name) ?? name);
    const index = element === 'Value' ? 'u32' : 'Index';
    if (access !== 'write') {
      text += `fn load_${snakeCase(name)}(i: ${index}) -> ${element} { return ${present ? loaded(buffer, element, variant) : missing}; }\n`;
    }
    if (access !== 'read' && !(isFlat(variant) && element !== 'Value')) {
      text += `fn store_${snakeCase(name)}(i: u32, value: ${element}) {${present ? ` ${saved(buffer, element, variant)} ` : ''}}\n`;
    }
  }
  if (kernel.bindings.some(({ name }) => name === 'residual')) {
    text += `fn add_residual(z: Value, i: u32) -> Value { return z${has(variant, 'residual') ? ' + load_residual(i)' : ''}; }\n`;
  }
  return kernel.bindings.some(({ element }) => element === 'Mask') ? text + validAt(variant) : text;
}

/** Threads of a group, and whether a software adapter, which hides no loads behind others and is quicker with shorter code, is not meant. */
export function constantsWgsl({ groupSize, unrolled }: Tile): string {
  return `const GROUP_SIZE = ${groupSize}u;\nconst UNROLLED = ${unrolled};\n`;
}

/** The type of an array's entries. */
function stored(element: Element, name: BufferName, { tile, storage }: Variant): string {
  const wideRows = tile.across === 'rows' && tile.width === 4;
  if (element === 'Mask') return wideRows && name === 'mask' ? 'vec4u' : 'u32';
  if (tile.across === 'flat' && element !== 'Value') return element === 'Word' ? 'u32' : 'f32';
  if (element !== 'Value' || storage === 'f32') return element;
  return tile.width === 4 ? 'vec2u' : 'u32';
}

function loaded(buffer: string, element: Element, { tile, storage }: Variant): string {
  if (element !== 'Value') return tile.across === 'flat' ? `${element}(${buffer}[i.x], ${buffer}[i.y])` : `${buffer}[i]`;
  if (storage === 'f32') return `${buffer}[i]`;
  if (tile.across === 'flat') return `unpack_pair(${buffer}[i])`;
  if (tile.width === 4) return `vec4f(unpack_pair(${buffer}[i].x), unpack_pair(${buffer}[i].y))`;
  return `unpack_pair(${buffer}[i / 2u])[i % 2u]`;
}

function saved(buffer: string, element: Element, { tile, storage }: Variant): string {
  if (element !== 'Value' || storage === 'f32') return `${buffer}[i] = value;`;
  if (tile.width === 4) return `${buffer}[i] = vec2u(pack_pair(value.xy), pack_pair(value.zw));`;
  const whole = 'pack_pair(value)'; // padding stays as it is, and is read only where there is some: select would read every word
  return `if (i == params.flat_odd) { ${buffer}[i] = (${whole} & 0xffffu) | (${buffer}[i] & 0xffff0000u); } else { ${buffer}[i] = ${whole}; }`;
}

/** Which of a Value's rows count, and a Value that is 0 in the others. */
function validAt(variant: Variant): string {
  const { tile } = variant;
  const wide = tile.across === 'rows' && tile.width === 4;
  let valid = 'Valid(true)';
  if (has(variant, 'mask')) {
    valid = tile.across === 'flat' ? 'vec2u(mask[rows.x], mask[rows.y]) != vec2u()' : wide ? 'mask[rows] != vec4u()' : 'mask[rows] != 0u';
  } else if (has(variant, 'validRows')) {
    valid = tile.across === 'flat' ? 'rows < vec2u(valid_rows[0])'
      : wide ? '(vec4u(4u * rows) + vec4u(0u, 1u, 2u, 3u)) < vec4u(valid_rows[0])' : 'rows < valid_rows[0]';
  }
  const kept = isMasked(variant) ? 'select(Value(), value, valid)' : 'value'; // no compiler has to see that a select does nothing
  return `fn valid_at(rows: Rows) -> Valid { return ${valid}; }\nfn where_valid(value: Value, valid: Valid) -> Value { return ${kept}; }\n`;
}

/**
 * A Value is what a thread loads at once, a Channel one number for each channel in it. Channels-last a Value's
 * elements are of different channels and the two are one; channels-first they are rows of one channel, to be summed;
 * flat they are whatever stands in a word, each with a channel and a row of its own. Valid says which of a Value's rows count;
 * where all do it is one true, which compilers fold (SwiftShader does not fold a vector of them).
 */
function typesWgsl({ width, across }: Tile, masked: boolean): string {
  if (across === 'flat') {
    return (
      'alias Value = vec2f;\nalias ValueWord = vec2u;\nalias Channel = vec2f;\nalias Word = vec2u;\n' +
      'alias Index = vec2u;\nalias Rows = vec2u;\n' + `alias Valid = ${masked ? 'vec2<bool>' : 'bool'};\n`
    );
  }
  const wide = width === 4;
  const perChannel = across === 'channels' && wide;
  const summed = across === 'rows' && wide;
  const each = summed && masked; // row for row
  return (
    `alias Value = ${wide ? 'vec4f' : 'f32'};\nalias ValueWord = ${wide ? 'vec4u' : 'u32'};\n` +
    `alias Channel = ${perChannel ? 'vec4f' : 'f32'};\nalias Word = ${perChannel ? 'vec4u' : 'u32'};\n` +
    `alias Index = u32;\nalias Rows = u32;\nalias Valid = ${each ? 'vec4<bool>' : 'bool'};\n` +
    `const VALUES = ${summed ? 4 : 1}u;\n` + // rows of a channel in a Value
    `fn sum_of(value: Value) -> Channel { return ${summed ? '(value.x + value.y) + (value.z + value.w)' : 'value'}; }\n` +
    `fn first_of(value: Value) -> Channel { return value${summed ? '.x' : ''}; }\n` +
    `fn first_valid(value: Value, valid: Valid) -> Channel { return ${
      each ? 'select(select(select(value.w, value.z, valid.z), value.y, valid.y), value.x, valid.x)' : 'first_of(value)'}; }\n` +
    `fn count_valid(valid: Valid) -> u32 { return ${each ? '(u32(valid.x) + u32(valid.y)) + (u32(valid.z) + u32(valid.w))' : 'VALUES * u32(valid)'}; }\n` +
    `fn count_of(word: Word) -> u32 { return word${perChannel ? '.x' : ''}; }\n`
  );
}

/** A literal of exactly that f32. */
const wgslFloat = (value: number): string => (/[.e]/.test(String(value)) ? String(value) : `${value}.0`);

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
