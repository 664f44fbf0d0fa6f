import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { isError, isQontrastError, messageOf, type OnProgress, QontrastError } from '../shared/index.ts'
import { weightsAmong } from './kinds/index.ts'
import { type Dtype, modelFileNames } from './transformer/model-file.ts'
import { readOnnxOutline } from './transformer/onnx-outline.ts'

export interface HubOptions {
  readonly revision: string
  readonly cacheDir: string
  readonly localOnly: boolean
  readonly dtype: Dtype
  readonly onProgress: OnProgress | undefined
}

export interface HubModel {
  readonly folder: string
  /** Files of the folder may be links to anywhere below it. */
  readonly boundary: string
}

const connectTimeoutMilliseconds = 10_000

/** Form of a hub name: owner/name. */
export function isHubName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(name) && !name.includes('..')
}

/**
 * A model's files on this machine: from the hub cache that Python's huggingface_hub shares, from a transformers.js cache
 * (`cacheDir/owner/name`), else downloaded. Rejects with `hub-unreachable` or `model-not-found`.
 */
export async function fetchHubModel(name: string, options: HubOptions): Promise<HubModel> {
  const { cacheDir, localOnly } = options
  const flat = path.join(cacheDir, name)
  if (existsSync(flat)) return { folder: flat, boundary: flat }
  const cached = await findSnapshot(name, options)
  if (cached) return cached
  if (localOnly) {
    throw new QontrastError('model-not-found', `'${name}' is not in ${cacheDir}, and localOnly forbids to download it.`)
  }
  return download(name, options)
}

function storageFolder(cacheDir: string, name: string): string {
  return path.join(cacheDir, `models--${name.replace('/', '--')}`)
}

/** A snapshot counts as complete once the weights asked for are there: the model file, and what it keeps weights in. */
async function findSnapshot(name: string, { cacheDir, revision, dtype }: HubOptions): Promise<HubModel | undefined> {
  const boundary = storageFolder(cacheDir, name)
  const commit = await readFile(path.join(boundary, 'refs', revision), 'utf8').catch(() => revision)
  const folder = path.join(boundary, 'snapshots', commit.trim())
  const weights = weightsAmong(await filesOf(folder), dtype)
  const beside = weights.filter((file) => file.endsWith('.onnx')).flatMap((file) => externalOf(folder, file))
  const complete = weights.length > 0 && beside.every((file) => existsSync(path.join(folder, file)))
  return complete ? { folder, boundary } : undefined
}

/** Files of a folder that are there, relative to it; a link to nothing is not. */
async function filesOf(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  return names.filter((name) => existsSync(path.join(folder, name))).map((name) => name.split(path.sep).join('/'))
}

/** Names of the files that an ONNX file keeps weights in, relative to the model's folder, as far as they are inside of it. */
function externalOf(folder: string, onnx: string): string[] {
  const { external } = readOnnxOutline(path.join(folder, onnx))
  return external
    .map((location) => path.posix.join(path.posix.dirname(onnx), location))
    .filter((file) => !file.startsWith('..') && !path.posix.isAbsolute(file))
}

async function download(name: string, { cacheDir, revision, dtype, onProgress }: HubOptions): Promise<HubModel> {
  const { downloadFileToCacheDir, listFiles, modelInfo } = await import('@huggingface/hub')
  const hub = { hubUrl: process.env['HF_ENDPOINT'] ?? 'https://huggingface.co', fetch: timedFetch, ...credentials() }
  try {
    const { sha } = await modelInfo({ ...hub, name, revision, additionalFields: ['sha'] })
    const names: string[] = []
    for await (const entry of listFiles({ ...hub, repo: name, revision: sha, recursive: true })) {
      if (entry.type === 'file') names.push(entry.path)
    }
    checkDtype(name, names, dtype)
    const snapshot = path.join(storageFolder(cacheDir, name), 'snapshots', sha)
    const wanted = filesToFetch(names, dtype)
    for (let done = 0; done < wanted.length; done++) {
      const file = wanted[done]!
      onProgress?.({ done, total: wanted.length })
      await quietly(() => downloadFileToCacheDir({ ...hub, repo: name, path: file, revision: sha, cacheDir }))
      if (file.endsWith('.onnx')) {
        const beside = externalOf(snapshot, file).filter((other) => names.includes(other) && !wanted.includes(other))
        wanted.push(...beside)
      }
    }
    onProgress?.({ done: wanted.length, total: wanted.length })
    await rememberRevision(storageFolder(cacheDir, name), revision, sha)
    return {
      folder: snapshot,
      boundary: storageFolder(cacheDir, name),
    }
  } catch (cause) {
    throw isQontrastError(cause) ? cause : hubError(name, hub.hubUrl, cause)
  }
}

/**
 * Settings and tokenizer first, weights last; the weights of the dtype asked for only. What else an ONNX file keeps weights in, it says
 * itself.
 */
export function filesToFetch(names: readonly string[], dtype: Dtype): string[] {
  const isSetting = (name: string) =>
    name.endsWith('.json') && !name.startsWith('onnx/') && !name.startsWith('openvino/')
  const isModuleWeight = (name: string) => /^\d+_\w+\/model\.safetensors$/.test(name)
  const last = weightsAmong(names, dtype).toSorted((a, b) => b.length - a.length)
  return [...new Set([...names.filter((name) => isSetting(name) || isModuleWeight(name)), ...last])]
}

/** `model-not-found` before anything is fetched, where a model has ONNX files, but none of the dtype. */
function checkDtype(name: string, names: readonly string[], dtype: Dtype): void {
  const wanted = modelFileNames(dtype)
  const others = names.filter((file) => /^(onnx\/)?model[^/]*\.onnx$/.test(file))
  if (others.length === 0 || wanted.some((file) => names.includes(file))) return
  throw new QontrastError(
    'model-not-found',
    `'${name}' has no ${wanted.join(' and no ')} (dtype '${dtype}'). It has ${others.join(', ')}: ask for that dtype.`,
  )
}

async function rememberRevision(storage: string, revision: string, sha: string): Promise<void> {
  if (revision === sha) return
  const { mkdir, writeFile } = await import('node:fs/promises')
  await mkdir(path.join(storage, 'refs'), { recursive: true })
  await writeFile(path.join(storage, 'refs', revision), sha)
}

function credentials(): { accessToken: string } | Record<string, never> {
  const token = process.env['HF_TOKEN']
  return token ? { accessToken: token } : {}
}

/** The hub's answer must begin within ten seconds; the body may take as long as it needs. */
async function timedFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const controller = new AbortController()
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer within ${connectTimeoutMilliseconds / 1000} s`)),
    connectTimeoutMilliseconds,
  )
  try {
    return await fetch(input, { ...init, signal: controller.signal })
  } finally {
    clearTimeout(timer)
  }
}

/** The hub client tells the console about every file; progress is reported through `onProgress` instead. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { debug } = console
  console.debug = () => {}
  try {
    return await work()
  } finally {
    console.debug = debug
  }
}

function hubError(name: string, hubUrl: string, cause: unknown): QontrastError {
  if (isQontrastError(cause)) return cause
  const status = isError(cause) && 'statusCode' in cause ? cause.statusCode : undefined
  if (status === 401 || status === 403 || status === 404) {
    return new QontrastError(
      'model-not-found',
      `${hubUrl} has no model '${name}' that this machine may read (HTTP ${status}). Check the name; for a private model set HF_TOKEN.`,
      { cause },
    )
  }
  return new QontrastError(
    'hub-unreachable',
    `'${name}' could not be fetched from ${hubUrl}: ${messageOf(cause)}. Get online, or download the folder elsewhere and pass its path ('./${name.split('/')[1]}').`,
    { cause },
  )
}
