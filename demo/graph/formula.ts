import katex from 'katex';

/** A formula as MathML, which needs no font and no style of its own. */
export function formula(tex: string): HTMLElement {
  const host = document.createElement('span');
  katex.render(tex, host, { output: 'mathml', displayMode: true, throwOnError: true, strict: 'error' });
  return host;
}
