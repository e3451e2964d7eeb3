// Claim: over 1 000 shapes and 100 000 sets of buffers that all stay alive, plans and bind groups are bounded in number and the heap is flat.
import { test } from 'vitest';
import { expectFlat } from '../kernels/retention.js';

test('1 000 shapes, 100 000 sets of buffers', () => expectFlat(1000, 100_000));
