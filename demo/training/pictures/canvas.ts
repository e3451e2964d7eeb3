/** Paints a picture in CSS pixels. */
export type Painter = (context: CanvasRenderingContext2D, width: number, height: number) => void;

const painters = new WeakMap<Element, Painter>();
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => repaint(target)));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => document.querySelectorAll('canvas').forEach(repaint));

/** Paints a canvas now, and again when its size or the page's colours change. */
export function paint(canvas: HTMLCanvasElement, painter: Painter): void {
  const isNew = !painters.has(canvas);
  painters.set(canvas, painter);
  if (isNew) sizes.observe(canvas);
  else repaint(canvas);
}

function repaint(canvas: Element): void {
  const painter = painters.get(canvas);
  if (!painter || !(canvas instanceof HTMLCanvasElement)) return;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0 || height === 0) return; // not on show
  const pixels = { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) };
  if (canvas.width !== pixels.width || canvas.height !== pixels.height) Object.assign(canvas, pixels);
  const context = canvas.getContext('2d')!;
  context.setTransform(pixels.width / width, 0, 0, pixels.height / height, 0, 0);
  context.clearRect(0, 0, width, height);
  painter(context, width, height);
}
