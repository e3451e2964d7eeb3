import { byId, make } from '../../dom.js';
import { color } from '../charts/plot.js';
import type { Both, WrongExample } from '../messages.js';
import { type Painter, paint } from './canvas.js';
import { percent } from '../ui/words.js';

/** Four rows of pictures where there is room. */
const MOST = 28;

const section = byId('wrong', HTMLElement);
const lists: Both<HTMLElement> = { batchNorm: byId('wrong-norm', HTMLElement), plain: byId('wrong-plain', HTMLElement) };
const words: Both<HTMLElement> = { batchNorm: byId('wrong-norm-words', HTMLElement), plain: byId('wrong-plain-words', HTMLElement) };

export function hideWrong(): void {
  section.hidden = true;
}

/** @param accuracy - of which `wrong` are the first that are not right, of so many held-out rows. */
export function showWrong(wrong: Both<WrongExample[]>, accuracy: Both<number>, rows: number, labels: readonly string[]): void {
  section.hidden = false;
  for (const net of Object.keys(lists) as (keyof Both<unknown>)[]) {
    const all = Math.round((1 - accuracy[net]) * rows);
    const shown = wrong[net].slice(0, MOST);
    const which = all > shown.length ? `; the first ${shown.length} of them` : '';
    words[net].textContent = all === 0 ? `All ${rows} are right.`
      : `${all} of ${rows} are wrong, ${percent(all / rows)}${which}. Each with its label → what the net takes it for.`;
    lists[net].classList.toggle('rows', shown.some(({ image }) => !image));
    lists[net].replaceChildren(...shown.map((example) => itemOf(example, labels)));
  }
}

function itemOf({ row, label, predicted, image }: WrongExample, labels: readonly string[]): HTMLElement {
  const what = `${labels[label]} → ${labels[predicted]}`;
  if (!image) return make('li', {}, `row ${row}: ${what}`);
  const canvas = make('canvas', { role: 'img', 'aria-label': `Held-out row ${row}, a ${labels[label]} taken for a ${labels[predicted]}` });
  paint(canvas, paintImage(image));
  return make('li', {}, canvas, what);
}

/** Paper at the least of its values, ink at the most. */
function paintImage(image: Float32Array): Painter {
  const size = Math.round(Math.sqrt(image.length));
  const [least, most] = image.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
  return (context, width) => {
    const cell = width / size;
    context.fillStyle = color('--ink');
    image.forEach((value, at) => {
      context.globalAlpha = most > least ? (value - least) / (most - least) : 0;
      const [left, top, right, bottom] = [at % size, Math.floor(at / size), (at % size) + 1, Math.floor(at / size) + 1].map(
        (edge) => Math.round(edge * cell * devicePixelRatio) / devicePixelRatio,
      );
      context.fillRect(left, top, right - left, bottom - top);
    });
    context.globalAlpha = 1;
  };
}
