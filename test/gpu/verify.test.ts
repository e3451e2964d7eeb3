// Claim: every row of the self-test passes on this adapter (that it could not pass wrongly: spoiled.test.ts).
import { afterEach, describe, expect, it } from 'vitest';
import { openBackend } from '../../src/index.js';
import { adapterLine, verify, verifyNames } from '../../src/verify/index.js';
import { takeErrors } from './harness.js';

afterEach(() => expect(takeErrors()).toEqual([]));

describe('self-test', () => {
  it('control: every row of the table passes', async () => {
    const backend = await openBackend({ gpu: navigator.gpu, fallback: 'throw' });
    const report = await verify(backend);
    console.info(`self-test on ${adapterLine(report.adapter!)}: ${report.passed} passed, ${report.failed} failed, order ${report.order}`);
    expect(report.results.filter(({ passed }) => !passed).map(({ name, detail }) => `${name}: ${detail}`)).toEqual([]);
    expect(report.results.map(({ name }) => name)).toEqual(verifyNames('gpu'));
    expect(report.passed).toBeGreaterThan(60);
    backend.dispose();
  });
});
