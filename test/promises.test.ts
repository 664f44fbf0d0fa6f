import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const repo = fileURLToPath(new URL('../', import.meta.url))

/** What docs/running.md promises, in its own words, and the test that fails where it is not kept: file and beginning of its name. */
const promises: readonly (readonly [promise: string, file: string, test: string])[] = [
  // Settings
  ['Flags go before environment variables', 'api/server', 'flags go before the environment'],
  ['from a terminal that is closed it stops the server', 'api/key-rotation', 'the end of its terminal stops a server'],
  ["ONNX Runtime's telemetry is switched off in every process", 'runtime/look-ups', 'no process looks up a name'],
  ['no request can name a file or an address', 'api/bad-input', 'neither reach out of the folder'],
  // Keys
  ['from then on the key is refused with 401', 'api/access', 'one that expires is refused from then on'],
  ['streams that it opened end at their next line', 'api/access', 'a stream ends at the line after its key is'],
  ['see `/metrics`, and nothing else', 'api/access', 'one for metrics sees these and nothing else'],
  ['what it puts meets the filter by itself', 'api/tenants', 'meets its filter by itself'],
  ['cannot reach each other in any way', 'api/tenants', 'nothing that one writes changes an answer'],
  ['are read only (403', 'api/tenants', 'leaves alone what is in a list that another may see'],
  ['The space goes by what the filter means', 'api/tenants', 'are the same however its filter is written'],
  ['may be as long as any', 'api/tenants', 'may be as long as any'],
  ['it searches densely and exactly', 'api/access', 'gets the same answers whatever other tenants do'],
  ['`--host 0.0.0.0` without keys does not start', 'api/server', 'refuses an address that others can reach'],
  ['only to the host names `localhost`', 'api/bad-input', 'another host is refused'],
  ['No request and no stream is dropped', 'api/key-rotation', 'keys are rotated while requests and a stream go on'],
  [
    'leaves the keys as they were',
    'api/access',
    'others are taken at once; where they make no sense those before stay',
  ],
  // Limits, shares, deadlines
  ['a list or an object in them has at most 20,000 entries', 'api/limits', 'is bounded in depth, in the entries'],
  ["a filter's limits are", 'api/limits', 'filters: each limit, at it and over it'],
  ['`candidatesPerSearch`', 'api/fair-shares', 'a search may look at so many candidates'],
  ['limits count what it becomes', 'api/details', 'gzip is read, within limits'],
  [
    '`null` for a field that may be left out means that it is absent',
    'api/details',
    'null for a field that may be left out',
  ],
  ['Answers are compressed where `Accept-Encoding` asks for gzip', 'api/details', 'answers are compressed when'],
  ['`/openapi.json` names the limits in force', 'api/details', 'the document names the limits in force'],
  ["is not refused because a model's queue is full", 'api/fair-shares', "a model's full queue refuses texts to embed"],
  ['Searches go first', 'api/fair-shares', 'while large embeddings calls run, searches are answered first'],
  ['Each key has its share', 'api/fair-shares', 'each key has its share'],
  ['Nothing is over the limit', 'api/model-queue', 'the queue is never over its limit'],
  [
    'come in piece by piece; documents are not refused',
    'api/fair-shares',
    'documents that are put wait outside of the queue',
  ],
  ['A refused key is refused unread', 'api/model-queue', 'whoever was refused is refused unread'],
  ['is 504, also while a model computes', 'api/fair-shares', 'a deadline that passes while a model computes is 504'],
  ['Its work ends with it', 'api/server', 'a client that goes away has its work dropped'],
  ['Work that takes long shares the event loop', 'api/json-pieces', 'no piece is long, however large the answer is'],
  // Streams and errors
  ['are stored together, up to `documentsPerBatch`', 'api/streams', 'lines sent one by one are taken together'],
  ['a bad one takes nothing from it', 'api/streams', 'a bad twin takes nothing from a good line'],
  ['A stream that is cut has a last line', 'api/streams', 'a server that stops says so in the last line'],
  ['then the server stops reading', 'api/streams', 'a client that never reads stops being read'],
  ["a problem also has OpenAI's `error`", 'api/details', "errors on OpenAI's paths have OpenAI's form"],
  // Watching and maintenance
  ['leaves the others in rotation', 'api/readiness', 'a model that does not answer is named'],
  [
    'is replaced, and its batch is tried once more',
    'runtime/process-pool',
    'a process that shows no sign of life is replaced',
  ],
  ['That is logged (`worker lost`', 'api/readiness', 'a worker that died is logged, counted and replaced'],
  ['A data folder that cannot be written fails the start', 'api/readiness', 'that cannot be written fails the start'],
  ['name of the key. No text of a document or a query, no key', 'api/server', 'logs the name of a key, never the key'],
  ['no put waits for it', 'api/maintenance', 'puts are followed by maintenance in the background'],
  ['One process at a time on an index', 'index/stores/upkeep', 'merging waits for a process that is at it'],
  ['loses nothing that was acknowledged', 'faults/upkeep-kills', 'a process killed in the middle of merging'],
  ['new documents are found all the same', 'index/stores/upkeep', 'leave few parts behind, and each is found'],
  // Stopping
  ['and the process ends with 0', 'api/server', 'finishes what is under way on SIGTERM'],
  [
    'Three seconds after the grace time the process ends with 0 in any case',
    'api/server',
    'cuts what outlasts the grace time',
  ],
  ['A second signal ends it at once', 'api/readiness', 'in the lame-duck time the server is not ready'],
  [
    'A re-index that is broken off goes on when it is started again',
    'faults/reindex-processes',
    'leaves the index as it was, and is finished without embedding twice',
  ],
]

describe('docs/running.md', async () => {
  const page = (await readFile(path.join(repo, 'docs/running.md'), 'utf8')).replace(/\s+/g, ' ')

  test.each(promises)('promises "%s", and a test holds it', async (promise, file, name) => {
    expect(page).toContain(promise)
    expect(await readFile(path.join(repo, 'test', `${file}.test.ts`), 'utf8')).toContain(name)
  })
})
