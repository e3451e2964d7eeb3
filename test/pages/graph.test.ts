// Claim: the graph page shows the reference's numbers, node by node, for whatever is edited or linked, and says what ran the layer.
// Control: what is not computed yet is not shown, and a wrong entry changes nothing.
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compact } from '../../demo/graph/format.js';
import { drawn } from '../../demo/graph/presets.js';
import { type StagedBackward, backwardStaged } from '../../src/reference/index.js';
import { launch, openPage, overflow, screenshot, share } from './site.js';

const PAGE = 'demo/graph/index.html';
const FIRST = drawn('random', 1, 4, 3);

const shared = share('gpu', 'plain');

async function open(where: Browser, query = '', options: BrowserContextOptions = {}, base = shared.site.url) {
  const opened = await openPage(where, options);
  await opened.page.goto(`${base}${PAGE}${query}`);
  await settle(opened.page);
  return opened;
}

/** What the library's layer has to say is said. */
async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => ['ready', 'error'].includes(document.documentElement.dataset.state!));
}

/** The cells of every node, as they are read. */
function cells(page: Page): Promise<Record<string, { value: string[]; gradient: string[]; caption: string }>> {
  return page.$$eval('[data-node]', (nodes) => Object.fromEntries(nodes.map((node) => {
    const read = (kind: string) => [...node.querySelectorAll(`.grid.${kind} text`)].map((text) => text.textContent!);
    return [(node as SVGElement).dataset.node!, { value: read('value'), gradient: read('gradient'), caption: node.querySelector('.caption')!.textContent! }];
  })));
}

function reference(inputs: typeof FIRST): StagedBackward {
  return backwardStaged(inputs, { rows: inputs.rows, channels: inputs.channels }, inputs.eps);
}

const shown = (array: Float64Array) => Array.from(array, compact);

/** In the order in which the steps compute them, and the gradients come back. */
const FORWARD = ['mean', 'centered', 'squared', 'variance', 'std', 'invStd', 'xHat', 'scaled', 'y'] as const;
const RETURNS = { scaled: 10, xHat: 11, invStd: 12, std: 13, variance: 14, squared: 15, centered: 16, mean: 17, x: 18 } as const;

async function expectStep(page: Page, step: number, inputs = FIRST): Promise<void> {
  const found = await cells(page);
  const { values, gradients, dgamma, dbeta } = reference(inputs);
  const none = (length: number) => Array.from({ length }, () => '·');
  FORWARD.forEach((name, i) => expect(found[name].value, `${name} at ${step}`).toEqual(step >= i + 1 ? shown(values[name]) : none(values[name].length)));
  expect(found.x.value).toEqual(shown(inputs.x));
  for (const [name, returned] of Object.entries(RETURNS) as [keyof typeof RETURNS, number][]) {
    const want = gradients[`d${name}`];
    if (step >= returned) expect(found[name].gradient, `d${name} at ${step}`).toEqual(shown(want));
    else if (!(name === 'centered' && step >= 12) && !(name === 'x' && step >= 17)) {
      expect(found[name].gradient, `d${name} at ${step}`).toEqual(none(want.length));
    }
  }
  expect(found.gamma.gradient, `dgamma at ${step}`).toEqual(step >= 11 ? shown(dgamma) : none(dgamma.length));
  expect(found.beta.gradient, `dbeta at ${step}`).toEqual(step >= 10 ? shown(dbeta) : none(dbeta.length));
  expect(found.y.gradient, `dy at ${step}`).toEqual(step >= 10 ? shown(inputs.dy) : none(inputs.dy.length));
}

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`))).toEqual([]);
}

/** Of a table, by its first column. */
async function table(page: Page, id: string): Promise<Record<string, string[]>> {
  const rows = await page.$$eval(`${id} tbody tr`, (all) => all.map((row) => [...row.children].map((cell) => cell.textContent!)));
  return Object.fromEntries(rows.map(([name, ...rest]) => [name, rest]));
}

const numberOf = (text: string) => Number(text.replaceAll('−', '-'));

describe('with WebGPU', () => {
  test('the arrow keys walk nine steps forward and nine back, and the closed form gives the same', async () => {
    const { page, complaints } = await open(shared.gpu);
    expect(await page.isDisabled('#previous')).toBe(true);
    for (let step = 0; step <= 18; step++) {
      if (step > 0) await page.keyboard.press('ArrowRight');
      await expectStep(page, step);
      expect(await page.$$eval('[aria-current="step"]', (all) => all.length)).toBe(step === 0 ? 0 : 1);
      expect(await page.$$eval('#lines math', (all) => all.length > 0)).toBe(step > 0);
    }
    await page.keyboard.press('ArrowRight');
    const { dx, dgamma, dbeta } = reference(FIRST);
    const closed = await cells(page);
    expect(Object.keys(closed).sort()).toEqual(['beta', 'gamma', 'invStd', 'mean', 'x', 'y']);
    expect([closed.x.gradient, closed.gamma.gradient, closed.beta.gradient]).toEqual([shown(dx), shown(dgamma), shown(dbeta)]);
    expect(await page.textContent('#title')).toBe('The closed form');
    expect(await page.isDisabled('#next')).toBe(true);
    await page.keyboard.press('ArrowRight');
    expect(new URL(page.url()).search).toBe('?step=19');
    expect(complaints).toEqual([]);
  });

  test('at a value used twice the two gradients stand at their arrows and add up', async () => {
    const { page } = await open(shared.plain, '?step=12&at=3,2');
    const parts = () => page.$$eval('.part', (all) => all.map((label) => label.textContent!).filter(Boolean));
    const captions = async () => (await cells(page)).centered.caption;
    expect(await parts()).toHaveLength(1);
    expect(await captions()).toBe('dcentered, 1 of 2');
    await page.fill('#step', '16');
    expect(await captions()).toBe('dcentered, both added');
    const [first, second] = (await parts()).map(numberOf);
    const want = reference(FIRST).gradients.dcentered[2 * 3 + 1];
    expect(Math.abs(first + second - want)).toBeLessThanOrEqual(1e-3); // four digits shown
    expect(Math.min(Math.abs(first), Math.abs(second))).toBeGreaterThan(1e-3);
    await page.fill('#step', '18');
    expect(await parts()).toHaveLength(4);
  });

  test('the closed form, the gradient check and the adapter say how far they are', async () => {
    const { page, complaints } = await open(shared.gpu);
    const closed = await table(page, '#closed-table');
    expect(Object.keys(closed)).toEqual(['dx', 'dgamma', 'dbeta']);
    for (const [, difference] of Object.values(closed)) expect(numberOf(difference)).toBeLessThanOrEqual(1e-14);
    expect(await page.textContent('#closed-words')).toMatch(/the largest difference is (0|\d\.\de−\d+)\.$/);
    const check = await table(page, '#check-table');
    const want = reference(FIRST);
    for (const name of ['dx', 'dgamma', 'dbeta'] as const) {
      const [error, where, byFormula, byNudging] = check[name];
      expect(numberOf(error), name).toBeLessThanOrEqual(1e-7);
      const [row, column] = where.match(/\d+/g)!.map(Number).length === 2 ? where.match(/\d+/g)!.map(Number) : [1, Number(where.match(/\d+/)![0])];
      expect(numberOf(byFormula), name).toBeCloseTo(want[name][(row - 1) * 3 + column - 1], 8);
      expect(numberOf(byNudging), name).toBeCloseTo(numberOf(byFormula), 6);
    }
    const outputs = await table(page, '#adapter-table');
    expect(Object.keys(outputs)).toEqual(['y', 'dx', 'dgamma', 'dbeta']);
    for (const [name, [difference, ofScale]] of Object.entries(outputs)) {
      expect(numberOf(ofScale), name).toBeLessThanOrEqual(2e-6);
      expect(numberOf(difference), name).toBeLessThanOrEqual(1e-5);
    }
    expect(Math.max(...Object.values(outputs).map(([difference]) => numberOf(difference)))).toBeGreaterThan(0); // f32, not the page's own f64
    expect(await page.innerText('#adapter-words')).toMatch(
      /^Closed form on (a software adapter|the GPU), in f32: dx differs from f64 by at most (0|\d\.\de−\d+)\.$/,
    );
    expect(await page.innerText('#facts')).toMatch(/runs on\s+GPU\s+why\s+WebGPU has/);
    expect(complaints).toEqual([]);
  });

  test('looks', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?step=16');
    for (const step of ['16', '19']) {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.fill('#step', step);
      await expectAccessible(page);
      await page.waitForTimeout(500);
      await screenshot(page, `graph-${step}-light`);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.waitForTimeout(300);
      if (step === '16') await expectAccessible(page);
      await screenshot(page, `graph-${step}-dark`);
      await page.setViewportSize({ width: 375, height: 800 });
      await page.emulateMedia({ colorScheme: 'light' });
      await page.waitForTimeout(300);
      expect(await overflow(page)).toBe(0);
      await screenshot(page, `graph-${step}-mobile`);
    }
    expect(complaints).toEqual([]);
  });

  test.each([
    { name: 'largest', link: `?x=${'1,2.5,3,4;'.repeat(5)}9,1,2,-123456&dy=${'1,-1,1,1;'.repeat(5)}2,2,2,2&gamma=1,1,1,1&beta=0,0,0,0&step=12` },
    { name: 'smallest', link: '?x=1&dy=1&gamma=1&beta=1&step=18' },
  ])('the $name matrix fits', { tags: ['long'] }, async ({ name, link }) => {
    const { page, complaints } = await open(shared.plain, link);
    for (const width of [1280, 1000, 768, 375]) {
      await page.setViewportSize({ width, height: 800 });
      await page.waitForTimeout(200);
      expect(await overflow(page), `${width}`).toBe(0);
      const clipped = await page.$$eval('.node', (nodes) => nodes.filter((node) => {
        const frame = node.querySelector('.frame')!.getBoundingClientRect();
        return [...node.querySelectorAll('text')].some((text) => {
          const { left, right, width: length } = text.getBoundingClientRect();
          return length > 0 && (left < frame.left - 0.5 || right > frame.right + 0.5);
        });
      }).map((node) => (node as SVGElement).dataset.node));
      expect(clipped, `${width}`).toEqual([]);
      const covered = await page.$$eval('.node .frame, .edge', (all) => {
        const legend = document.querySelector('.legend')!.getBoundingClientRect();
        const frame = document.querySelector('#graph')!.getBoundingClientRect();
        return all.map((drawn) => drawn.getBoundingClientRect()).filter(({ left, right, top, bottom }) =>
          left < Math.min(legend.right, frame.right) && right > legend.left && top < Math.min(legend.bottom, frame.bottom)
            && Math.min(bottom, frame.bottom) > legend.top).length;
      });
      expect(covered, `by the legend at ${width}`).toBe(0);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await screenshot(page, `graph-${name}`);
    expect(complaints).toEqual([]);
  });

  test('after a lost device the next edit runs on another', { tags: ['long'] }, async () => {
    const own = await launch({ gpu: true });
    onTestFinished(() => own.close());
    const { page, complaints } = await open(own);
    const devtools = await own.newBrowserCDPSession();
    await devtools.send('Browser.crashGpuProcess');
    await page.waitForTimeout(1000);
    await page.fill('#x-1-1', '2.5');
    await page.press('#x-1-1', 'Enter');
    await page.waitForFunction(() => document.documentElement.dataset.state === 'running');
    await settle(page);
    expect(await page.innerText('#adapter-words')).toMatch(/^Closed form on (a software adapter|the GPU), in f32: /);
    expect(await page.innerText('#facts')).toMatch(/runs on\s+GPU/);
    expect(complaints).toEqual([]);
  });
});

describe('without WebGPU', () => {
  test.each([
    { name: 'no adapter', base: () => shared.site.url, why: 'WebGPU has no adapter here. The CPU runs instead.' },
    { name: 'no navigator.gpu', base: () => shared.site.insecureUrl, why: 'This environment has no WebGPU' },
  ])('$name: the page is the same, the layer runs on the CPU and says so', async ({ base, why }) => {
    const { page, complaints } = await open(shared.plain, '?step=18', {}, base());
    await expectStep(page, 18);
    expect(await page.innerText('#adapter-words')).toMatch(
      /^Closed form on the CPU, in f64 with outputs in f32: dx differs from f64 by at most (0|\d\.\de−\d+)\.$/,
    );
    expect(await page.innerText('#facts')).toContain(why);
    expect(await page.innerText('#facts')).toMatch(/runs on\s+CPU[\s\S]*adapter\s+none/);
    for (const [, ofScale] of Object.values(await table(page, '#adapter-table'))) expect(numberOf(ofScale)).toBeLessThanOrEqual(2e-6);
    expect(complaints).toEqual([]);
  });

  test('what is edited changes every number, and the link it leaves shows the same', async () => {
    const { page, complaints } = await open(shared.plain, '?step=18');
    const edits = [['#x-2-3', '-4.5'], ['#dy-4-1', '2e0'], ['#gamma-1-2', '−3'], ['#beta-1-1', '.5'], ['#eps', '0.25']];
    for (const [field, text] of edits) {
      await page.fill(field, text);
      await page.press(field, 'Enter');
    }
    const edited = { ...FIRST, x: FIRST.x.slice(), dy: FIRST.dy.slice(), gamma: FIRST.gamma.slice(), beta: FIRST.beta.slice(), eps: 0.25 };
    edited.x[5] = -4.5;
    edited.dy[9] = 2;
    edited.gamma[1] = -3;
    edited.beta[0] = 0.5;
    await expectStep(page, 18, edited);
    const before = [await cells(page), await table(page, '#check-table')];
    await settle(page);
    for (const [, ofScale] of Object.values(await table(page, '#adapter-table'))) expect(numberOf(ofScale)).toBeLessThanOrEqual(2e-6);

    const other = await open(shared.plain, new URL(page.url()).search);
    expect([await cells(other.page), await table(other.page, '#check-table')]).toEqual(before);
    expect(await other.page.inputValue('#eps')).toBe('0.25');
    expect(await other.page.inputValue('#gamma-1-2')).toBe('-3');
    expect([...complaints, ...other.complaints]).toEqual([]);
  });

  test('what is no number for its field is refused and leaves the picture as it was', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?step=18');
    const before = [await cells(page), page.url(), await page.innerText('#check-table')];
    for (const [field, text, refusal] of [
      ['#x-2-3', 'abc', 'graph: "x[2, 3]" is "abc", needs a number from −1000000 to 1000000. Correct it; the picture still shows what stood there.'],
      ['#dy-1-1', '', 'graph: "dy[1, 1]" is "", needs a number from'],
      ['#gamma-1-3', '1e99', 'graph: "gamma[3]" is "1e99", needs a number from'],
      ['#eps', '-1', 'graph: "eps" is "-1", needs a number from 0 to 1, such as 1e-5. Correct it; the picture still shows what stood there.'],
    ]) {
      const right = await page.inputValue(field);
      await page.fill(field, text);
      await page.press(field, 'Enter');
      expect(await page.innerText('#refusal')).toContain(refusal);
      expect(await page.getAttribute(field, 'aria-invalid')).toBe('true');
      expect([await cells(page), page.url(), await page.innerText('#check-table')]).toEqual(before);
      if (field === '#eps') await expectAccessible(page);
      await page.fill(field, right);
      await page.press(field, 'Enter');
      expect(await page.innerText('#refusal')).toBe('');
      expect(await page.getAttribute(field, 'aria-invalid')).toBeNull();
      expect([await cells(page), page.url(), await page.innerText('#check-table')]).toEqual(before);
    }
    expect(complaints).toEqual([]);
  });

  test('a drawn matrix, and another size', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?step=9&at=4,3');
    await page.selectOption('#preset', 'constant');
    await page.fill('#seed', '5');
    await page.press('#seed', 'Enter');
    await expectStep(page, 9, drawn('constant', 5, 4, 3));
    expect((await cells(page)).variance.value[0]).toBe('0');
    await page.selectOption('#preset', 'large');
    await page.click('#draw button');
    await expectStep(page, 9, drawn('large', 5, 4, 3));
    await page.selectOption('#rows', '2');
    await page.selectOption('#channels', '1');
    const { x, dy, gamma, beta, eps } = drawn('large', 5, 4, 3);
    const cut = { rows: 2, channels: 1, x: Float64Array.of(x[0], x[3]), dy: Float64Array.of(dy[0], dy[3]), gamma: gamma.slice(0, 1), beta: beta.slice(0, 1),
      eps };
    await expectStep(page, 9, cut);
    expect([await page.inputValue('#row'), await page.inputValue('#column')]).toEqual(['1', '0']);
    expect(await page.$$eval('#edit-x input', (all) => all.length)).toBe(2);
    await page.selectOption('#rows', '6');
    expect(await page.$$eval('#edit-x input', (all) => all.length)).toBe(6);
    const before = page.url();
    await page.fill('#seed', 'x');
    await page.press('#seed', 'Enter');
    expect(await page.innerText('#refusal')).toBe('graph: "seed" is "x", needs an integer from 0 to 999999999. Correct it.');
    expect(page.url()).toBe(before);
    expect(complaints).toEqual([]);
  });

  test('eps 0 under a constant column: no derivative there, and the page says so', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?x=1,2;1,4&dy=1,2;3,4&gamma=1,1&beta=0.5,0&eps=0&step=18');
    const found = await cells(page);
    expect([found.y.value[0], found.y.value[2], found.x.gradient[0], found.x.gradient[2]]).toEqual(['0.5000', '0.5000', '0', '0']);
    expect(await page.innerText('#check-words')).toContain('Column 1 is left out of dx');
    expect((await table(page, '#check-table')).dx[1]).toContain('column 2');
    expect(complaints).toEqual([]);
  });

  test('a link that says nothing is refused in a sentence, over a picture that stands', async () => {
    const { page, complaints } = await open(shared.plain, '?x=1,2;3,oops&dy=1,2;3,4&gamma=1,1&beta=0,0');
    expect(await page.innerText('#refusal')).toContain('graph: "x[2, 2]" is "oops", needs a number');
    await expectStep(page, 0);
    expect(complaints).toEqual([]);
  });

  test('by keyboard: nodes, cells, slider; typing is not stepping', async () => {
    const { page, complaints } = await open(shared.plain);
    await page.focus('[data-node="xHat"] .head');
    await page.keyboard.press('Enter');
    expect(await page.textContent('#title')).toBe('Forward, 7 of 9: xHat = centered · invStd');
    expect(await page.evaluate(() => document.activeElement!.closest<SVGElement>('[data-node]')?.dataset.node)).toBe('xHat');
    expect(await page.getAttribute('[data-node="xHat"] .head', 'aria-label')).toMatch(
      /^xHat: centered · invStd, 7 of 9 steps\. At row 1, column 1: value 1\.7\d+, gradient not yet\.$/,
    );
    await page.keyboard.press('ArrowLeft');
    expect(await page.inputValue('#step')).toBe('6');
    await page.fill('#step', '10');
    await page.focus('[data-node="xHat"] .head');
    await page.keyboard.press('Space');
    expect(await page.textContent('#title')).toBe('Backward, 3 of 9: through xHat = centered · invStd');
    expect(await page.getAttribute('#step', 'aria-valuetext')).toBe('Backward, 3 of 9: through xHat = centered · invStd');

    await page.focus('[data-node="gamma"] .head');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('gamma-1-1');
    await page.focus('#x-2-2');
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('x-3-2');
    await page.keyboard.press('ArrowLeft');
    expect(await page.inputValue('#step')).toBe('12');

    await page.focus('#step');
    await page.keyboard.press('ArrowRight');
    expect(new URL(page.url()).search).toBe('?step=13');
    await page.focus('[data-node="xHat"] .head');
    await page.fill('#step', '18');
    await page.focus('[data-node="x"] .head');
    await page.keyboard.press('ArrowRight'); // another picture, the same node
    expect(await page.evaluate(() => document.activeElement!.closest<SVGElement>('[data-node]')?.dataset.node)).toBe('x');
    await page.fill('#step', '18');
    await page.focus('#next');
    await page.keyboard.press('Enter'); // the last step: the button can do no more
    expect(await page.inputValue('#step')).toBe('19');
    expect(await page.evaluate(() => document.activeElement!.id)).toBe('play');
    expect(complaints).toEqual([]);
  });

  test('a clicked cell is the chosen element', { tags: ['long'] }, async () => {
    const { page } = await open(shared.plain, '?step=2');
    await page.click('[data-node="centered"] .grid.value [data-row="2"][data-column="1"]');
    expect(new URL(page.url()).search).toBe('?step=2&at=3,2');
    expect([await page.inputValue('#row'), await page.inputValue('#column')]).toEqual(['2', '1']);
    expect(await page.textContent('#lines .numbers annotation')).toContain('{-1.35}');
    await page.click('[data-node="mean"] .grid.value [data-column="2"]');
    expect(new URL(page.url()).search).toBe('?step=2&at=3,3');
    await page.selectOption('#row', '0');
    expect(new URL(page.url()).search).toBe('?step=2&at=1,3');
    expect(await page.$$eval('.chosen',
      (all) => all.map((cell) => `${(cell as SVGElement).dataset.row} ${(cell as SVGElement).dataset.column}`).filter((at) => at !== '0 2'))).toEqual([]);
  });

  test('play walks on by itself to the end, and pauses', { tags: ['long'] }, async () => {
    const { page, complaints } = await open(shared.plain, '?step=16');
    await page.click('#play');
    expect(await page.innerText('#play')).toBe('Pause');
    expect(await page.inputValue('#step')).toBe('17');
    await page.click('#play');
    await page.waitForTimeout(1800);
    expect(await page.inputValue('#step')).toBe('17');
    await page.click('#play');
    await page.waitForFunction(() => document.querySelector<HTMLInputElement>('#step')!.value === '19');
    await page.waitForFunction(() => document.querySelector('#play')!.textContent === 'Play');
    await page.click('#reset');
    expect(new URL(page.url()).search).toBe('');
    await expectStep(page, 0);
    expect(complaints).toEqual([]);
  });

  test.each([{ reducedMotion: 'reduce' as const, moves: false }, { reducedMotion: 'no-preference' as const, moves: true }])(
    'prefers-reduced-motion: $reducedMotion', { tags: ['long'] }, async ({ reducedMotion, moves }) => {
      const { page } = await open(shared.plain, '', { reducedMotion });
      const animated = () => page.evaluate(() => document.getAnimations().length > 0);
      await page.keyboard.press('ArrowRight');
      expect(await animated()).toBe(moves);
      await page.fill('#step', '19');
      expect(await animated()).toBe(moves);
    },
  );

  test('formulas are MathML that brings no style of its own', { tags: ['long'] }, async () => {
    const { page } = await open(shared.plain, '?step=11');
    expect(await page.$$eval('#lines math', (all) => all.length)).toBe(6); // derivative, formula and numbers, of two gradients
    expect(await page.$$eval('#collapse math', (all) => all.length)).toBe(5);
    expect(await page.$$eval('.line [style], .line .katex-html, .line .katex-error', (all) => all.length)).toBe(0);
    expect(await page.$$eval('#lines math', (all) => all.every((formula) => formula.getBoundingClientRect().height > 8))).toBe(true);
  });

  test('what the picture rounds stands in full in the tables', { tags: ['long'] }, async () => {
    const { page } = await open(shared.plain, '?step=16');
    await page.click('summary');
    const { gradients } = reference(FIRST);
    const names = await page.$$eval('#numbers h3', (all) => all.map((title) => title.textContent));
    expect(names).toEqual(['dsquared', 'dcentered']);
    const numbers = await page.$$eval('#numbers table:last-of-type', (all) => [...all.at(-1)!.querySelectorAll('td.number')].map((cell) => cell.textContent!));
    expect(numbers).toHaveLength(12);
    numbers.forEach((text, i) => expect(Math.abs(numberOf(text) - gradients.dcentered[i])).toBeLessThanOrEqual(1e-8));
  });
});
