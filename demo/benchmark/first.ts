// What `npm run bench -- --first` opens: one library comes to its first y and dx, and is then held to the reference.
import { type Arrival, type Traveller, inputsFor, travellers } from '../../src/benchmark/peers/index.js';

declare global {
  interface Window {
    /** Makes the numbers, which is no library's work. */
    ready(shape: string): void;
    go(name: string): Promise<Arrival>;
    /** Throws where what came is wrong. */
    check(): Promise<void>;
  }
}

let inputs: Parameters<Traveller>[0];
let came: Awaited<ReturnType<Traveller>>;

window.ready = (shape) => {
  inputs = inputsFor(shape);
};

window.go = async (name) => {
  came = await travellers[name](inputs);
  const { toY, toDx } = came;
  return { toY, toDx };
};

window.check = () => came.check();
