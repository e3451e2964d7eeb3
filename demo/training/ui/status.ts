// What runs, and how far it is.
import { byId } from '../../dom.js';

/** 'asking' while the backend opens; 'waiting' for what comes of an order, or for a file. */
export type State = 'asking' | 'waiting' | 'running' | 'paused' | 'error';

/** Of a step of both nets, in milliseconds, and of the rows that they learn from. */
export interface Speed {
  stepMilliseconds: number;
  examplesPerSecond: number;
}

const verdict = byId('verdict', HTMLElement);
const banner = byId('banner', HTMLElement);
const progress = byId('progress', HTMLProgressElement);
const count = byId('count', HTMLElement);

export function showState(state: State, words: string): void {
  document.documentElement.dataset.state = state;
  if (verdict.textContent !== words) verdict.textContent = words; // it is read out
}

/** @param until - where the run pauses. */
export function showCount(step: number, until: number, speed: Speed | null): void {
  progress.max = Math.max(1, until);
  progress.value = step;
  const { stepMilliseconds: ms, examplesPerSecond } = speed ?? { stepMilliseconds: 0, examplesPerSecond: 0 };
  const words = speed ? `, ${ms.toFixed(ms < 10 ? 1 : 0)} ms a step of both nets, ${Math.round(examplesPerSecond)} examples a second` : '';
  count.textContent = `Step ${step} of ${Math.max(until, step)}${words}`;
}

export function showBanner(title: string, words: string): void {
  banner.hidden = false;
  byId('banner-title', HTMLElement).textContent = title;
  byId('banner-words', HTMLElement).textContent = words;
}

export function hideBanner(): void {
  banner.hidden = true;
}

/** In a line of its own; a refusal stands out. */
export function say(line: HTMLElement, words: string, isRefusal = false): void {
  line.textContent = words;
  line.classList.toggle('refusal', isRefusal);
}
