import { getWebGPUDevice } from '@jax-js/jax';
import { messageOf } from '../dom.js';
import { dataSetOf } from './data.js';
import { type Evaluated, evaluate } from './nets/evaluation.js';
import { testBatches, testOne } from './nets/heldOut.js';
import type { Both, Command, DataSet, News, Settings } from './messages.js';
import { countParameters } from './nets/net.js';
import { DeviceData, Pair } from './nets/pair.js';
import { Pictures, pointsOf, wrongOfBoth } from './pictures/pictures.js';
import { LOSSES } from './nets/pieces.js';
import { type Opened, openPlace } from './place.js';
import { restore, saveText } from './saved.js';
import { checkSettings } from './settings.js';
import { checkSweep, sweep } from './nets/sweep.js';

/** Milliseconds between two news of progress, and between two of scores and pictures. */
const PROGRESS_EVERY = 250;
const PICTURES_EVERY = 1000;
/** Of the time, what scores and pictures may take: one part in so many. */
const PICTURES_SHARE = 5;
/** Milliseconds of work handed to the device before the next command is looked at. */
const CHUNK = 60;
/** Steps after which less than 1 % of the running statistics is what they began with: 0.9⁴⁴ (momentum 0.1). */
const SETTLED = 44;

/** What `start` builds. */
export interface Stage {
  settings: Settings;
  own: DataSet | undefined;
  opened: Opened;
  data: DeviceData;
  pair: Pair;
  pictures: Pictures;
}

/** Carries out the commands of a page, one after the other; a run and a sweep take turns with them. */
export class Engine {
  readonly #tell: (news: News) => void;
  #stage: Stage | null = null;
  #run: { until: number } | null = null;
  #sweep: { isStopped: boolean } | null = null;
  #lost = false;
  #places = new Map<Settings['backend'], Opened>();
  /** Ends when all that was asked for has been done. */
  #last: Promise<unknown> = Promise.resolve();
  #stepMilliseconds = 10;
  /** Steps whose losses the page has heard. */
  #told = 0;

  constructor(tell: (news: News) => void) {
    this.#tell = tell;
  }

  do(command: Command): void {
    const refuse = (error: unknown) => {
      if (!this.#lost) this.#tell({ kind: 'refused', command: command?.kind, message: messageOf(error) });
    };
    try {
      if (this.#lost) throw new Error('train: the device was lost. Begin with a new worker.');
      // These two end what is under way and must not wait for it.
      if (command.kind === 'stopSweep') return this.#stopSweep();
      if (command.kind === 'pause') return this.#pause();
    } catch (error) {
      this.#tell({ kind: 'refused', command: command.kind, message: messageOf(error) });
      return;
    }
    this.#inTurn(() => this.#carryOut(command)).catch(refuse);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => null); // whoever asked for it hears of it
    return done;
  }

  async #carryOut(command: Exclude<Command, { kind: 'pause' | 'stopSweep' }>): Promise<void> {
    switch (command.kind) {
      case 'start':
        return this.#start(command.settings, command.own);
      case 'run':
        return this.#begin(command.until);
      case 'step':
        return this.#stepOnce();
      case 'sweep':
        return this.#beginSweep(command.scales, command.steps);
      case 'testBatches':
        return this.#tell({ kind: 'testedBatches', rows: await testBatches(this.#needed('testBatches').pair, command.sizes) });
      case 'testOne':
        return this.#tell({ kind: 'testedOne', ...(await testOne(this.#needed('testOne').pair, command.row)) });
      case 'save':
        return this.#tell({ kind: 'saved', net: await saveText(this.#needed('save')) });
      case 'load':
        return this.#load(command.text);
      default:
        throw new RangeError(`train: "kind" is ${JSON.stringify((command as Command).kind)}, needs a command that there is.`);
    }
  }

  async #start(wanted: Settings, own: DataSet | undefined): Promise<void> {
    const settings = checkSettings(wanted);
    const stage = await this.#build(settings, own, dataSetOf(settings, own));
    await this.#show(stage);
  }

  async #build(settings: Settings, own: DataSet | undefined, set: DataSet): Promise<Stage> {
    const opened = await this.#open(settings.backend);
    const data = new DeviceData(set, opened.place);
    try {
      const pair = await Pair.create(settings, data);
      return { settings, own, opened, data, pair, pictures: new Pictures(data) };
    } catch (error) {
      data.dispose();
      throw error;
    }
  }

  async #open(wanted: Settings['backend']): Promise<Opened> {
    const known = this.#places.get(wanted);
    if (known) return known;
    const opened = await openPlace(wanted);
    this.#places.set(wanted, opened);
    void opened.lost.then((why) => {
      this.#lost = true;
      this.#run = null;
      this.#tell({ kind: 'lost', why });
    });
    return opened;
  }

  /** A stage takes the place of the one before. */
  async #show(stage: Stage): Promise<void> {
    const { settings, opened, data, pair } = stage;
    this.#run = null;
    this.#stopSweep();
    this.#clear();
    this.#stage = stage;
    this.#told = pair.steps;
    this.#tell(opened.news);
    const { depth, width } = settings;
    const { set } = data;
    const shape = { features: set.features, classes: set.classes, depth, width };
    const points = pointsOf(set);
    this.#tell({
      kind: 'built', settings, trainRows: data.train.rows, testRows: data.test.rows, features: set.features, classes: set.classes, labels: set.labels,
      parameters: { batchNorm: countParameters('batchNorm', shape), plain: countParameters('plain', shape) }, ...(points ? { points } : {}),
    });
    await this.#tellPictures(stage);
    this.#tell({ kind: 'paused', step: pair.steps });
  }

  #clear(): void {
    if (!this.#stage) return;
    const { pair, pictures, data } = this.#stage;
    this.#stage = null;
    pair.dispose();
    pictures.dispose();
    data.dispose();
  }

  #needed(command: Command['kind']): Stage {
    if (!this.#stage) throw new Error(`${command}: there are no nets, needs a start before.`);
    return this.#stage;
  }

  async #begin(until = Infinity): Promise<void> {
    const { pair } = this.#needed('run');
    if (!(until > pair.steps)) throw new RangeError(`run: "until" is ${until}, needs more than ${pair.steps} (the steps taken).`);
    if (this.#sweep) throw new Error('run: a sweep is under way, needs its end. Stop it or wait.');
    if (this.#run) this.#run.until = until;
    else void this.#keepRunning((this.#run = { until }));
  }

  async #keepRunning(run: { until: number }): Promise<void> {
    let [told, shown, cost] = [performance.now(), performance.now(), 0];
    try {
      while (this.#run === run) {
        await this.#inTurn(async () => {
          if (this.#run !== run) return;
          const stage = this.#needed('run');
          const { pair } = stage;
          const steps = Math.max(1, Math.min(run.until - pair.steps, LOSSES - (pair.steps - this.#told), Math.round(CHUNK / this.#stepMilliseconds)));
          await this.#train(stage, steps);
          const now = performance.now();
          const isLast = pair.steps >= run.until;
          if (isLast || now - told >= PROGRESS_EVERY || pair.steps - this.#told >= LOSSES) {
            await this.#tellProgress(stage);
            told = performance.now();
          }
          if (!isLast && now - shown >= Math.max(PICTURES_EVERY, PICTURES_SHARE * cost)) {
            const from = performance.now();
            await this.#tellPictures(stage);
            shown = performance.now();
            cost = shown - from;
          }
          if (isLast) {
            this.#run = null;
            await this.#rest(stage);
          }
        });
        await nextTask();
      }
    } catch (error) {
      this.#run = null;
      if (!this.#lost) this.#tell({ kind: 'error', message: messageOf(error) });
    }
  }

  async #train({ pair, opened }: Stage, steps: number): Promise<void> {
    const from = performance.now();
    for (let i = 0; i < steps; i++) await pair.step();
    if (opened.place === 'webgpu') await getWebGPUDevice().queue.onSubmittedWorkDone();
    this.#stepMilliseconds = (performance.now() - from) / steps;
  }

  async #stepOnce(): Promise<void> {
    const stage = this.#needed('step');
    if (this.#sweep) throw new Error('step: a sweep is under way, needs its end. Stop it or wait.');
    this.#run = null;
    await this.#train(stage, 1);
    await this.#rest(stage);
  }

  #pause(): void {
    const stage = this.#needed('pause');
    this.#run = null;
    this.#inTurn(() => (this.#stage === stage ? this.#rest(stage) : Promise.resolve())).catch((error: unknown) => {
      if (!this.#lost) this.#tell({ kind: 'error', message: messageOf(error) });
    });
  }

  /** Says where the nets stand now that they stand. */
  async #rest(stage: Stage): Promise<void> {
    await this.#tellProgress(stage);
    await this.#tellPictures(stage);
    this.#tell({ kind: 'paused', step: stage.pair.steps });
  }

  async #tellProgress({ pair, settings }: Stage): Promise<void> {
    const { steps } = pair;
    if (steps === this.#told) return;
    const losses = await pair.losses(this.#told);
    this.#told = steps;
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const stepMilliseconds = this.#stepMilliseconds;
    this.#tell({
      kind: 'progress', step: steps, losses, loss: { batchNorm: mean(losses.batchNorm), plain: mean(losses.plain) },
      stepMilliseconds, examplesPerSecond: (1000 * settings.batch) / stepMilliseconds,
    });
  }

  async #tellPictures({ pair, pictures, data }: Stage): Promise<void> {
    const { steps, nets } = pair;
    const { set, test, place } = data;
    const of = (net: keyof Both<Evaluated>) => evaluate(nets[net], test, set.test.labels, place);
    const evaluated = { batchNorm: await of('batchNorm'), plain: await of('plain') };
    const scoreOf = ({ loss, accuracy }: Evaluated) => ({ loss, accuracy });
    this.#tell({ kind: 'scores', step: steps, test: { batchNorm: scoreOf(evaluated.batchNorm), plain: scoreOf(evaluated.plain) }, settled: steps >= SETTLED });
    const layers = await pictures.layers(pair);
    const regions = await pictures.regions(pair);
    this.#tell({ kind: 'pictures', step: steps, layers, ...(regions ? { regions } : { wrong: wrongOfBoth(set, evaluated) }) });
  }

  async #beginSweep(scales: number[], steps: number): Promise<void> {
    const stage = this.#needed('sweep');
    if (this.#sweep) throw new Error('sweep: a sweep is under way, needs its end. Stop it or wait.');
    checkSweep({ scales, steps });
    if (this.#run) {
      this.#run = null;
      await this.#rest(stage);
    }
    const own = (this.#sweep = { isStopped: false });
    const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
      await nextTask(); // lets commands in
      return this.#inTurn(work);
    };
    void sweep(stage, { scales, steps }, (news) => this.#tell(news), inTurn, () => own.isStopped)
      .catch((error: unknown) => {
        if (!this.#lost) this.#tell({ kind: 'error', message: messageOf(error) });
      })
      .finally(() => {
        if (this.#sweep === own) this.#sweep = null;
      });
  }

  #stopSweep(): void {
    if (this.#sweep) this.#sweep.isStopped = true;
  }

  async #load(text: string): Promise<void> {
    const { saved, set } = restore(text, this.#stage?.own);
    const stage = await this.#build(saved.settings, saved.settings.data === 'own' ? this.#stage?.own : undefined, set);
    saved.writeTo(stage.pair);
    this.#tell({ kind: 'loaded', step: stage.pair.steps, settings: stage.settings });
    await this.#show(stage);
  }
}

/** Messages are delivered between tasks. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
