import { type Encoder, type TextReading, textOf } from '../../embed/index.ts'
import type { Document } from '../../shared/index.ts'
import { createChunker, type Span } from './chunk.ts'
import { type Chunking, chunkingTag, fitChunking } from './chunk-settings.ts'

/** The chunks of a document. */
export interface Cut {
  /** The title as it stands before each chunk for the encoder: its beginning, and a line break. */
  readonly prefix: string
  readonly spans: readonly Span[]
  /** The encoder reads only the beginning. */
  readonly cut: boolean
}

/** Cuts documents for one encoder; a call at a time, since it shares the event loop. */
export interface Cutter {
  /** Settings hold as far as the encoder allows them. */
  cut(document: Document, chunk: Chunking): Promise<Cut>
  /** What stands before each chunk of a document of that title, cut with those settings. */
  prefixOf(title: string, chunk: Chunking): Promise<string>
}

/** A title takes this share of a chunk at most; a longer one would leave no room for the text. */
const titleShare = 0.25
const longestTokenTried = 64

const cutters = new WeakMap<Encoder, Cutter>()

/** One an encoder, since it remembers how many tokens each word has. */
export function cutterOf(encoder: Encoder): Cutter {
  const cutter = cutters.get(encoder) ?? createCutter(encoder)
  cutters.set(encoder, cutter)
  return cutter
}

function createCutter(encoder: Encoder): Cutter {
  const uniform = new Map<string, UniformCutter>()
  const fitting = (chunk: Chunking) => {
    const tag = chunkingTag(chunk)
    const cutter = uniform.get(tag) ?? createUniformCutter(fitChunking(chunk, encoder), textOf(encoder))
    uniform.set(tag, cutter)
    return cutter
  }
  return {
    cut: (document, chunk) => fitting(chunk).cut(document),
    prefixOf: (title, chunk) => fitting(chunk).prefixOf(title),
  }
}

interface UniformCutter {
  cut(document: Document): Promise<Cut>
  prefixOf(title: string): Promise<string>
}

/** Cuts texts into chunks, or keeps them whole where `settings` is false. */
function createUniformCutter(
  settings: { tokens: number; overlap: number } | false,
  reading: TextReading,
): UniformCutter {
  const countTokens = (text: string) => reading.countTokens(text)
  const room = settings ? settings.tokens : reading.maximumTokens
  const titles = createChunker({ tokens: Math.max(1, Math.floor(room * titleShare)), overlap: 0, countTokens })
  const texts = settings ? createChunker({ ...settings, countTokens }) : undefined

  async function prefixOf(title: string): Promise<string> {
    const [kept] = await titles.chunk(title)
    return kept ? `${title.slice(0, kept.end)}\n` : ''
  }

  return {
    prefixOf,
    async cut({ text, title = '', sections }) {
      const prefix = await prefixOf(title)
      if (!texts) return { prefix, spans: [{ start: 0, end: text.length }], cut: isOverMaximum(prefix + text, reading) }
      const reserve = prefix === '' ? 0 : countTokens(prefix)
      const spans = await texts.chunk(text, { reserve, ...(sections ? { sections } : {}) })
      return { prefix, spans, cut: false }
    },
  }
}

/** Looks at the beginning first: of a long text it is enough nearly always. */
function isOverMaximum(text: string, reading: TextReading): boolean {
  const { maximumTokens } = reading
  if (Buffer.byteLength(text) <= maximumTokens) return false
  const beginning = text.slice(0, maximumTokens * longestTokenTried)
  if (reading.countTokens(beginning) > maximumTokens) return true
  return beginning.length < text.length && reading.countTokens(text) > maximumTokens
}
