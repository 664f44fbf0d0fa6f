import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'

const sidecarName = '.qontrast-fingerprint.json'
const sidecarSchema = z.record(z.string(), z.object({ stamp: z.string(), hash: z.string() }))
type Sidecar = z.infer<typeof sidecarSchema>

export interface HashOptions {
  /** Folder of the model. */
  readonly root: string
  /** Where hashes are kept when the model folder cannot be written. */
  readonly cacheDir: string
}

/** SHA-256 of a model's file, as hex. It is computed once and kept beside the model; size and time of the file tell when again. */
export async function hashOfFile(file: string, { root, cacheDir }: HashOptions): Promise<string> {
  const key = path.relative(root, file)
  const { size, mtimeMs } = await stat(file)
  const stamp = `${size}-${Math.round(mtimeMs)}`
  const places = [path.join(root, sidecarName), path.join(cacheDir, 'fingerprints', `${shortHash(root)}.json`)]
  for (const place of places) {
    const entry = (await readSidecar(place))[key]
    if (entry?.stamp === stamp) return entry.hash
  }
  const hash = await computeHash(file)
  for (const place of places) if (await writeEntry(place, key, { stamp, hash })) break
  return hash
}

async function computeHash(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** A sidecar that is absent or broken is the same as an empty one: it only saves time. */
async function readSidecar(place: string): Promise<Sidecar> {
  try {
    return sidecarSchema.parse(JSON.parse(await readFile(place, 'utf8')))
  } catch {
    return {}
  }
}

async function writeEntry(place: string, key: string, entry: Sidecar[string]): Promise<boolean> {
  const partial = `${place}.${process.pid}.${shortHash(key)}`
  try {
    await mkdir(path.dirname(place), { recursive: true })
    await writeFile(partial, `${JSON.stringify({ ...(await readSidecar(place)), [key]: entry }, null, 2)}\n`)
    await rename(partial, place)
    return true
  } catch {
    return false
  }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
