// The self-test: a table of cases, a comparison, a runner. Knows no test framework, no Node, no page.
export { BINS, type Comparison, compare } from './compare.js';
export { type Against, type Report, type Result, type VerifyOptions, verify, verifyNames } from './verify.js';
export { FIGURES_MADE_BY } from './figures.js';
export { adapterLine, orderLine, ownJson, reportFacts, reportJson, reportMarkdown, resultCells } from './report.js';
export { type OwnColumn, type OwnData, verifyOwn } from './own.js';
