import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { createKeyring, type Keyring } from '../api/index.ts'
import { messageOf } from '../shared/index.ts'
import { readKeys } from './read-settings.ts'

const lookEveryMilliseconds = 1_000

export interface KeysFile {
  readonly keyring: Keyring
  /** Reads the file again, whether it changed or not. Where it cannot be used, the keys before stay, and the log says why. */
  reload(): Promise<void>
  [Symbol.dispose](): void
}

/**
 * The keys of a file, which is read again when what it holds has changed. It is looked into rather than watched: editors and orchestrators put another file,
 * or another link, in its place, and not every file system tells of that.
 */
export async function openKeysFile(file: string, log: Logger): Promise<KeysFile> {
  let seen = await contentOf(file)
  let last: Promise<void> = Promise.resolve()
  const keyring = createKeyring(await readKeys(file))
  const timer = setInterval(() => void inTurn(lookAgain), lookEveryMilliseconds).unref()

  function inTurn(work: () => Promise<void>): Promise<void> {
    last = last.then(work)
    return last
  }

  async function lookAgain(): Promise<void> {
    const content = await contentOf(file)
    if (content === seen) return
    seen = content
    await reload()
  }

  async function reload(): Promise<void> {
    try {
      await keyring.reload(() => readKeys(file))
      log.info({ keys: keyring.size }, 'keys read again')
    } catch (err) {
      log.error({ err, keys: keyring.size }, 'keys not read again: those before stay')
    }
  }

  return { keyring, reload: () => inTurn(reload), [Symbol.dispose]: () => clearInterval(timer) }
}

/** What there is to read, or why there is nothing. */
function contentOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(messageOf)
}
