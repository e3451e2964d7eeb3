// Other libraries on the same machine, each loaded only when it is asked for.
export { type Arrival, type Traveller, inputsFor, travellers } from './first.js';
export { type Job, type News, type Opened, runJob } from './job.js';
export { PEERS, type PeerEntry } from './list.js';
export { type Role, fastestPeer, peerRatios, roleOf } from './ratio.js';
export { type PeerReport, peerJson, peerMarkdown, peerTable } from './report.js';
export { type PeerOptions, type Refusal, type ShapeWithPeers, benchmarkShape } from './run.js';
