/**
 * The repository behind a site on GitHub Pages, https://owner.github.io/name/; null where the address says none.
 *
 * @param root - the site's own root, not the page's address.
 */
export function repositoryOf(root: URL): string | null {
  const owner = /^([\w-]+)\.github\.io$/.exec(root.hostname)?.[1];
  const name = /^\/([^/]+)\/$/.exec(root.pathname)?.[1];
  return owner && name ? `https://github.com/${owner}/${name}` : null;
}
