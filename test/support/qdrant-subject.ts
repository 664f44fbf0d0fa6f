import { fileURLToPath } from 'node:url'
import { QdrantClient } from '@qdrant/js-client-rest'
import { qdrantProgram, startQdrant, versionOf } from './qdrant-server.ts'
import { type RecordingProxy, readRecording, record, replay } from './recording.ts'

/** Where a suite meets Qdrant: a real server, a recording that is being made, or one that is played. */
export interface QdrantSubject {
  readonly url: string
  /** For people to read. */
  readonly source: string
  begin(scene: string): Promise<void>
  end(): Promise<void>
  close(): Promise<void>
}

/**
 * `QDRANT_URL` (an empty server), else `qdrant` on PATH, else the recording of that name; undefined where there is none of them.
 * Settings of the server need the one on PATH.
 * With `QONTRAST_RECORD=1` what the server answers is written down.
 */
export async function openQdrant(
  recording: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<QdrantSubject | undefined> {
  const file = fileURLToPath(new URL(`../fixtures/qdrant/${recording}.jsonl.br`, import.meta.url))
  const given = process.env['QDRANT_URL']
  const program = qdrantProgram()
  const apiKey = settings['SERVICE__API_KEY']
  if (given !== undefined && Object.keys(settings).length === 0)
    return real({ file, url: given, version: await versionOf(given), stop: async () => {} })
  if (program !== undefined) {
    const { url, version, close } = await startQdrant(program, settings)
    return real({ file, url, version, stop: close, ...(apiKey ? { apiKey } : {}) })
  }
  const recorded = readRecording(file)
  if (!recorded) return undefined
  const proxy = await replay(recorded)
  return {
    url: proxy.url,
    source: `recorded from ${recorded.server} on ${recorded.recorded}, ${recorded.exchanges.length} exchanges`,
    async begin(scene) {
      proxy.begin(scene)
    },
    async end() {
      proxy.end()
    },
    close: () => proxy.close(),
  }
}

interface Server {
  readonly file: string
  readonly url: string
  readonly version: string
  readonly apiKey?: string
  stop(): Promise<void>
}

async function real({ file, url, version, stop, ...key }: Server): Promise<QdrantSubject> {
  const client = new QdrantClient({ url, ...key, checkCompatibility: false })
  const { collections } = await client.getCollections()
  if (collections.length > 0) throw new Error(`Qdrant at ${url} holds collections; the tests need an empty one.`)
  const recorder: (RecordingProxy & { save(): void }) | undefined =
    process.env['QONTRAST_RECORD'] === '1' ? await record(url, version, file) : undefined
  return {
    url: recorder?.url ?? url,
    source: `Qdrant ${version} at ${url}${recorder ? ', recording' : ''}`,
    async begin(scene) {
      recorder?.begin(scene)
    },
    async end() {
      const made = await client.getCollections()
      for (const { name } of made.collections) await client.deleteCollection(name)
    },
    async close() {
      recorder?.save()
      await recorder?.close()
      await stop()
    },
  }
}
