// Claim: a user's activation stands in the kernels' text under names of its own, one element after the other, its lines where they were.
import { describe, expect, it } from 'vitest';
import { ownActivation } from '../../src/shader/activation.js';

const CLASHES = `const activate = 0.5; // params, Value
struct Params { scale: f32, xy: f32 }
fn nan_kept(z: f32) -> f32 { var<function> shift = vec2f(z, activate); let y = shift.x; return y; }
fn value(z: f32) -> f32 { let p = Params(2.0, activate); return p.scale * nan_kept(z) + p.xy; }
fn derivative(z: f32) -> f32 { return 2.0; }`;

const parts = (width: 1 | 2 | 4, across: 'channels' | 'rows' | 'flat') => ownActivation({ name: 'mine', wgsl: CLASHES }, { width, across });

describe('own activation', () => {
  it('every name that the text declares is its own, wherever it is used; a swizzle and another’s word stay', () => {
    const [{ file, text, defines }] = parts(1, 'channels');
    expect(file).toBe('activation "mine"');
    expect(defines).toEqual(['own_value', 'own_derivative']);
    expect(text.split('\n')).toEqual([
      'const own_activate = 0.5; // params, Value',
      'struct own_Params { scale: f32, xy: f32 }',
      'fn own_nan_kept(z: f32) -> f32 { var<function> own_shift = vec2f(z, own_activate); let own_y = own_shift.x; return own_y; }',
      'fn own_value(z: f32) -> f32 { let own_p = own_Params(2.0, own_activate); return own_p.scale * own_nan_kept(z) + own_p.xy; }',
      'fn own_derivative(z: f32) -> f32 { return 2.0; }',
    ]);
  });

  it.each([[1, 'rows', 'own_value(z)'], [2, 'flat', 'Value(own_value(z.x), own_value(z.y))'],
    [4, 'channels', 'Value(own_value(z.x), own_value(z.y), own_value(z.z), own_value(z.w))']] as const)('%i wide, %s', (width, across, called) => {
    const [, { text }] = parts(width, across);
    expect(text).toContain(`fn activate(z: Value) -> Value { return nan_kept(${called}, z); }`);
  });
});
