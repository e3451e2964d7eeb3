/** Makes an SVG element. Text stays text: nothing here reads markup. */
export function draw<T extends keyof SVGElementTagNameMap>(
  tag: T, attributes: Record<string, string | number> = {}, ...children: (Node | string)[]
): SVGElementTagNameMap[T] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
