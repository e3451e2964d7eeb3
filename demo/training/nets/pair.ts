import { Batches, DeviceRows } from '../data.js';
import type { Both, DataSet, Settings } from '../messages.js';
import { Net, type NetShape } from './net.js';
import { optimiserOf } from './optimisers.js';
import { gather } from './pieces.js';
import { type Place, dispose, upload } from './tensors.js';

/** A data set on a device, for all the nets that learn from it. */
export class DeviceData {
  readonly set: DataSet;
  readonly place: Place;
  readonly train: DeviceRows;
  readonly test: DeviceRows;

  constructor(set: DataSet, place: Place) {
    this.set = set;
    this.place = place;
    this.train = new DeviceRows(set.train, set, place);
    this.test = new DeviceRows(set.test, set, place);
  }

  dispose(): void {
    this.train.dispose();
    this.test.dispose();
  }
}

export type PairSettings = Pick<Settings, 'depth' | 'width' | 'batch' | 'rate' | 'scale' | 'optimiser' | 'fused' | 'seed'>;

/** Two nets that differ in their batch norm alone, trained on the same batches from the same weights. */
export class Pair {
  readonly nets: Both<Net>;
  readonly data: DeviceData;
  readonly #batches: Batches;
  /** Steps taken. */
  steps = 0;

  private constructor(nets: Both<Net>, data: DeviceData, batches: Batches) {
    this.nets = nets;
    this.data = data;
    this.#batches = batches;
  }

  /** @param data - stays the caller's. */
  static async create(settings: PairSettings, data: DeviceData): Promise<Pair> {
    const { depth, width, batch, rate, optimiser, seed } = settings;
    const { features, classes, train } = data.set;
    const batches = new Batches(train.labels.length, batch, seed);
    const shape: NetShape = { features, classes, depth, width };
    const make = (kind: keyof Both<Net>) => Net.create(kind, shape, settings, data.place, optimiserOf(optimiser, rate));
    return new Pair({ batchNorm: await make('batchNorm'), plain: await make('plain') }, data, batches);
  }

  async step(): Promise<void> {
    const { train, place } = this.data;
    const rows = this.#batches.of(this.steps);
    const index = upload(rows, [rows.length], place);
    const x = gather(train.x.ref, index.ref);
    const targets = gather(train.targets.ref, index);
    this.steps++;
    const time = upload(Float32Array.of(this.steps), [], place);
    await this.nets.batchNorm.step(x, targets, time);
    await this.nets.plain.step(x, targets, time);
    dispose([x, targets, time]);
  }

  /** Of the steps behind `from`, at most LOSSES of them. */
  async losses(from: number): Promise<Both<Float32Array>> {
    const { batchNorm, plain } = this.nets;
    const [own, other] = await Promise.all([batchNorm.losses(from + 1, this.steps), plain.losses(from + 1, this.steps)]);
    return { batchNorm: own, plain: other };
  }

  dispose(): void {
    for (const net of Object.values(this.nets)) net.dispose();
  }
}
