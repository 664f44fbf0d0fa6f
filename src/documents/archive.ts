import { buffer } from 'node:stream/consumers'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { isQontrastError, messageOf, QontrastError } from '../shared/index.ts'

/** What a zipped document may hold: beyond it, it is refused before or while it is expanded. */
export const archiveLimits = {
  entries: 10_000,
  expandedBytes: 256 * 1024 * 1024,
  /** Expanded to packed, for entries beyond a mebibyte: text packs to a tenth, a bomb to a thousandth. */
  ratio: 200,
} as const

/** The files in a zip archive, read within {@link archiveLimits}. */
export interface Archive extends AsyncDisposable {
  readonly names: readonly string[]
  /** The bytes of a file, or nothing if there is none of that name. */
  read(name: string): Promise<Buffer | undefined>
  /** The text of an XML file; one that declares entities is refused. */
  readXml(name: string): Promise<string | undefined>
}

/** Opens a zip archive. `file-unreadable` and `file-encrypted` say what is wrong, `too-large` which limit it goes beyond. */
export async function openArchive(file: string, expandedBytes: number = archiveLimits.expandedBytes): Promise<Archive> {
  const zip = await openPromise(file, { autoClose: false }).catch((cause: unknown) => {
    throw new QontrastError('file-unreadable', `it is no zip archive that can be read: ${messageOf(cause)}`, { cause })
  })
  try {
    const entries = await listed(zip)
    let expanded = 0
    const read = async (name: string) => {
      const entry = entries.get(name)
      if (!entry) return undefined
      if (entry.isEncrypted())
        throw new QontrastError('file-encrypted', `'${name}' in it needs a password. Save it without one.`)
      expanded += entry.uncompressedSize
      if (expanded > expandedBytes) throw tooLarge(`it expands to more than ${expandedBytes / 1_048_576} MiB`)
      return unpacked(zip, entry)
    }
    return {
      names: [...entries.keys()],
      read,
      async readXml(name) {
        const bytes = await read(name)
        return bytes && xmlText(bytes, name)
      },
      async [Symbol.asyncDispose]() {
        zip.close()
      },
    }
  } catch (error) {
    zip.close()
    throw error
  }
}

/** All entries by their names, checked before any is expanded. */
async function listed(zip: ZipFile): Promise<Map<string, Entry>> {
  if (zip.entryCount > archiveLimits.entries) {
    throw tooLarge(`it holds ${zip.entryCount} entries; ${archiveLimits.entries} are the limit`)
  }
  const entries = new Map<string, Entry>()
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName: name, uncompressedSize: size, compressedSize: packed } = entry
      if (size > 1_048_576 && size > archiveLimits.ratio * packed) {
        throw tooLarge(
          `'${name}' in it expands ${Math.round(size / Math.max(1, packed))} times; ${archiveLimits.ratio} times is the limit`,
        )
      }
      if (!name.endsWith('/')) entries.set(name, entry)
    }
  } catch (cause) {
    if (isQontrastError(cause)) throw cause
    throw new QontrastError('file-unreadable', `its zip directory cannot be read: ${messageOf(cause)}`, { cause })
  }
  return entries
}

/** The library ends an entry that gives more than it declares. */
async function unpacked(zip: ZipFile, entry: Entry): Promise<Buffer> {
  try {
    return await buffer(await zip.openReadStreamPromise(entry))
  } catch (cause) {
    throw new QontrastError('file-unreadable', `'${entry.fileName}' in it cannot be expanded: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function xmlText(bytes: Buffer, name: string): string {
  const wide =
    bytes[0] === 0xff || bytes[1] === 0 ? 'utf-16le' : bytes[0] === 0xfe || bytes[0] === 0 ? 'utf-16be' : undefined
  const declared = /^<\?xml[^>]*encoding=["']([\w.:-]+)["']/.exec(bytes.subarray(0, 200).toString('latin1'))?.[1]
  let text: string
  try {
    text = new TextDecoder(wide ?? declared ?? 'utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new QontrastError(
      'file-unreadable',
      `'${name}' in it is not written in its encoding (${wide ?? declared ?? 'utf-8'}).`,
      { cause },
    )
  }
  if (/<!ENTITY/i.test(text)) {
    throw new QontrastError(
      'file-unreadable',
      `'${name}' in it declares XML entities, which are not expanded. Save it without them.`,
    )
  }
  return text
}

function tooLarge(reason: string): QontrastError {
  return new QontrastError('too-large', `${reason}. It may be a bomb; if it is not, split it, or save it as text.`)
}
