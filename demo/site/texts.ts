/** Files of the repository that the pages link to. They are served as plain text, under this folder of the site. */
const FOLDER = 'source/';

/** A byte order mark: without a charset in the response's header it is what makes a browser read UTF-8. */
const MARK = '\uFEFF';

export function textPath(file: string): string {
  return `${FOLDER}${file}.txt`;
}

/** The repository's file behind a path of the site, null where the path is none of `textPath`. */
export function fileOfText(path: string): string | null {
  return path.startsWith(FOLDER) && path.endsWith('.txt') ? path.slice(FOLDER.length, -'.txt'.length) : null;
}

export function asText(content: string): string {
  return MARK + content;
}
