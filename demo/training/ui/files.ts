import { byId, downloadText, messageOf } from '../../dom.js';
import type { Command, SavedNet } from '../messages.js';
import { say } from './status.js';

const save = byId('save', HTMLButtonElement);
const load = byId('load', HTMLInputElement);
const status = byId('files-status', HTMLElement);

/** Nets to a file and back. */
export class Files {
  /** @param send - also where no engine runs yet. */
  constructor(send: (command: Command) => void) {
    save.addEventListener('click', () => send({ kind: 'save' }));
    load.addEventListener('change', async () => {
      const file = load.files?.[0];
      if (!file) return;
      this.say(`Loading ${file.name} …`);
      try {
        send({ kind: 'load', text: await file.text() });
      } catch (error) {
        this.say(`load: ${file.name} cannot be read (${messageOf(error)}). Choose it again.`, true);
      }
      load.value = ''; // so that the same file can be chosen again
    });
  }

  enable(isReady: boolean): void {
    save.disabled = !isReady;
  }

  saved({ file, text }: SavedNet): void {
    downloadText(file, 'application/json', text);
    this.say(`Saved as ${file}, ${Math.ceil(text.length / 1000)} kB.`);
  }

  say(words: string, isRefusal = false): void {
    say(status, words, isRefusal);
  }
}
