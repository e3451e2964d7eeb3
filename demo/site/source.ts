import { byId } from '../dom.js';
import { repositoryOf } from './repository.js';

const home = byId('home', HTMLAnchorElement);
const readme = byId('readme', HTMLAnchorElement);
const source = byId('source', HTMLAnchorElement);

const repository = repositoryOf(new URL('.', home.href));
if (repository && source.hidden) {
  source.href = repository;
  source.hidden = false;
  readme.href = `${repository}#readme`;
}
