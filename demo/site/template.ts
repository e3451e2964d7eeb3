import { escapeHtml } from './html.js';
import { PAGES, type PageOfSite } from './pages.js';
import { POLICY } from './policy.js';
import { textPath } from './texts.js';

export interface Manifest {
  name: string;
  version: string;
  license: string;
  repository?: string | { url: string };
}

/** From a page to the root of the site, so that every address is relative. */
export function rootFrom(path: string): string {
  return '../'.repeat(path.split('/').length - 1) || './';
}

/** @param built - a server for development puts styles and scripts into the page itself, which the policy forbids. */
export function renderHead({ path, title, description }: PageOfSite, built: boolean): string {
  const root = rootFrom(path);
  return [
    '<meta charset="utf-8">',
    ...(built ? [`<meta http-equiv="Content-Security-Policy" content="${escapeHtml(POLICY)}">`] : []),
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<meta name="description" content="${escapeHtml(description)}">`,
    `<title>${escapeHtml(title)}</title>`,
    `<link rel="icon" type="image/svg+xml" href="${root}demo/site/icon.svg?no-inline">`,
    `<link rel="stylesheet" href="${root}demo/style.css">`,
    `<script type="module" src="${root}demo/site/source.ts"></script>`,
  ].join('\n    ');
}

export function renderHeader(path: string, manifest: Manifest): string {
  const root = rootFrom(path);
  const pages = PAGES.map((page, i) => {
    const current = page.path === path ? ' aria-current="page"' : '';
    return `<a href="${root}${page.path}"${i === 0 ? ' id="home"' : ''}${current}>${escapeHtml(page.label)}</a>`;
  });
  const repository = repositoryIn(manifest);
  const links = [
    `<a id="readme" href="${repository ? `${repository}#readme` : root + textPath('README.md')}">README</a>`,
    `<a id="source" ${repository ? `href="${repository}"` : 'hidden'}>Source</a>`,
  ];
  return `<a class="skip" href="#main">Skip to the content</a>
    <header class="site">
      <nav aria-label="Site">
        ${[...pages, ...links].join('\n        ')}
      </nav>
    </header>`;
}

export function renderFooter(path: string, { name, version, license }: Manifest): string {
  return `<p>${name} ${version}, <a href="${rootFrom(path)}${textPath('LICENSE')}">${license} licence</a></p>`;
}

/** The other pages, one line each. */
export function renderPageList(path: string): string {
  const others = PAGES.filter((page) => page.path !== path);
  return others.map((page) => `<li><a href="${rootFrom(path)}${page.path}">${escapeHtml(page.label)}</a> ${escapeHtml(page.description)}</li>`).join(
    '\n              ',
  );
}

function repositoryIn({ repository }: Manifest): string | undefined {
  const url = typeof repository === 'string' ? repository : repository?.url;
  return url?.replace(/^git\+/, '').replace(/\.git$/, '');
}
