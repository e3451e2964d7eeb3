// Claim: a linked module has what its entry comes to name and nothing else, says where each line stands, and refuses two parts
// that define one name. Control: a function that calls another.
import { describe, expect, it } from 'vitest';
import { alternativesOf, declarationsOf, link, originOf } from '../../src/shader/link.js';

const source = (file: string, text: string) => ({ file, text });
const entry = source('kernels/k.wgsl',
  '// What k does.\n@compute @workgroup_size(SIZE)\nfn main(\n  @builtin(local_invocation_index) i: u32,\n) {\n  store(i, twice(i));\n}\n');
const twice = source('numerics/twice.wgsl',
  '// Twice.\nconst TWO = 2u;   // not 3\n\nfn twice(x: u32) -> u32 {\n  return TWO * x;\n}\n\nfn thrice(x: u32) -> u32 { return 3u * x; }\n');
const generated = source('declarations',
  'const SIZE = 4u;\n@group(0) @binding(1) var<storage, read_write> y: array<u32>;\nfn store(i: u32, value: u32) { y[i] = value; }\nalias Unused = f32;\n');

describe('declarations', () => {
  it('control: of every kind, with their first lines', () => {
    expect(declarationsOf(generated).map(({ names, line }) => [...names, line])).toEqual([['SIZE', 1], ['y', 2], ['store', 3], ['Unused', 4]]);
    expect(declarationsOf(entry).map(({ names, line }) => [...names, line])).toEqual([['main', 2]]);
    expect(declarationsOf(source('a', 'struct Pair {\n  a: u32,   // }\n  b: u32,\n}\nvar<private> p: Pair;\noverride N: u32 = 3;\n'))
      .flatMap(({ names }) => names)).toEqual(['Pair', 'p', 'N']);
  });

  it('what is none is named with its file and line', () => {
    expect(() => declarationsOf(source('a.wgsl', '\nx = 3;\n'))).toThrow('shaders/a.wgsl:2 is no declaration: x = 3;');
    expect(() => declarationsOf(source('a.wgsl', 'fn f() {\n'))).toThrow('shaders/a.wgsl:1 does not end.');
  });
});

describe('link', () => {
  it('control: takes what is named, and what that names, and leaves the rest out', () => {
    const { code } = link(entry, [generated, twice]);
    for (const kept of ['const SIZE', 'var<storage, read_write> y', 'fn store', 'const TWO', 'fn twice', 'fn main']) expect(code).toContain(kept);
    for (const left of ['thrice', 'Unused', 'What k does', '// Twice.']) expect(code).not.toContain(left);
  });

  it('says where each line of the module stands', () => {
    const linked = link(entry, [generated, twice]);
    const lines = linked.code.split('\n');
    const at = (text: string) => originOf(linked, lines.findIndex((line) => line.includes(text)) + 1);
    expect(at('TWO * x')).toBe('shaders/numerics/twice.wgsl:5');
    expect(at('store(i, twice(i))')).toBe('shaders/kernels/k.wgsl:6');
    expect(at('y[i] = value')).toBe('declarations:3');
  });

  it('refuses two parts that define one name, and knows which files are alternatives', () => {
    const other = source('numerics/twice_by_shift.wgsl', 'fn twice(x: u32) -> u32 { return x << 1u; }\n');
    expect(() => link(entry, [generated, twice, other])).toThrow(
      '"twice" of kernels/k.wgsl is defined by numerics/twice.wgsl and by numerics/twice_by_shift.wgsl, needs one of them. Choose it.',
    );
    expect([...alternativesOf([generated, twice, other])].map(({ file }) => file)).toEqual([twice.file, other.file]);
    expect(link(entry, [generated, other]).code).toContain('x << 1u');
  });
});
