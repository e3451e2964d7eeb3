// Other libraries on the same machine, each loaded only when it is asked for.
export { PEERS, type PeerEntry } from './list.js';
export { type Role, fastestPeer, peerRatios, roleOf } from './ratio.js';
export { type PeerOptions, type Refusal, type ShapeWithPeers, benchmarkShape } from './run.js';
