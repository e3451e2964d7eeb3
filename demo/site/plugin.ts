import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'vite';
import { escapeHtml } from './html.js';
import { PAGES } from './pages.js';
import { filesLinked, renderTable, tableOfReadme } from './readme.js';
import { type Manifest, renderFooter, renderHead, renderHeader, renderPageList, rootFrom } from './template.js';
import { asText, fileOfText, textPath } from './texts.js';

/** Sections of README.md whose tables a page may show, by the name its HTML calls them. */
const SECTIONS: Record<string, string> = {
  abilities: 'What it does, beside others',
  exact: 'How exact',
  fast: 'How fast',
};

const PLACE = /<!-- site:(\w+) -->/g;

/**
 * Fills `<!-- site:head -->` and the other places of a page's HTML, in development and in the build alike, and serves
 * the files of the repository that the pages link to.
 */
export function sitePlugin(root: string): Plugin {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');
  const readSection = (name: string) => tableOfReadme(read('README.md'), SECTIONS[name]!);
  const listTexts = () => ['README.md', 'LICENSE', ...Object.keys(SECTIONS).flatMap((name) => filesLinked(readSection(name)))];

  const places = (path: string, built: boolean): Record<string, () => string> => {
    const manifest = JSON.parse(read('package.json')) as Manifest;
    const tables = Object.keys(SECTIONS).map((name) => [name, () => renderTable(readSection(name), (file) => rootFrom(path) + textPath(file))]);
    return {
      head: () => renderHead(pageAt(path), built),
      header: () => renderHeader(path, manifest),
      footer: () => renderFooter(path, manifest),
      pages: () => renderPageList(path),
      sample: () => escapeHtml(sampleFor(manifest.name, read('demo/landing/sample.ts'))),
      ...Object.fromEntries(tables),
    };
  };

  return {
    name: 'site',
    transformIndexHtml: {
      order: 'pre', // the addresses it writes are then followed like those of the page's own
      handler(html, { filename, server }) {
        const path = relative(root, filename).split(sep).join('/');
        const filling = places(path, !server);
        return html.replace(PLACE, (place, name: string) => {
          if (!filling[name]) {
            throw new Error(`sitePlugin: "${place}" stands in ${path}, needs to be one of ${Object.keys(filling).join(', ')}. Correct the page's HTML.`);
          }
          return filling[name]();
        });
      },
    },
    generateBundle() {
      for (const file of new Set(listTexts())) this.emitFile({ type: 'asset', fileName: textPath(file), source: asText(read(file)) });
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const file = fileOfText(new URL(request.url ?? '', 'http://localhost').pathname.slice(1));
        if (!file || !listTexts().includes(file)) return next();
        response.setHeader('Content-Type', 'text/plain');
        response.end(asText(read(file)));
      });
    },
  };
}

function pageAt(path: string) {
  const page = PAGES.find((one) => one.path === path);
  if (!page) throw new Error(`sitePlugin: "${path}" is not in demo/site/pages.ts, needs an entry there (its title and description come from it). Add it.`);
  return page;
}

/** The module that runs, with the one name that differs outside this repository. */
export function sampleFor(name: string, sample: string): string {
  return sample.replace('../../src/index.js', name).trimEnd();
}
